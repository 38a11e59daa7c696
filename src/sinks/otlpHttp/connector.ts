import dns from 'node:dns';
import type { LookupFunction, Socket } from 'node:net';
import { buildConnector } from 'undici';
import { untraced } from '../../suppress.ts';
import { outsideAnyContext } from '../../timers.ts';
import { SOCKET_HIGH_WATER_MARK_BYTES } from './body.ts';
import type { OtlpHttpSettings } from './options.ts';

/** Begins to connect, and returns the socket that does. */
export type Begin = (done: (error: Error | null, socket: Socket | null) => void) => Socket;

/** Makes connections to one backend. It is asked for each new one, so that what TLS needs may change in between. */
export type Connector = () => Promise<Begin>;

export function connectorFor({ url, tls }: Pick<OtlpHttpSettings, 'url' | 'tls'>): Connector {
  const { host, protocol, port } = url;
  const hostname = hostnameOf(url);
  const lookup = sharedLookup();
  // Passed on to the socket, plain or TLS, which undici's types leave out. Its own timeout is off: a dial has limits of ours.
  const onSocket = { lookup, highWaterMark: SOCKET_HIGH_WATER_MARK_BYTES };
  const connect = buildConnector({
    ...(tls as buildConnector.BuildOptions),
    ...onSocket,
    allowH2: false,
    timeout: 0,
  }) as (options: buildConnector.Options, done: buildConnector.Callback) => Socket;
  const begin: Begin = (done) =>
    // A socket lives longer than the request in which it happens to be made, and must not keep that one's context.
    outsideAnyContext(() =>
      untraced(() =>
        unheld(connect({ hostname, host, protocol, port }, (...[error, socket]) => done(error, socket ?? null))),
      ),
    );
  return async () => begin;
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
