// What an answer means.

import { ACCEPT, type Arrival, inTurn, permanent, type Reply } from '../server/script.ts';
import { itemsOf } from '../subjects/items.ts';
import type { Workbench } from '../workbench.ts';

const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;
const RETRYABLE_STATUSES = [429, 502, 503, 504];
const RETRYABLE_CODES = [1, 4, 10, 11, 14, 15];
const RESOURCE_EXHAUSTED = 8;

/** C3 */
export async function responseLimit(bench: Workbench): Promise<void> {
  const { protocol, decodesAnswers } = bench.subject;
  const large = { as: 'large', bytes: MAX_RESPONSE_BYTES + 1 } as const;
  const answers: readonly (readonly [string, Reply])[] = [
    ['an answer over 4 MiB', large],
    ...(decodesAnswers ? [['one that inflates to more than 4 MiB', { ...large, zipped: true }] as const] : []),
    ...(protocol === 'http' ? [['a 503 with more than 4 MiB', { ...large, code: 503 }] as const] : []),
  ];
  for (const [what, reply] of answers) {
    const { client, server } = await bench.pair(inTurn(reply));
    const { delivered } = await client.export(itemsOf(1));
    bench.expect(server.arrivals.length === 1, `${what} is tried again`);
    if (server.arrivals.length === 1) bench.expect(delivered === 0, `${what} counts as delivered`);
  }
}

/** C4 */
export async function partialSuccess(bench: Workbench): Promise<void> {
  for (const signal of bench.subject.signals) {
    const { client, server } = await bench.pair(inTurn({ as: 'accept', rejected: 2, message: 'too old' }), { signal });
    await client.export(itemsOf(3, signal));
    bench.expect(server.arrivals.length === 1, `sent ${server.arrivals.length} times (${signal})`);
    const { delivered, failed } = await client.books();
    bench.expect(
      failed === 2,
      `of 3 ${signal}, 2 of them rejected, ${delivered} are counted as exported and ${failed} as failed`,
    );
  }
}

/** C5 */
export async function statuses(bench: Workbench): Promise<void> {
  await Promise.all(RETRYABLE_STATUSES.map((code) => expectRetry(bench, { as: 'code', code }, `${code}`)));
  const others = Array.from({ length: 200 }, (_, index) => 400 + index).filter(
    (code) => !RETRYABLE_STATUSES.includes(code),
  );
  await expectNoRetries(bench, others);
}

/** C6 */
export async function codes(bench: Workbench): Promise<void> {
  const later = { seconds: 1 };
  const retryable: readonly Reply[] = [
    ...RETRYABLE_CODES.map((code) => ({ as: 'code', code }) as const),
    { as: 'code', code: RESOURCE_EXHAUSTED, later },
  ];
  const lost = await Promise.all(retryable.map((reply) => isGivenUpAtOnce(bench, reply)));
  const names = retryable.flatMap((reply, index) => (lost[index] && reply.as === 'code' ? [reply.code] : []));
  bench.expect(
    names.length === 0,
    `no second attempt after ${names.length} of ${retryable.length} codes: ${names.join(', ')}`,
  );
  const others = Array.from({ length: 16 }, (_, index) => index + 1).filter((code) => !RETRYABLE_CODES.includes(code));
  await expectNoRetries(bench, others);
}

/** C7 */
export async function permanentFailure(bench: Workbench): Promise<void> {
  const { client, server } = await bench.pair(inTurn(permanent(bench.subject.protocol)));
  const { lost, said } = await client.export(itemsOf(3));
  bench.expect(lost === 3 && said !== '', `${lost} of 3 are told as lost, with "${said}"`);
  const next = await client.export(itemsOf(2));
  bench.expect(next.delivered === 2, 'what comes after it is not delivered');
  bench.expect(server.arrivals.length === 2, `${server.arrivals.length} requests for two batches`);
  const { delivered, failed } = await client.books();
  bench.expect(delivered === 2 && failed === 3, `3 dropped and 2 delivered are counted as ${failed} and ${delivered}`);
}

async function expectRetry(bench: Workbench, reply: Reply, what: string): Promise<void> {
  if (await isGivenUpAtOnce(bench, reply)) bench.expect(false, `no second attempt after ${what}`);
}

async function isGivenUpAtOnce(bench: Workbench, reply: Reply): Promise<boolean> {
  const { client, server } = await bench.pair(inTurn(reply));
  const { delivered } = await client.export(itemsOf(1));
  return server.arrivals.length < 2 || delivered === 0;
}

/** Each batch meets its code once; a second attempt would be accepted. */
async function expectNoRetries(bench: Workbench, given: readonly number[]): Promise<void> {
  let current = { code: 0, attempts: 0 };
  const script = (_: Arrival): Reply => {
    current.attempts += 1;
    return current.attempts === 1 ? { as: 'code', code: current.code } : ACCEPT;
  };
  const { client } = await bench.pair(script);
  const again: number[] = [];
  const delivered: number[] = [];
  for (const code of given) {
    current = { code, attempts: 0 };
    const verdict = await client.export(itemsOf(1));
    if (current.attempts > 1) again.push(code);
    else if (verdict.lost !== 1) delivered.push(code);
  }
  bench.expect(again.length === 0, `tried again after ${again.join(', ')}`);
  bench.expect(delivered.length === 0, `not told as lost after ${delivered.join(', ')}`);
}
