import type { buildConnector } from 'undici';
import { ExportError } from '../../sink.ts';
import type { TlsMaterial, TlsSource } from './tls.ts';

/**
 * What makes the next connection, by its scheme: with the TLS of now, for which it is asked. A connector remembers TLS sessions: it is kept while its TLS is, and not longer.
 *
 * @param limitMillis how long the answer may take: a connection whose TLS is awaited for ever would keep its requests for ever
 */
export function connectorSource(
  tls: TlsSource,
  build: (material: TlsMaterial) => buildConnector.connector,
  limitMillis: number,
): (protocol: string) => Promise<buildConnector.connector> {
  const plain = build({});
  let last: { readonly material: TlsMaterial; readonly connector: buildConnector.connector } | undefined;
  return async (protocol) => {
    if (protocol !== 'https:') return plain;
    const material = await within(tls.current(), limitMillis);
    if (last?.material !== material) last = { material, connector: build(material) };
    return last.connector;
  };
}

function within<V>(work: Promise<V>, limitMillis: number): Promise<V> {
  if (limitMillis === Number.POSITIVE_INFINITY) return work;
  return new Promise((resolve, reject) => {
    const onLimit = () => reject(new ExportError({ kind: 'retryable' }, `tls was not there within ${limitMillis} ms`));
    const timer = setTimeout(onLimit, limitMillis);
    timer.unref();
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
