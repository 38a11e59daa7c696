import { type buildConnector, type Dispatcher, Pool } from 'undici';
import { messageOf } from '../../errors.ts';
import { ExportError } from '../../sink.ts';
import type { OtlpHttpSettings } from './options.ts';
import type { ProxySettings } from './proxy.ts';
import { shownUrl } from './url.ts';

type Connect = buildConnector.connector;
type Connected = buildConnector.Callback;

/** What carries the requests of one sink. */
export interface Carrier {
  readonly dispatcher: Pick<Dispatcher, 'request'>;
  /** Ends its connections, if they are ours. */
  close(): Promise<void>;
}

/**
 * A given dispatcher, or connections of our own, direct or through a proxy. undici's own `ProxyAgent` reads TLS settings once and makes sockets by itself; here `connect` makes
 * all of them, with the TLS of now.
 *
 * @param connect makes a connection, upon `httpSocket` where one is given
 */
export function carrierFor(settings: OtlpHttpSettings, connect: Connect, options: Pool.Options): Carrier {
  const { url, dispatcher, proxy } = settings;
  if (dispatcher !== undefined) return { dispatcher, close: async () => {} };
  if (proxy === undefined) return owned(new Pool(url.origin, { ...options, connect }));
  const toProxy = new Pool(proxy.url.origin, { ...options, connect: connectTo(proxy, url, connect) });
  if (url.protocol === 'http:') return owned(toProxy, forwarding(toProxy, proxy, url));
  const tunnel = tunnelThrough(toProxy, proxy, settings, connect);
  const throughTunnel = new Pool(url.origin, { ...options, connect: tunnel });
  return {
    dispatcher: throughTunnel,
    close: async () => void (await Promise.all([throughTunnel, toProxy].map(ended))),
  };
}

/** What a given dispatcher fails with, when no connection came about. */
export function isOfConnecting(error: unknown): boolean {
  const { code, syscall, errors } = (error ?? {}) as { code?: unknown; syscall?: unknown; errors?: unknown };
  if (Array.isArray(errors)) return errors.length > 0 && errors.every(isOfConnecting);
  return syscall === 'connect' || syscall === 'getaddrinfo' || code === 'UND_ERR_CONNECT_TIMEOUT';
}

function owned(pool: Pool, dispatcher: Dispatcher = pool): Carrier {
  return { dispatcher, close: () => ended(pool) };
}

function ended(pool: Pool): Promise<void> {
  return pool.destroy();
}

/** Of the names that a request brings along, that of the backend is not the name that a proxy's certificate has. */
function connectTo(proxy: ProxySettings, target: URL, connect: Connect): Connect {
  return ({ servername: _, ...options }, callback) =>
    connect(options, (...result) => {
      if (result[0] === null) callback(...result);
      else callback(noWay(proxy, target, result[0]), null);
    });
}

/** Plain HTTP is passed on by the proxy itself, which is sent the whole URL (RFC 9112, 3.2.2). */
function forwarding(pool: Pool, proxy: ProxySettings, target: URL): Dispatcher {
  const own = { host: target.host, ...credentialsOf(proxy) };
  return pool.compose((dispatch) => (options, handler) => {
    const headers = { ...(options.headers as Record<string, string>), ...own };
    return dispatch({ ...options, path: `${target.origin}${options.path}`, headers }, handler);
  });
}

/** TLS with the backend itself, in a tunnel that the proxy opens (RFC 9110, 9.3.6). */
function tunnelThrough(toProxy: Pool, proxy: ProxySettings, settings: OtlpHttpSettings, connect: Connect): Connect {
  const { url, timeoutMillis } = settings;
  const path = `${url.hostname}:${url.port || '443'}`;
  const headers = { host: path, ...credentialsOf(proxy) };
  const open = async () => {
    const isLimited = timeoutMillis !== Number.POSITIVE_INFINITY;
    const signal = isLimited ? AbortSignal.timeout(Math.ceil(timeoutMillis)) : null;
    const { statusCode, socket } = await toProxy.connect({ path, headers, signal });
    if (statusCode === 200) return socket;
    socket.on('error', () => {}).destroy();
    throw new Error(`it answered ${statusCode}`);
  };
  return (options, callback: Connected) => {
    open().then(
      (socket) => connect({ ...options, httpSocket: socket as NonNullable<typeof options.httpSocket> }, callback),
      (error: unknown) => callback(noWay(proxy, url, error), null),
    );
  };
}

function credentialsOf({ authorization }: ProxySettings): Record<string, string> {
  return authorization === undefined ? {} : { 'proxy-authorization': authorization };
}

/** Certainly no arrival. An error of our own, too: undici asks again and again for a connection whose error has one of its codes. */
function noWay(proxy: ProxySettings, target: URL, error: unknown): ExportError {
  if (error instanceof ExportError) return error;
  const reason = messageOf(error) || String((error as { code?: unknown }).code);
  const message = `no answer from ${shownUrl(target)}: the proxy ${proxy.url.origin} gives no way to it: ${reason}`;
  return new ExportError({ kind: 'retryable' }, message, { cause: error });
}
