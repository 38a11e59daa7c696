import dns from 'node:dns';
import type { LookupFunction, Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { outsideAnyContext } from '../../../internal/timers.ts';
import { untraced } from '../../../internal/tracingSuppression.ts';
import { SOCKET_HIGH_WATER_MARK_BYTES } from '../body.ts';
import type { TlsMaterial, TlsSource } from '../configuration/tls.ts';
import type { Undici } from './undici.ts';

/** Begins to connect, and returns the socket that does. With `upon` it secures a connection that is there already. */
export type OpenSocket = (done: (error: Error | null, socket: Socket | null) => void, upon?: Socket) => Socket;

/** Makes connections to one host. It is asked for each new one, so that what TLS needs may change in between. */
export type SocketOpener = () => Promise<OpenSocket>;

/** A connector remembers TLS sessions: what it makes connections with is kept while its TLS stays the same. */
export function socketOpenerTo(url: URL, tls: TlsSource, undici: Undici): SocketOpener {
  const lookup = sharedLookup();
  const isSecure = url.protocol === 'https:';
  let last: { readonly material: TlsMaterial; readonly begin: OpenSocket } | undefined;
  return async () => {
    const material = isSecure ? await untraced(() => tls.current()) : NO_TLS;
    if (last?.material !== material) last = { material, begin: beginWith(url, material, lookup, undici) };
    return last.begin;
  };
}

const NO_TLS: TlsMaterial = Object.freeze({});

function beginWith(url: URL, material: TlsMaterial, lookup: LookupFunction, undici: Undici): OpenSocket {
  const { host, protocol, port } = url;
  const hostname = hostnameOf(url);
  // Passed on to the socket, plain or TLS, which undici's types leave out. Its own timeout is off: a dial has limits of ours.
  const onSocket = { lookup, highWaterMark: SOCKET_HIGH_WATER_MARK_BYTES };
  const connect = undici.buildConnector({
    ...(material as buildConnector.BuildOptions),
    ...onSocket,
    allowH2: false,
    timeout: 0,
  }) as (options: buildConnector.Options, done: buildConnector.Callback) => Socket;
  return (done, upon) => {
    const options = { hostname, host, protocol, port, ...(upon && { httpSocket: upon as never }) };
    // A socket lives longer than the request in which it happens to be made, and must not keep that one's context.
    return outsideAnyContext(() =>
      untraced(() => unheld(connect(options, (...[error, socket]) => done(error, socket ?? null)))),
    );
  };
}

/** As sockets want it: without the brackets of an IPv6 address. */
export function hostnameOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

/** A connection keeps no process alive: whoever waits for an answer (a flush, a drain at exit) does that on purpose. */
function unheld(socket: Socket): Socket {
  socket.unref();
  // undici takes its reference back with each request.
  socket.ref = () => socket;
  return socket;
}

/** One look-up of a name at a time: it cannot be taken back, and occupies one of the few threads of the process until it ends. */
function sharedLookup(): LookupFunction {
  const underWay = new Map<string, Parameters<LookupFunction>[2][]>();
  return (hostname, options, callback) => {
    const key = JSON.stringify([hostname, options]);
    const waiting = underWay.get(key);
    if (waiting !== undefined) return void waiting.push(callback);
    const all = [callback];
    underWay.set(key, all);
    dns.lookup(hostname, options, (...result) => {
      underWay.delete(key);
      for (const each of all) each(...result);
    });
  };
}
