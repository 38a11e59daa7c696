import type { Dispatcher } from 'undici';
import { monotonicScheduler } from '../../../internal/scheduler.ts';
import { isRetryableStatus } from '../../../otlp/responses/status.ts';
import type { RequestWatch, Transport } from '../../shared/http/contract.ts';
import { type Lease, Sharing } from '../../shared/sharing.ts';
import type { OtlpHttpSettings } from '../settings.ts';
import { type BackendRoute, routeOf } from './backendRoute.ts';
import { ConnectionPool, type ConnectionUse } from './connectionPool.ts';
import { compressed, decodedContent } from './contentCodings.ts';
import type { Connections, RawAnswer } from './contract.ts';
import type { PooledConnection } from './pooledConnection.ts';
import { sendRequest } from './sendRequest.ts';
import { loadUndici, loadUndiciWhenIdle } from './undici.ts';
import { userConnections } from './userDispatcher.ts';

/** Connections that sinks of one backend, with the same settings for them, have in common. */
export type SharedConnections = Sharing<Connections>;

export function sharedConnections(): SharedConnections {
  return new Sharing((connections) => connections.close());
}

/** How the requests of one sink leave: over connections that it gives back when it is closed. */
export function transportFor(settings: OtlpHttpSettings, shared: SharedConnections): Transport {
  const { dispatcher, maxResponseBytes } = settings;
  const { resource: connections, giveBack } = connectionsFor(settings, shared);
  return {
    // How long a given dispatcher keeps what it sends is unknown: it gets a copy.
    takesLentBodies: dispatcher === undefined,
    compressed,
    request: async (request, watch, signal) => {
      // undici's documentation allows the iterable, its types omit it.
      const options = { ...request, body: request.body as Uint8Array };
      const answer = await connections.request(options, watch, signal);
      return { ...answer, body: await decodedContent(answer, maxResponseBytes) };
    },
    close: giveBack,
  };
}

function connectionsFor(settings: OtlpHttpSettings, shared: SharedConnections): Lease<Connections> {
  const { url, socketPath, tls, proxy, dispatcher, maxConnectionAgeMillis, maxResponseBytes } = settings;
  if (dispatcher !== undefined)
    return shared.lease([dispatcher, maxResponseBytes], () => userConnections(dispatcher, maxResponseBytes));
  const peer = [url.origin, socketPath, tls.origin, proxy?.url.href, proxy?.authorization];
  return shared.lease([...peer, maxConnectionAgeMillis, maxResponseBytes], () => ownConnections(settings));
}

/** Connections of our own, kept alive: as many as there are requests at a time. */
function ownConnections(settings: OtlpHttpSettings): Connections {
  let opened: Promise<{ route: BackendRoute; pool: ConnectionPool }> | undefined;
  let isClosed = false;
  const open = async () => {
    const route = routeOf(settings, await loadUndici());
    const { maxConnectionAgeMillis: maxAgeMillis } = settings;
    return {
      route,
      pool: new ConnectionPool(route, { maxAgeMillis, random: Math.random, now: monotonicScheduler.now }),
    };
  };
  loadUndiciWhenIdle();
  return {
    request: async (given, watch, signal) => {
      opened ??= open().catch((error) => {
        opened = undefined; // the next attempt tries again
        throw error;
      });
      const { route, pool } = await opened;
      if (isClosed) pool.close(); // before this request had begun
      const options = route.request(given);
      let answer: RawAnswer | undefined;
      while (answer === undefined) {
        const connection = await pool.take(watch.enter, signal);
        answer = await requestOn(pool, connection, options, watch, settings.maxResponseBytes, signal);
      }
      return answer;
    },
    // Where undici cannot be loaded, there is nothing to close.
    close: async () => {
      isClosed = true;
      await opened?.then(
        ({ pool }) => pool.close(),
        () => {},
      );
    },
  };
}

/** Returns `undefined` if the connection had ended while it was idle: the request was not begun, and can be sent over another connection. */
async function requestOn(
  pool: ConnectionPool,
  connection: PooledConnection,
  options: Dispatcher.DispatchOptions,
  watch: RequestWatch,
  maxBytes: number,
  signal: AbortSignal,
): Promise<RawAnswer | undefined> {
  const { isFresh } = connection;
  let isBegun = false;
  let use: ConnectionUse | undefined;
  const enter: RequestWatch['enter'] = (phase) => {
    if (phase === 'sending') connection.begin();
    isBegun = true;
    watch.enter(phase);
  };
  try {
    const watchOne = { enter, headed: watch.headed };
    const answer = await sendRequest((handler) => connection.dispatch(options, handler), watchOne, maxBytes, signal);
    use = useOf(answer);
    return answer;
  } catch (error) {
    if (isFresh || isBegun || signal.aborted) throw error;
    return undefined;
  } finally {
    pool.giveBack(connection, use ?? (isBegun ? 'brokenOff' : 'unused'));
  }
}

function useOf({ status, body }: RawAnswer): ConnectionUse {
  const isWhole = typeof body !== 'string';
  if (isRetryableStatus(status)) return isWhole ? 'refused' : 'brokenOff';
  return isWhole ? 'answered' : 'unread';
}
