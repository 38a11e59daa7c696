import type dns from 'node:dns';
import type { LookupFunction, Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { monotonicScheduler } from '../../../internal/scheduler.ts';
import { outsideAnyContext } from '../../../internal/timers.ts';
import { untraced } from '../../../internal/tracingSuppression.ts';
import type { AddressPreference } from '../../../strategies/addressPreference.ts';
import type { TlsMaterial, TlsSource } from '../../shared/configuration/tls.ts';
import { SOCKET_HIGH_WATER_MARK_BYTES } from './highWaterMark.ts';
import type { Undici } from './undici.ts';

/** Begins to connect, and returns the connecting socket. With `upon`, it begins TLS on that existing connection. */
export type OpenSocket = (done: (error: Error | null, socket: Socket | null) => void, upon?: Socket) => Socket;

/** Prepares a connection to one host. Called for each new connection, so that certificates can be renewed in between. */
export type SocketOpener = () => Promise<OpenSocket>;

/** The peer that connections lead to. */
export interface Peer {
  readonly url: URL;
  /** The path of its socket, where it is none of TCP. */
  readonly socketPath: string | undefined;
}

/**
 * undici's connector remembers TLS sessions, so it is kept while the TLS material stays the same. The name is resolved for each new connection.
 *
 * @param addresses says which address of the name is tried first
 */
export function socketOpenerTo(peer: Peer, tls: TlsSource, addresses: AddressPreference, undici: Undici): SocketOpener {
  const lookup = preferredLookup(sharedLookup(), addresses);
  const connected = (socket: Socket) => addresses.connected(addressesTried(socket), monotonicScheduler.now());
  const isSecure = peer.url.protocol === 'https:';
  let last: { readonly material: TlsMaterial; readonly open: OpenSocket } | undefined;
  return async () => {
    const material = isSecure ? await untraced(() => tls.current()) : NO_TLS;
    if (last?.material !== material)
      last = { material, open: openSocketWith(peer, material, { lookup, connected }, undici) };
    return last.open;
  };
}

const NO_TLS: TlsMaterial = Object.freeze({});

interface Connecting {
  readonly lookup: LookupFunction;
  readonly connected: (socket: Socket) => void;
}

function openSocketWith(
  { url, socketPath }: Peer,
  material: TlsMaterial,
  { lookup, connected }: Connecting,
  undici: Undici,
): OpenSocket {
  const { host, protocol, port } = url;
  const hostname = hostnameOf(url);
  // undici passes these on to the socket, plain or TLS, though its types omit them. Its timeout is off: `ConnectAttempt` has limits.
  const onSocket = { lookup, highWaterMark: SOCKET_HIGH_WATER_MARK_BYTES };
  const connect = undici.buildConnector({
    ...(material as buildConnector.BuildOptions),
    ...onSocket,
    ...(socketPath !== undefined && { socketPath }),
    allowH2: false,
    timeout: 0,
  }) as (options: buildConnector.Options, done: buildConnector.Callback) => Socket;
  return (done, upon) => {
    const options = { hostname, host, protocol, port, ...(upon && { httpSocket: upon as never }) };
    const ended: buildConnector.Callback = (...[error, socket]) => {
      if (socket) connected(socket);
      done(error, socket ?? null);
    };
    // A socket lives longer than the request in which it happens to be made, and must not keep that one's context.
    return outsideAnyContext(() => untraced(() => unheld(connect(options, ended))));
  };
}

/** The host name as sockets take it: without the brackets of an IPv6 address. */
export function hostnameOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

/** The addresses of the name that this very connection was tried with, in order. Node keeps them where it tries one after another (not in a tunnel, and not where a program has turned that off). */
function addressesTried({ autoSelectFamilyAttemptedAddresses: tried = [] }: Partial<Socket>): string[] {
  return tried.map((addressAndPort) => addressAndPort.slice(0, addressAndPort.lastIndexOf(':')));
}

/** A connection does not keep the process alive. A flush or a drain at exit, which waits for answers, does. */
function unheld(socket: Socket): Socket {
  socket.unref();
  // undici calls `ref` with each request.
  socket.ref = () => socket;
  return socket;
}

/** Gives all addresses of a name, or the one that is to be tried first. */
function preferredLookup(lookup: LookupAll, addresses: AddressPreference): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, resolved) => {
      if (error !== null) return callback(error, []);
      const inOrder = addresses.inOrder(resolved, monotonicScheduler.now());
      const [first] = inOrder;
      if (options.all === true || first === undefined) callback(null, inOrder);
      else callback(null, first.address, first.family);
    });
  };
}

type LookupAll = (
  hostname: string,
  options: dns.LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, resolved: dns.LookupAddress[]) => void,
) => void;

/** Looks a name up only once at a time: a look-up cannot be cancelled, and occupies one of the few threads of the process until it ends. */
function sharedLookup(): LookupAll {
  const inFlight = new Map<string, Parameters<LookupAll>[2][]>();
  return (hostname, options, callback) => {
    const key = JSON.stringify([hostname, options]);
    const waiting = inFlight.get(key);
    if (waiting !== undefined) return void waiting.push(callback);
    const all = [callback];
    inFlight.set(key, all);
    process.getBuiltinModule('node:dns').lookup(hostname, options, (...result) => {
      inFlight.delete(key);
      for (const each of all) each(...result);
    });
  };
}
