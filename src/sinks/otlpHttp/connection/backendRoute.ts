import type { Socket } from 'node:net';
import type { Client, Dispatcher } from 'undici';
import { outsideAnyContext } from '../../../internal/timers.ts';
import { untraced } from '../../../internal/tracingSuppression.ts';
import { messageOf } from '../../../model/errors.ts';
import { ExportError } from '../../../model/sink.ts';
import { AddressPreference } from '../../../strategies/addressPreference.ts';
import { shownUrl } from '../../shared/configuration/endpoint.ts';
import type { ProxySettings } from '../../shared/configuration/proxy.ts';
import { isRefused } from '../../shared/refused.ts';
import type { OtlpHttpSettings } from '../settings.ts';
import type { ConnectTarget } from './connectAttempt.ts';
import { clientOn } from './socketClient.ts';
import { hostnameOf, type SocketOpener, socketOpenerTo } from './socketOpener.ts';
import { loadTunnel, type Undici } from './undici.ts';

/** How requests reach the backend: directly, or through a proxy. */
export interface BackendRoute {
  readonly opener: SocketOpener;
  readonly target: ConnectTarget;
  /** Of the backend, or of the proxy. */
  readonly addresses: AddressPreference;
  /** An HTTP client on a new connection, which speaks to the backend or to the proxy. */
  clientOn(socket: Socket): Client;
  /** The request as it is sent on this route. */
  request(options: Dispatcher.DispatchOptions): Dispatcher.DispatchOptions;
}

type RouteSettings = Pick<OtlpHttpSettings, 'url' | 'tls' | 'proxy' | 'socketPath'>;

export function routeOf({ url, tls, proxy, socketPath }: RouteSettings, undici: Undici): BackendRoute {
  const addresses = new AddressPreference();
  const openerTo = (peer: URL, path?: string) =>
    socketOpenerTo({ url: peer, socketPath: path }, tls, addresses, undici);
  if (proxy === undefined) {
    const target = socketPath === undefined ? targetOf(url) : { ...targetOf(url), hostname: undefined };
    return { ...direct(url, openerTo(url, socketPath), undici), target, addresses };
  }
  const toProxy = openerTo(proxy.url);
  const route =
    url.protocol === 'http:'
      ? forwarded(url, proxy, toProxy, undici)
      : tunnelled(url, proxy, toProxy, openerTo(url), undici);
  return { ...route, addresses };
}

type Route = Omit<BackendRoute, 'addresses'>;

function direct(url: URL, opener: SocketOpener, undici: Undici): Route {
  return {
    opener,
    target: targetOf(url),
    clientOn: (socket) => clientOn(undici, url.origin, socket),
    request: (options) => options,
  };
}

/** The proxy itself forwards plain HTTP: it gets the whole URL (RFC 9112, 3.2.2). */
function forwarded(url: URL, proxy: ProxySettings, toProxy: SocketOpener, undici: Undici): Route {
  const own = { host: url.host, ...credentialsOf(proxy) };
  const opener: SocketOpener = async () => {
    const begin = await toProxy();
    return (done) => begin((error, socket) => done(error && unreachable(proxy, url, error), socket));
  };
  return {
    ...direct(proxy.url, opener, undici),
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
): Route {
  const opener: SocketOpener = async () => {
    const [begin, secure] = await Promise.all([toProxy(), toBackend()]);
    return (done) => {
      const fail = (error: unknown) => done(unreachable(proxy, url, error), null);
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
  return { ...direct(url, opener, undici), target: { hostname, isSecure: true } };
}

/** It ends only with the socket of the client, which belongs to the attempt to connect. */
async function openTunnel(url: URL, proxy: ProxySettings, client: Client): Promise<Socket> {
  const path = `${url.hostname}:${url.port || '443'}`;
  const headers = { host: path, ...credentialsOf(proxy) };
  const connect = await loadTunnel();
  const { statusCode, socket: tunnel } = await outsideAnyContext(() =>
    untraced(() => connect(client, { path, headers })),
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

/** No request can have arrived. */
function unreachable(proxy: ProxySettings, target: URL, error: unknown): ExportError {
  if (error instanceof ExportError) return error;
  const reason = messageOf(error) || String((error as { code?: unknown }).code);
  const message = `no answer from ${shownUrl(target)}: the proxy ${proxy.url.origin} gives no way to it: ${reason}`;
  const kind = 'retryable';
  return new ExportError(isRefused(error) ? { kind, connectionRefused: true } : { kind }, message, { cause: error });
}
