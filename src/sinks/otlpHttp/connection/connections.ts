import type { Dispatcher } from 'undici';
import type { OtlpHttpSettings } from '../options.ts';
import { routeOf } from './backendRoute.ts';
import { ConnectionPool } from './connectionPool.ts';
import type { PooledConnection } from './pooledConnection.ts';
import { type Answer, type RequestWatch, sendRequest } from './sendRequest.ts';
import { userConnections } from './userDispatcher.ts';

/** Connections to one backend, kept alive: as many as there are requests at once. */
export interface Connections {
  /** Sends a request and reads its answer. It rejects where there was none, and when it is aborted: before the phase `sending`, nothing of it was sent. */
  request(options: Dispatcher.DispatchOptions, watch: RequestWatch, signal: AbortSignal): Promise<Answer>;
  close(): Promise<void>;
}

export function connectionsFor(settings: OtlpHttpSettings): Connections {
  const { dispatcher, maxResponseBytes } = settings;
  return dispatcher === undefined ? ownConnections(settings) : userConnections(dispatcher, maxResponseBytes);
}

function ownConnections(settings: OtlpHttpSettings): Connections {
  const route = routeOf(settings);
  const pool = new ConnectionPool(route);
  return {
    request: async (given, watch, signal) => {
      const options = route.request(given);
      let answer: Answer | undefined;
      while (answer === undefined) {
        const connection = await pool.take(watch.enter, signal);
        answer = await requestOn(pool, connection, options, watch, settings.maxResponseBytes, signal);
      }
      return answer;
    },
    close: () => pool.close(),
  };
}

/** Nothing where the connection had ended while nobody used it: the request was not begun, and may go out over another one. */
async function requestOn(
  pool: ConnectionPool,
  connection: PooledConnection,
  options: Dispatcher.DispatchOptions,
  watch: RequestWatch,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  const { isFresh } = connection;
  let isBegun = false;
  let isSound = false;
  const enter: RequestWatch['enter'] = (phase) => {
    if (phase === 'sending') connection.begin();
    isBegun = true;
    watch.enter(phase);
  };
  try {
    const watchThis = { enter, headed: watch.headed };
    const answer = await sendRequest((handler) => connection.dispatch(options, handler), watchThis, maxBytes, signal);
    isSound = typeof answer.body !== 'string';
    return answer;
  } catch (error) {
    if (isFresh || isBegun || signal.aborted) throw error;
    return undefined;
  } finally {
    pool.giveBack(connection, isSound);
  }
}
