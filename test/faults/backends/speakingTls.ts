import type { Identity } from '../../support/httpCertificates.ts';
import type { Fault, Protocol } from '../row.ts';
import { startWell } from './well.ts';

/** A backend that is well but for its TLS: what it has while it is sick, and afterwards; `undefined` is none. The client does what fits afterwards. */
export function speakingTls(
  protocol: Protocol,
  sick: Identity | undefined,
  well: Identity | undefined,
  ca: string,
): Fault {
  return async (store) => {
    const first = await startWell(protocol, store, sick && { identity: sick });
    const heal = async () => {
      await first.close();
      await startWell(protocol, store, { port: first.port, ...(well && { identity: well }) });
    };
    return { url: `http${well === undefined ? '' : 's'}://127.0.0.1:${first.port}`, ...(well && { ca }), heal };
  };
}
