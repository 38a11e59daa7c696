import fc from 'fast-check';
import { BehaviorSubject, type Observable } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { aimdConcurrency } from '../../src/destination/aimdConcurrency.ts';
import { fixedConcurrency } from '../../src/destination/fixedConcurrency.ts';
import {
  circuitBreaker,
  exponentialBackoff,
  type Outcome,
  rateLimit,
  retryBudget,
  type Sink,
  spanPipeline,
} from '../../src/index.ts';
import { checkBooks } from './books.ts';
import { ChaosBackend, type ChaosLayers, type ChaosSchedule, chaos } from './chaosWorld.ts';
import { type Item, itemOf, virtualTime } from './world.ts';

const RUNS = Number(process.env.SPANFLOW_RUNS ?? 250);
/** Replays the runs of a failure: the message says which seed they had. */
const SEED = process.env.SPANFLOW_SEED === undefined ? undefined : Number(process.env.SPANFLOW_SEED);

/** From the backends to what a pipeline is given. */
type Wiring = (first: Sink<Item>, second: Sink<Item>) => { sink: Sink<Item> } | { sinks: Record<string, Sink<Item>> };

const WIRINGS: Readonly<Record<string, Wiring>> = {
  'one backend': (sink) => ({ sink }),
  'two backends side by side': (one, two) => ({ sinks: { one, two } }),
};

/** Runs a schedule to its end, checking the books at each step. */
async function run(schedule: ChaosSchedule, wiring: Wiring) {
  const scheduler = virtualTime();
  const [one, two] = ['one', 'two'].map(
    (name, index) => new ChaosBackend(name, schedule.answers[index] ?? [], scheduler),
  ) as [ChaosBackend, ChaosBackend];
  const limits = new BehaviorSubject(2);
  const random = numbers();
  const pipeline = spanPipeline({
    ...(wiring(one as Sink<Item>, two as Sink<Item>) as { sink: never }),
    ...layersOf(schedule.layers, limits, scheduler, random),
    overflow: schedule.overflow,
    priorityOf: (span) => (span as Item).id % 10,
    maxQueueSize: 40,
    maxExportBatchSize: 5,
    scheduledDelayMillis: 20,
    maxUnsettledBatches: 8,
    attemptTimeoutMillis: 100,
    retry: { backoff: exponentialBackoff({ initialMillis: 10, maxMillis: 200 }), maxElapsedMillis: 1_000 },
    warnIntervalMillis: 0,
    environment: {},
    random,
    scheduler,
  });
  const outcomes: Outcome<Item>[] = [];
  const violations: unknown[] = [];
  let offered = 0;
  let isClosed = false;
  const check = () => {
    try {
      checkBooks(pipeline);
    } catch (violation) {
      violations.push(violation);
    }
  };
  pipeline.outcomes$.subscribe((outcome) => {
    outcomes.push(outcome as Outcome<Item>);
    check();
  });
  const shutdown = () => void pipeline.shutdown({ deadlineMillis: 500 });
  const acts: Record<ChaosSchedule['events'][number]['kind'], (event: never) => void> = {
    items: ({ count }: { count: number }) => {
      for (let index = 0; index < count; index += 1) pipeline.processor.onEnd(itemOf(offered++));
    },
    limit: ({ limit }: { limit: number }) => limits.next(limit),
    flush: () => void pipeline.forceFlush({ timeoutMillis: 300 }).catch(() => {}),
    pause: () => pipeline.pause(),
    resume: () => pipeline.resume(),
    shutdown,
  };
  for (const event of schedule.events) {
    scheduler.schedule(() => {
      acts[event.kind](event as never);
      check();
    }, event.atMillis);
  }
  scheduler.schedule(shutdown, 1_000);
  pipeline.outcomes$.subscribe({ complete: () => (isClosed = true) });
  scheduler.flush();
  // What ends a pipeline are promises, and timers in between.
  await pipeline.shutdown();
  scheduler.flush();
  return { pipeline, backends: [one, two] as const, outcomes, violations, offered, isClosed };
}

function layersOf(
  { concurrency, breaker, rate, budget }: ChaosLayers,
  limits: Observable<number>,
  scheduler: ReturnType<typeof virtualTime>,
  random: () => number,
) {
  const backoff = exponentialBackoff({ initialMillis: 50, maxMillis: 200 });
  const concurrencies = {
    adaptive: () => aimdConcurrency({ initialLimit: 1, maxLimit: 6 }),
    aimd: () => aimdConcurrency({ maxLimit: 6, initialLimit: 2 }),
    fixed: () => fixedConcurrency(3),
    changing: () => limits,
  };
  return {
    concurrency: concurrencies[concurrency](),
    ...(breaker && { breaker: circuitBreaker({ consecutiveFailures: 2, backoff, random, scheduler }) }),
    ...(rate && { rateLimit: rateLimit({ itemsPerSecond: 100, requestsPerSecond: 30, scheduler }) }),
    ...(budget && { retryBudget: retryBudget({ minRetriesPerSecond: 2, scheduler }) }),
  };
}

/** Numbers that look random and are the same in each run. */
function numbers(): () => number {
  let state = 42;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state / 0x8000_0000;
  };
}

/** What the outcomes of one backend say about items that it has more than once. */
function checkDuplicates(backend: ChaosBackend, outcomes: readonly Outcome<Item>[]): void {
  for (const outcome of outcomes) {
    const ids = (outcome.batch as { items: readonly Item[] }).items.map(({ id }) => id);
    const twice = ids.filter((id) => (backend.arrivals.get(id) ?? 0) > 1);
    for (const id of twice) expect(backend.unanswered, `item ${id} came twice for no reason`).toContain(id);
    const unconfirmed = outcome.lost.filter(({ reason }) => reason === 'unconfirmed');
    const told = (outcome.possibleDuplicates ?? 0) + unconfirmed.reduce((sum, { count }) => sum + count, 0);
    expect(told, 'duplicates are counted').toBeGreaterThanOrEqual(twice.length);
  }
}

function checkDelivered(backend: ChaosBackend, outcomes: readonly Outcome<Item>[]): void {
  for (const outcome of outcomes) {
    const ids = (outcome.batch as { items: readonly Item[] }).items.map(({ id }) => id);
    const lost = outcome.lost.reduce((sum, { count }) => sum + count, 0);
    expect(outcome.delivered + outcome.rejected + lost, 'a tally adds up to its batch').toBe(ids.length);
    const arrived = ids.filter((id) => backend.arrivals.has(id)).length;
    expect(arrived, 'what counts as delivered has arrived').toBeGreaterThanOrEqual(outcome.delivered);
  }
}

describe('conservation under chaos', () => {
  for (const [name, wiring] of Object.entries(WIRINGS)) {
    test(`${name}: every span has one outcome, and is sent twice only after an attempt whose outcome is unknown`, async () => {
      await fc.assert(
        fc.asyncProperty(chaos, async (schedule) => {
          const { pipeline, backends, outcomes, violations, offered, isClosed } = await run(schedule, wiring);
          if (violations.length > 0) throw violations[0];
          checkBooks(pipeline);
          const stats = pipeline.stats();
          expect(stats.offered, 'everything was offered').toBe(offered);
          expect(stats.pending, 'nothing is pending at the end').toBe(0);
          const routed = outcomes.some(({ route }) => route !== undefined);
          for (const backend of backends) {
            expect(backend.running, 'nothing runs at the end').toBe(0);
            const own = routed ? outcomes.filter(({ route }) => route === backend.name) : outcomes;
            if (!routed && backend.name === 'two') continue;
            checkDelivered(backend, own);
            checkDuplicates(backend, own);
          }
          expect(isClosed, 'the stream ends').toBe(true);
        }),
        { numRuns: RUNS, ...(SEED !== undefined && { seed: SEED }) },
      );
    });
  }
});
