import { concatMap, map, NEVER, type OperatorFunction, take, timer } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  adaptiveBatch,
  type Batch,
  type Branch,
  createLedger,
  exportTo,
  fanOut,
  type Ledger,
  type Outcome,
  type Sink,
  type Stats,
} from '../../src/index.ts';
import { virtualTime } from '../../src/testing/index.ts';

interface Run {
  readonly latencies: readonly number[];
  readonly mostBytes: number;
  readonly stats: Stats;
}

interface Sent {
  readonly atMillis: number;
}

/** 1,000 items a second, for a minute. */
const TICKS = 6_000;
const PER_TICK = 10;

const DEAD: Sink<Sent> = { name: 'dead', export: () => NEVER };
const SLOW: Sink<Sent> = { name: 'slow', export: () => timer(2_000).pipe(map(() => ({}))) };

/** Offers the items, and returns how long each took to the answer of the backend, sorted; the most that was in memory; and the books. */
async function run(
  exporting: (sink: Sink<Sent>, ledger: Ledger) => OperatorFunction<Batch<Sent>, Outcome<Sent>>,
): Promise<Run> {
  const latencies: number[] = [];
  let mostBytes = 0;
  let stats: Stats | undefined;
  await virtualTime(async ({ now, advanceBy }) => {
    const ledger = createLedger();
    const near: Sink<Sent> = {
      name: 'near',
      export: ({ items }) =>
        timer(20).pipe(
          map(() => {
            for (const { atMillis } of items) latencies.push(now() - atMillis);
            return {};
          }),
        ),
    };
    const offered = timer(0, 10).pipe(
      take(TICKS),
      concatMap(() => {
        mostBytes = Math.max(mostBytes, ledger.stats().memoryBytes);
        return Array.from({ length: PER_TICK }, (): Sent => ({ atMillis: now() }));
      }),
    );
    const subscription = offered.pipe(adaptiveBatch({ ledger }), exporting(near, ledger)).subscribe();
    await advanceBy(90_000);
    stats = ledger.stats();
    subscription.unsubscribe();
  });
  return { latencies: latencies.sort((one, other) => one - other), mostBytes, stats: stats as unknown as Stats };
}

const exportAlone = (near: Sink<Sent>, ledger: Ledger) => exportTo(near, { ledger });

/** What a dead or slow branch may keep. */
const BOUNDS = { maxQueueSize: 5_000, maxUnsettledBatches: 4 } as const;
const MOST_ITEMS = BOUNDS.maxQueueSize + BOUNDS.maxUnsettledBatches * 2_000;
const ITEM_BYTES = 1_024;

const exportAmong = (required: boolean) => (near: Sink<Sent>, ledger: Ledger) => {
  const dead: Branch<Sent> = { sink: DEAD, required, ...BOUNDS };
  const slow: Branch<Sent> = { sink: SLOW, required, concurrency: 1, attemptTimeoutMillis: 10_000, ...BOUNDS };
  return fanOut({ near, dead, slow }, { ledger });
};

const p99 = ({ latencies }: Run) => latencies[Math.floor(latencies.length * 0.99)] as number;

describe('of three branches one is dead and one slow', () => {
  test('best-effort ones change no latency of the third by a millisecond', async () => {
    const alone = await run(exportAlone);
    const among = await run(exportAmong(false));
    expect(among.latencies).toEqual(alone.latencies);
    expect(among.stats).toMatchObject({ delivered: TICKS * PER_TICK, pending: 0, lost: {} });
  });

  test('required ones speak for the whole, and slow the third no more', async () => {
    const alone = await run(exportAlone);
    const among = await run(exportAmong(true));
    expect(among.stats.routes.near).toMatchObject({ delivered: TICKS * PER_TICK, pending: 0, lost: {} });
    expect(p99(among)).toBeLessThanOrEqual(p99(alone));
    expect(among.stats.delivered).toBe(0);
  });

  test.each([true, false])('the memory is bounded, and the books of each add up (required: %s)', async (required) => {
    const { stats, mostBytes } = await run(exportAmong(required));
    const { dead, slow } = stats.routes;
    expect(dead?.pending).toBeLessThanOrEqual(MOST_ITEMS);
    expect((dead?.pending ?? 0) + (dead?.lost.queueFull ?? 0)).toBe(TICKS * PER_TICK);
    expect((slow?.delivered ?? 0) + (slow?.pending ?? 0) + (slow?.lost.queueFull ?? 0)).toBe(TICKS * PER_TICK);
    expect(slow?.delivered).toBeGreaterThan(0);
    // Two branches that are full, a batch on its way to the third, and one that is gathered.
    expect(mostBytes).toBeLessThanOrEqual((2 * MOST_ITEMS + 2 * 2_000) * ITEM_BYTES);
    expect(mostBytes).toBeGreaterThan(BOUNDS.maxQueueSize * ITEM_BYTES);
  });
});
