import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import { outsideAnyContext } from '../../internal/timers.ts';
import { untraced } from '../../internal/tracingSuppression.ts';
import { messageOf } from '../../model/errors.ts';
import { ExportError } from '../../model/sink.ts';
import { isRefused } from '../shared/refused.ts';
import { clientOn } from './client.ts';
import { type Connector, connectorTo, hostnameOf } from './connector.ts';
import type { DialTarget } from './dialler.ts';
import type { OtlpHttpSettings } from './options.ts';
import type { ProxySettings } from './proxy.ts';
import { shownUrl } from './url.ts';

/** The way of a sink's requests: straight to the backend, or through a proxy. */
export interface Route {
  readonly connector: Connector;
  readonly target: DialTarget;
  /** Whom the HTTP client on a connection speaks to. */
  readonly origin: string;
  /** The request as it travels this way. */
  request(options: Dispatcher.DispatchOptions): Dispatcher.DispatchOptions;
}

export function routeOf({ url, tls, proxy }: Pick<OtlpHttpSettings, 'url' | 'tls' | 'proxy'>): Route {
  if (proxy === undefined) return straight(url, connectorTo(url, tls));
  const toProxy = connectorTo(proxy.url, tls);
  return url.protocol === 'http:'
    ? forwarded(url, proxy, toProxy)
    : tunnelled(url, proxy, toProxy, connectorTo(url, tls));
}

function straight(url: URL, connector: Connector): Route {
  return { connector, target: targetOf(url), origin: url.origin, request: (options) => options };
}

/** Plain HTTP is passed on by the proxy itself, which is sent the whole URL (RFC 9112, 3.2.2). */
function forwarded(url: URL, proxy: ProxySettings, toProxy: Connector): Route {
  const own = { host: url.host, ...credentialsOf(proxy) };
  const connector: Connector = async () => {
    const begin = await toProxy();
    return (done) => begin((error, socket) => done(error && noWay(proxy, url, error), socket));
  };
  return {
    connector,
    target: targetOf(proxy.url),
    origin: proxy.url.origin,
    request: (options) => ({
      ...options,
      path: `${url.origin}${options.path}`,
      headers: { ...(options.headers as Record<string, string>), ...own },
    }),
  };
}

/** TLS with the backend itself, in a tunnel that the proxy opens (RFC 9110, 9.3.6). */
function tunnelled(url: URL, proxy: ProxySettings, toProxy: Connector, toBackend: Connector): Route {
  const connector: Connector = async () => {
    const [begin, secure] = await Promise.all([toProxy(), toBackend()]);
    return (done) => {
      const fail = (error: unknown) => done(noWay(proxy, url, error), null);
      return begin((error, socket) => {
        if (socket === null) fail(error);
        else openTunnel(url, proxy, socket).then((tunnel) => void secure(done, tunnel), fail);
      });
    };
  };
  const { hostname } = targetOf(proxy.url);
  return { ...straight(url, connector), target: { hostname, isSecure: true } };
}

/** Nothing else ends it than the end of the socket, which the dial owns. */
async function openTunnel(url: URL, proxy: ProxySettings, socket: Socket): Promise<Socket> {
  const path = `${url.hostname}:${url.port || '443'}`;
  const headers = { host: path, ...credentialsOf(proxy) };
  const client = clientOn(proxy.url.origin, socket);
  const { statusCode, socket: tunnel } = await outsideAnyContext(() =>
    untraced(() => client.connect({ path, headers })),
  );
  if (statusCode === 200) return tunnel as Socket;
  tunnel.on('error', () => {}).destroy();
  throw new Error(`it answered ${statusCode}`);
}

function targetOf(url: URL): DialTarget {
  return { hostname: hostnameOf(url), isSecure: url.protocol === 'https:' };
}

function credentialsOf({ authorization }: ProxySettings): Record<string, string> {
  return authorization === undefined ? {} : { 'proxy-authorization': authorization };
}

/** Certainly no arrival. */
function noWay(proxy: ProxySettings, target: URL, error: unknown): ExportError {
  if (error instanceof ExportError) return error;
  const reason = messageOf(error) || String((error as { code?: unknown }).code);
  const message = `no answer from ${shownUrl(target)}: the proxy ${proxy.url.origin} gives no way to it: ${reason}`;
  const kind = 'retryable';
  return new ExportError(isRefused(error) ? { kind, connectionRefused: true } : { kind }, message, { cause: error });
}
