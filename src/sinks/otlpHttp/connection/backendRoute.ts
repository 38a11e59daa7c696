import type { Socket } from 'node:net';
import type { Client, Dispatcher } from 'undici';
import { outsideAnyContext } from '../../../internal/timers.ts';
import { untraced } from '../../../internal/tracingSuppression.ts';
import { messageOf } from '../../../model/errors.ts';
import { ExportError } from '../../../model/sink.ts';
import { isRefused } from '../../shared/refused.ts';
import { shownUrl } from '../configuration/endpoint.ts';
import type { ProxySettings } from '../configuration/proxy.ts';
import type { OtlpHttpSettings } from '../options.ts';
import type { ConnectTarget } from './connectPacer.ts';
import { clientOn } from './socketClient.ts';
import { hostnameOf, type SocketOpener, socketOpenerTo } from './socketOpener.ts';
import type { Undici } from './undici.ts';

/** The way of a sink's requests: straight to the backend, or through a proxy. */
export interface BackendRoute {
  readonly opener: SocketOpener;
  readonly target: ConnectTarget;
  /** An HTTP client on a new connection, which speaks to the backend or to the proxy. */
  clientOn(socket: Socket): Client;
  /** The request as it travels this way. */
  request(options: Dispatcher.DispatchOptions): Dispatcher.DispatchOptions;
}

type RouteSettings = Pick<OtlpHttpSettings, 'url' | 'tls' | 'proxy'>;

export function routeOf({ url, tls, proxy }: RouteSettings, undici: Undici): BackendRoute {
  if (proxy === undefined) return straight(url, socketOpenerTo(url, tls, undici), undici);
  const toProxy = socketOpenerTo(proxy.url, tls, undici);
  return url.protocol === 'http:'
    ? forwarded(url, proxy, toProxy, undici)
    : tunnelled(url, proxy, toProxy, socketOpenerTo(url, tls, undici), undici);
}

function straight(url: URL, opener: SocketOpener, undici: Undici): BackendRoute {
  return {
    opener,
    target: targetOf(url),
    clientOn: (socket) => clientOn(undici, url.origin, socket),
    request: (options) => options,
  };
}

/** Plain HTTP is passed on by the proxy itself, which is sent the whole URL (RFC 9112, 3.2.2). */
function forwarded(url: URL, proxy: ProxySettings, toProxy: SocketOpener, undici: Undici): BackendRoute {
  const own = { host: url.host, ...credentialsOf(proxy) };
  const opener: SocketOpener = async () => {
    const begin = await toProxy();
    return (done) => begin((error, socket) => done(error && noWay(proxy, url, error), socket));
  };
  return {
    ...straight(proxy.url, opener, undici),
    request: (options) => ({
      ...options,
      path: `${url.origin}${options.path}`,
      headers: { ...(options.headers as Record<string, string>), ...own },
    }),
  };
}

/** TLS with the backend itself, in a tunnel that the proxy opens (RFC 9110, 9.3.6). */
function tunnelled(
  url: URL,
  proxy: ProxySettings,
  toProxy: SocketOpener,
  toBackend: SocketOpener,
  undici: Undici,
): BackendRoute {
  const opener: SocketOpener = async () => {
    const [begin, secure] = await Promise.all([toProxy(), toBackend()]);
    return (done) => {
      const fail = (error: unknown) => done(noWay(proxy, url, error), null);
      return begin((error, socket) => {
        if (socket === null) fail(error);
        else
          openTunnel(url, proxy, clientOn(undici, proxy.url.origin, socket)).then(
            (tunnel) => void secure(done, tunnel),
            fail,
          );
      });
    };
  };
  const { hostname } = targetOf(proxy.url);
  return { ...straight(url, opener, undici), target: { hostname, isSecure: true } };
}

/** Only the end of the client's socket ends it, which the attempt to connect owns. */
async function openTunnel(url: URL, proxy: ProxySettings, client: Client): Promise<Socket> {
  const path = `${url.hostname}:${url.port || '443'}`;
  const headers = { host: path, ...credentialsOf(proxy) };
  const { statusCode, socket: tunnel } = await outsideAnyContext(() =>
    untraced(() => client.connect({ path, headers })),
  );
  if (statusCode === 200) return tunnel as Socket;
  tunnel.on('error', () => {}).destroy();
  throw new Error(`it answered ${statusCode}`);
}

function targetOf(url: URL): ConnectTarget {
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
