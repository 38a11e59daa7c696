// When what failed for the time being is tried again.

import { moment } from '../moment.ts';
import { messageOf } from '../server/messages.ts';
import { ACCEPT, type Arrival, HANG_UP, inTurn, type Reply, type Script, transient } from '../server/script.ts';
import { itemsOf } from '../subjects/items.ts';
import type { Workbench } from '../workbench.ts';

/** So many show what chance does: were all waits alike, they would be so. */
const CLIENTS = 8;
/** Of the mean: what is closer together than this has no jitter. */
const LEAST_SPREAD = 0.1;
/** Of three waits in a row. One of them may be next to nothing, by chance or by the load of the machine. */
const LEAST_BACKOFF_MILLIS = 500;
/** A timer of the host may be this much early. */
const EARLY_MILLIS = 20;

/** C8 */
export async function retryAfter(bench: Workbench): Promise<void> {
  const { protocol, laterSeconds: seconds } = bench.subject;
  const first = (later: { seconds: number } | { header: string }) =>
    gapAfter(bench, inTurn(transient(protocol, later)));
  const inSeconds = async () => {
    const gap = await first({ seconds });
    const isKept = gap >= seconds * 1_000 - EARLY_MILLIS;
    bench.expect(isKept, `${told(gap)} after ${protocol === 'grpc' ? 'a RetryInfo' : 'a Retry-After'} of ${seconds} s`);
  };
  // A date has whole seconds, and time goes by until it is read: half of it is more than any backoff of its own.
  const asDate = async () => {
    const aheadMillis = seconds * 1_500;
    const gap = await first({ header: new Date(Date.now() + aheadMillis).toUTCString() });
    bench.expect(
      gap >= aheadMillis / 2 - EARLY_MILLIS,
      `${told(gap)} after a Retry-After as a date in ${aheadMillis / 1_000} s`,
    );
  };
  const asGarbage = async () => {
    const gaps = await allGaps(bench, refusals(transient(protocol, { header: 'soon' })));
    expectBackoff(bench, gaps, 'a Retry-After that says nothing');
  };
  if (protocol === 'grpc') return inSeconds();
  await asGarbage();
  await Promise.all([inSeconds(), asDate()]);
}

/** C9 */
export async function throttledTogether(bench: Workbench): Promise<void> {
  const { protocol } = bench.subject;
  const seconds = 1;
  const { client, server } = await bench.pair(inTurn(transient(protocol, { seconds })), { holdsWaits: true });
  const refused = client.export(itemsOf(1));
  await server.until(() => server.arrivals[0]?.answeredAtMillis !== undefined);
  await Promise.race([client.waiting(), refused]);
  // The other one has two items, by which it is told apart.
  const other = client.export(itemsOf(2));
  await moment();
  await moment();
  client.goOn();
  await Promise.all([refused, other]);
  const since = server.arrivals[0]?.answeredAtMillis ?? 0;
  const early = server.arrivals.slice(1).map(({ atMillis }) => atMillis - since);
  const least = Math.min(...early);
  bench.expect(
    least >= seconds * 1_000 - EARLY_MILLIS,
    `the next export began ${Math.round(least)} ms after "come back in ${seconds} s"`,
  );
}

/** C10 */
export async function brokenConnections(bench: Workbench): Promise<void> {
  const gaps = await Promise.all(Array.from({ length: CLIENTS }, (_, seed) => gapAfter(bench, inTurn(HANG_UP), seed)));
  const missing = gaps.filter((gap) => Number.isNaN(gap)).length;
  bench.expect(missing === 0, `no second attempt after a connection that broke (${missing} of ${CLIENTS})`);
  if (missing === 0)
    bench.expect(isSpread(gaps), `waits without jitter after a connection that broke: ${listed(gaps)}`);

  const taken = await bench.server(ACCEPT);
  await taken[Symbol.asyncDispose]();
  const client = bench.client({ url: taken.url, holdsWaits: true });
  const exported = client.export(itemsOf(1));
  await client.waiting();
  await bench.server(ACCEPT, { port: taken.port });
  client.goOn();
  const { delivered, said } = await exported;
  bench.expect(delivered === 1, `not tried again after a refused connection: ${said}`);
}

/** C11 */
export async function backoff(bench: Workbench): Promise<void> {
  const { protocol } = bench.subject;
  const atOnce = await allGaps(bench, refusals(transient(protocol, { seconds: 0 })));
  expectBackoff(bench, atOnce, protocol === 'grpc' ? 'a RetryInfo of 0 s' : 'Retry-After: 0');

  const clients = Array.from({ length: CLIENTS * 2 }, (_, seed) => seed);
  const gaps = await Promise.all(clients.map((seed) => allGaps(bench, refusals(transient(protocol)), seed)));
  const nth = (index: number) => gaps.flatMap((one) => one[index] ?? []);
  const whole = nth(2).length;
  bench.expect(
    whole === gaps.length,
    `no further attempt after ${protocol === 'grpc' ? 'UNAVAILABLE' : '503'} (${gaps.length - whole} of ${gaps.length})`,
  );
  if (whole === gaps.length) {
    bench.expect(
      mean(nth(2)) >= 1.3 * mean(nth(0)),
      `waits that do not grow: ${listed([mean(nth(0)), mean(nth(1)), mean(nth(2))])} on average`,
    );
    bench.expect(isSpread(nth(0)), `waits without jitter: ${listed(nth(0))}`);
  }
}

/** C19 */
export async function lostAcknowledgement(bench: Workbench): Promise<void> {
  const { client, server } = await bench.pair(inTurn(HANG_UP, { as: 'accept', unknownFields: true }));
  const { delivered } = await client.export(itemsOf(3));
  const [first, second] = server.arrivals;
  if (first === undefined || second === undefined)
    return bench.expect(false, 'not sent again when the answer was lost');
  bench.expect(messageOf(first).equals(messageOf(second)), 'another request than the one whose answer was lost');
  bench.expect(delivered === 3, `${delivered} of 3 told as delivered by an answer with fields of a later version`);
}

/** Whoever makes no second attempt has no backoff either: that is another finding. */
function expectBackoff(bench: Workbench, gaps: readonly number[], what: string): void {
  const sum = gaps.reduce((total, gap) => total + gap, 0);
  const holds = gaps.length === 0 || sum >= LEAST_BACKOFF_MILLIS;
  bench.expect(holds, `${gaps.length} further attempts within ${Math.round(sum)} ms after ${what}`);
}

/** Three times this, and then a success. */
function refusals(reply: Reply): Script {
  return inTurn(reply, reply, reply);
}

/** Between the first answer (or its failure) and the second attempt; `NaN` without one. */
async function gapAfter(bench: Workbench, script: Script, seed = 1): Promise<number> {
  const [gap = Number.NaN] = await allGaps(bench, script, seed);
  return gap;
}

async function allGaps(bench: Workbench, script: Script, seed = 1): Promise<number[]> {
  const { client, server } = await bench.pair(script, { seed });
  await client.export(itemsOf(1));
  return server.arrivals
    .slice(1)
    .map((arrival, index) => arrival.atMillis - answeredAt(server.arrivals[index] as Arrival));
}

function answeredAt({ answeredAtMillis, atMillis }: Arrival): number {
  return answeredAtMillis ?? atMillis;
}

function isSpread(gaps: readonly number[]): boolean {
  return Math.max(...gaps) - Math.min(...gaps) >= LEAST_SPREAD * mean(gaps);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function listed(millis: readonly number[]): string {
  return `${millis.map(Math.round).join(', ')} ms`;
}

function told(gap: number): string {
  return Number.isNaN(gap) ? 'no second attempt' : `the second attempt came ${Math.round(gap)} ms`;
}
