import type { Dispatcher } from 'undici';
import { type Answer, exchange, type Watch } from './exchange.ts';
import { givenConnections } from './givenDispatcher.ts';
import type { Line } from './line.ts';
import { Lines } from './lines.ts';
import type { OtlpHttpSettings } from './options.ts';
import { routeOf } from './route.ts';

/** Connections to one backend, kept alive: as many as there are requests at once. */
export interface Connections {
  /** Sends a request and reads its answer. It rejects where there was none, and when it is aborted: before the phase `sending`, nothing of it was sent. */
  request(options: Dispatcher.DispatchOptions, watch: Watch, signal: AbortSignal): Promise<Answer>;
  close(): Promise<void>;
}

export function connectionsFor(settings: OtlpHttpSettings): Connections {
  const { dispatcher, maxResponseBytes } = settings;
  return dispatcher === undefined ? ownConnections(settings) : givenConnections(dispatcher, maxResponseBytes);
}

function ownConnections(settings: OtlpHttpSettings): Connections {
  const route = routeOf(settings);
  const lines = new Lines(route);
  return {
    request: async (given, watch, signal) => {
      const options = route.request(given);
      let answer: Answer | undefined;
      while (answer === undefined) {
        const line = await lines.take(watch.enter, signal);
        answer = await requestOn(lines, line, options, watch, settings.maxResponseBytes, signal);
      }
      return answer;
    },
    close: () => lines.close(),
  };
}

/** Nothing where the connection had ended while nobody used it: the request was not begun, and may go out over another one. */
async function requestOn(
  lines: Lines,
  line: Line,
  options: Dispatcher.DispatchOptions,
  watch: Watch,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  const { isFresh } = line;
  let isBegun = false;
  let isSound = false;
  const enter: Watch['enter'] = (phase) => {
    if (phase === 'sending') line.begin();
    isBegun = true;
    watch.enter(phase);
  };
  try {
    const watchLine = { enter, headed: watch.headed };
    const answer = await exchange((handler) => line.dispatch(options, handler), watchLine, maxBytes, signal);
    isSound = typeof answer.body !== 'string';
    return answer;
  } catch (error) {
    if (isFresh || isBegun || signal.aborted) throw error;
    return undefined;
  } finally {
    lines.giveBack(line, isSound);
  }
}
