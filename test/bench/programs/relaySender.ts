// A sender of a relay: at a rate of its own, or as fast as it is answered.

import { Pool } from 'undici';
import { answer, inputOf } from '../../scenarios/child.ts';
import { paced, sleep } from '../support/program.ts';
import { type PreparedRequests, requestsOf } from '../support/requests.ts';

export interface RelaySenderInput extends PreparedRequests {
  /** Where the relay listens. */
  readonly origin: string;
  readonly connections: number;
  /** `undefined`: each connection sends its next request when the last one is answered. */
  readonly spansPerSecond: number | undefined;
  readonly warmUpMillis: number;
  /** How many times as many spans it sends while the relay warms up. */
  readonly warmUpFactor: number;
  readonly millis: number;
}

/** What was sent, and for how long. */
export interface Sent {
  readonly spans: number;
  readonly seconds: number;
}

/** How long one that is asked to wait does. */
const WAIT_MILLIS = 100;

const input = inputOf<RelaySenderInput>();
const { connections, origin, spansPerRequest, spansPerSecond, warmUpMillis, warmUpFactor, millis } = input;
const headers = { 'content-type': 'application/x-protobuf' };
const prepared = requestsOf(input);
const pool = new Pool(origin, { connections, pipelining: 1 });
let next = 0;

async function post(): Promise<void> {
  const body = prepared[next++ % prepared.length] as Uint8Array;
  for (;;) {
    const { statusCode, body: answered } = await pool.request({ method: 'POST', path: '/v1/traces', headers, body });
    await answered.dump();
    if (statusCode === 200) return;
    if (statusCode !== 429 && statusCode !== 503) throw new Error(`the relay answered with ${statusCode}`);
    await sleep(WAIT_MILLIS);
  }
}

/** @param perSecond spans; `undefined`: as fast as they are answered */
async function send(forMillis: number, perSecond: number | undefined): Promise<Sent> {
  const startedMillis = performance.now();
  const requests = perSecond === undefined ? await inTurn(forMillis) : await atRate(perSecond, forMillis);
  return { spans: requests * spansPerRequest, seconds: (performance.now() - startedMillis) / 1_000 };
}

async function inTurn(forMillis: number): Promise<number> {
  const until = performance.now() + forMillis;
  let requests = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < until) {
      await post();
      requests += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
  return requests;
}

async function atRate(perSecond: number, forMillis: number): Promise<number> {
  const posts: Promise<void>[] = [];
  await paced(perSecond / spansPerRequest, forMillis, () => posts.push(post()));
  await Promise.all(posts);
  return posts.length;
}

answer({
  // A relay runs for hours: what the engine spends on compiling at first is not what a span costs.
  warmUp: () => send(warmUpMillis, spansPerSecond && spansPerSecond * warmUpFactor),
  send: () => send(millis, spansPerSecond),
});
process.on('disconnect', () => process.exit(0));
