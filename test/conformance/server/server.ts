import { Watchers } from '../../../src/testing/backend/conditions.ts';
import type { Protocol } from '../subjects/subject.ts';
import { grpcFront } from './grpcFront.ts';
import { httpFront } from './httpFront.ts';
import { type Arrival, type Reply, type Script, SILENCE } from './script.ts';

/** Who waits for nothing is told so all the same. */
const WAIT_MILLIS = 30_000;

/** The listener of one protocol: it hands each whole request over, and says what a reply says. */
export interface Front {
  readonly port: number;
  close(): Promise<void>;
}

export interface FrontParts {
  readonly port: number;
  /** Called when a connection has begun: its number. */
  connected(): number;
  /** Called for each request. */
  arrived(arrival: Omit<Arrival, 'index' | 'atMillis' | 'isGivenUp'>, exchange: Exchange): void;
}

/** How one request is answered. */
export interface Exchange {
  /** Resolves when the answer is written, or cannot be written any more. */
  answer(reply: Reply): Promise<void>;
  /** Called when the client has ended it. */
  onEnd: () => void;
}

export interface ScriptedServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly arrivals: readonly Arrival[];
  readonly connections: number;
  /** Requests that have arrived and are neither answered nor given up: now, and at most. */
  readonly open: number;
  readonly mostOpen: number;
  /** Resolves as soon as the condition holds; it is looked at whenever something arrives, is answered or ends. */
  until(condition: () => boolean): Promise<void>;
}

export interface ServerOptions {
  readonly protocol: Protocol;
  readonly script: Script;
  /** Default: any. */
  readonly port?: number;
  /** The clock that arrivals are stamped with. */
  readonly now: () => number;
}

/** A server on a real socket that does with each request what its script says. */
export async function startServer({ protocol, script, port = 0, now }: ServerOptions): Promise<ScriptedServer> {
  const arrivals: Arrival[] = [];
  const watchers = new Watchers();
  let connections = 0;
  let mostOpen = 0;
  let isClosed = false;
  const open = () =>
    arrivals.filter(({ answeredAtMillis, isGivenUp }) => answeredAtMillis === undefined && !isGivenUp).length;

  const treat = async (arrival: Arrival, exchange: Exchange) => {
    const reply = typeof script === 'function' ? await script(arrival) : script;
    if (isClosed || arrival.isGivenUp || reply === SILENCE) return;
    if (reply.as !== 'drip') arrival.answeredAtMillis = now();
    await exchange.answer(reply);
    if (!arrival.isGivenUp) arrival.answeredAtMillis ??= now();
    watchers.look();
  };
  const front = await (protocol === 'http' ? httpFront : grpcFront)({
    port,
    connected: () => connections++,
    arrived: (parts, exchange) => {
      const arrival = { ...parts, index: arrivals.length, atMillis: now(), isGivenUp: false };
      arrivals.push(arrival);
      mostOpen = Math.max(mostOpen, open());
      exchange.onEnd = () => {
        arrival.isGivenUp = (arrival as Arrival).answeredAtMillis === undefined;
        watchers.look();
      };
      void treat(arrival, exchange);
      watchers.look();
    },
  });
  return {
    port: front.port,
    url: `http://127.0.0.1:${front.port}`,
    arrivals,
    get connections() {
      return connections;
    },
    get open() {
      return open();
    },
    get mostOpen() {
      return mostOpen;
    },
    until: (condition) => watchers.until(condition, WAIT_MILLIS, () => `${arrivals.length} requests`),
    [Symbol.asyncDispose]: () => {
      isClosed = true;
      return front.close();
    },
  };
}
