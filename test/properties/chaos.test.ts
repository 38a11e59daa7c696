import fc from 'fast-check';
import { BehaviorSubject, type Observable, Subject, type VirtualTimeScheduler } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  adaptiveConcurrency,
  aimdConcurrency,
  circuitBreaker,
  exponentialBackoff,
  failover,
  firstOf,
  fixedConcurrency,
  type Outcome,
  type PipelineChanges,
  rateLimit,
  retryBudget,
  type Sink,
  spanPipeline,
} from '../../src/index.ts';
import { randomRuns } from '../support/randomRuns.ts';
import { checkBooks } from './books.ts';
import { ChaosBackend, type ChaosLayers, type ChaosSchedule, chaos } from './chaosWorld.ts';
import { type Item, itemOf, virtualTime } from './world.ts';

const RUNS = randomRuns(250);

interface Wiring {
  /** From the backends to what a pipeline is given. */
  readonly sinks: (first: Sink<Item>, second: Sink<Item>, scheduler: VirtualTimeScheduler) => object;
  /** Whether an item that has arrived at both is a duplicate. */
  readonly isOnePlace: boolean;
}

const WIRINGS: Readonly<Record<string, Wiring>> = {
  'one backend': { sinks: (sink) => ({ sink }), isOnePlace: true },
  'two backends side by side': { sinks: (one, two) => ({ sinks: { one, two } }), isOnePlace: false },
  'side by side, one of them best-effort': {
    sinks: (one, two) => ({ sinks: { one, two: { sink: two, required: false, batching: {} } } }),
    isOnePlace: false,
  },
  'a primary and its fallback': {
    sinks: (one, two, scheduler) => ({
      sink: failover(one, two, { maxFailedAttempts: 2, probeIntervalMillis: 100, scheduler }),
    }),
    isOnePlace: true,
  },
  'the first of two': { sinks: (one, two) => ({ sink: firstOf([one, two]) }), isOnePlace: false },
};

/** Runs a schedule to its end, checking the books at each step. */
async function run(schedule: ChaosSchedule, wiring: Wiring) {
  const scheduler = virtualTime();
  const [one, two] = ['one', 'two'].map(
    (name, index) => new ChaosBackend(name, schedule.answers[index] ?? [], scheduler),
  ) as [ChaosBackend, ChaosBackend];
  const limits = new BehaviorSubject(2);
  const changes = new Subject<PipelineChanges>();
  const random = numbers();
  const pipeline = spanPipeline({
    ...(wiring.sinks(one, two, scheduler) as { sink: never }),
    ...layersOf(schedule.layers, limits, scheduler, random),
    overflow: schedule.overflow,
    priorityOf: (span) => (span as Item).id % 10,
    maxQueueSize: 40,
    maxExportBatchSize: 5,
    scheduledDelayMillis: 20,
    maxUnsettledBatches: 8,
    attemptTimeoutMillis: 100,
    retry: { backoff: exponentialBackoff({ initialMillis: 10, maxMillis: 200 }), maxElapsedMillis: 1_000 },
    settings$: changes,
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
    settings: ({ maxExportBatchSize, attemptTimeoutMillis }: Required<PipelineChanges>) =>
      changes.next({ maxExportBatchSize, attemptTimeoutMillis }),
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
    adaptive: () => adaptiveConcurrency({ initialLimit: 1, maxLimit: 6 }),
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

function idsOf({ batch }: Outcome<Item>): number[] {
  return (batch as { items: readonly Item[] }).items.map(({ id }) => id);
}

/** What the outcomes say about items that have arrived more than once in one place, which may be several backends. */
function checkDuplicates(place: readonly ChaosBackend[], outcomes: readonly Outcome<Item>[]): void {
  const arrivals = (id: number) => place.reduce((sum, backend) => sum + (backend.arrivals.get(id) ?? 0), 0);
  const unanswered = new Set(place.flatMap((backend) => [...backend.unanswered]));
  for (const outcome of outcomes) {
    const twice = idsOf(outcome).filter((id) => arrivals(id) > 1);
    for (const id of twice) expect(unanswered, `item ${id} came twice for no reason`).toContain(id);
    const unconfirmed = outcome.lost.filter(({ reason }) => reason === 'unconfirmed');
    const told = (outcome.possibleDuplicates ?? 0) + unconfirmed.reduce((sum, { count }) => sum + count, 0);
    expect(told, 'duplicates are counted').toBeGreaterThanOrEqual(twice.length);
  }
}

function checkDelivered(backends: readonly ChaosBackend[], outcomes: readonly Outcome<Item>[]): void {
  for (const outcome of outcomes) {
    const ids = idsOf(outcome);
    const lost = outcome.lost.reduce((sum, { count }) => sum + count, 0);
    expect(outcome.delivered + outcome.rejected + lost, 'a tally adds up to its batch').toBe(ids.length);
    const arrived = ids.filter((id) => backends.some((backend) => backend.arrivals.has(id))).length;
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
          for (const backend of backends) expect(backend.running, 'nothing runs at the end').toBe(0);
          const isRouted = outcomes.some(({ route }) => route !== undefined);
          const ofRoute = (backend: ChaosBackend) =>
            isRouted ? outcomes.filter(({ route }) => route === backend.name) : outcomes;
          if (isRouted) for (const backend of backends) checkDelivered([backend], ofRoute(backend));
          else checkDelivered(backends, outcomes);
          if (wiring.isOnePlace) checkDuplicates(backends, outcomes);
          else for (const backend of backends) checkDuplicates([backend], ofRoute(backend));
          expect(isClosed, 'the stream ends').toBe(true);
        }),
        RUNS,
      );
    });
  }
});
