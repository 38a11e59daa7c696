import fc from 'fast-check';
import { BehaviorSubject, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  type BackupStats,
  exponentialBackoff,
  type Outcome,
  type PipelineChanges,
  spanPipeline,
} from '../../src/index.ts';
import { randomRuns } from '../support/randomRuns.ts';
import { checkBooks } from './books.ts';
import { backupOf, CHAOS_WIRINGS, type ChaosWiring, layersOf, protectedBackend } from './chaosWirings.ts';
import { ChaosBackend, type ChaosEvent, type ChaosSchedule, chaos } from './chaosWorld.ts';
import { type Item, itemOf, virtualTime } from './world.ts';

const RUNS = randomRuns(250);

/** Runs a schedule to its end, checking the books at each step. */
async function run({ events, layers, answers, overflow }: ChaosSchedule, wiring: ChaosWiring) {
  const scheduler = virtualTime();
  const random = numbers();
  const chance = { scheduler, random };
  const backendOf = (name: string, index: number) => new ChaosBackend(name, answers[index] ?? [], scheduler);
  const [one, two, copies] = ['one', 'two', 'copies'].map(backendOf) as [ChaosBackend, ChaosBackend, ChaosBackend];
  const limits = new BehaviorSubject(2);
  const holds = new BehaviorSubject(false);
  const changes = new Subject<PipelineChanges>();
  const sinkOf = (backend: ChaosBackend) => (layers.aroundSinks ? protectedBackend(backend, chance) : backend);
  const ofBranch = () => (layers.perBranch ? layersOf(layers, limits, chance) : {});
  const wayOut = wiring.wayOut({ sinks: [sinkOf(one), sinkOf(two)], copies, ofBranch, scheduler });
  const pipeline = spanPipeline({
    ...(wayOut as { sink: never }),
    ...layersOf(layers, limits, chance),
    overflow,
    priorityOf: (span) => (span as Item).id % 10,
    maxQueueSize: 40,
    maxExportBatchSize: 5,
    scheduledDelayMillis: 20,
    maxUnsettledBatches: 8,
    attemptTimeoutMillis: 100,
    retry: { backoff: exponentialBackoff({ initialMillis: 10, maxMillis: 200 }), maxElapsedMillis: 1_000 },
    pauseWhen: holds,
    settings$: changes,
    warnIntervalMillis: 0,
    environment: {},
    random,
    scheduler,
  });
  const backup = () => ('sink' in wayOut ? backupOf(wayOut.sink) : undefined);
  const outcomes: Outcome<Item>[] = [];
  const violations: unknown[] = [];
  const checking = (check: () => void) => {
    try {
      check();
    } catch (violation) {
      violations.push(violation);
    }
  };
  const check = () =>
    checking(() => {
      checkBooks(pipeline);
      checkBackup(backup());
    });
  let offered = 0;
  let isEnding = false;
  let isClosed = false;
  pipeline.outcomes$.subscribe({
    next: (outcome) => {
      outcomes.push(outcome as Outcome<Item>);
      check();
    },
    complete: () => (isClosed = true),
  });
  const shutdown = (deadlineMillis = 500) => {
    isEnding = true;
    void pipeline.shutdown({ deadlineMillis });
  };
  const abandon = () => {
    const isFirst = !isEnding; // a second shutdown ends with the first one
    shutdown(0);
    if (isFirst) scheduler.schedule(expectNoAttempts, 1);
  };
  const expectNoAttempts = () => {
    const attempts = () => one.attempts + two.attempts;
    const before = attempts();
    scheduler.schedule(() => checking(() => expect(attempts(), 'no attempt after a shutdown').toBe(before)), 1_000);
  };
  const acts: Record<ChaosEvent['kind'], (event: never) => void> = {
    items: ({ count }: { count: number }) => {
      for (let index = 0; index < count; index += 1) pipeline.processor.onEnd(itemOf(offered++));
    },
    limit: ({ limit }: { limit: number }) => limits.next(limit),
    settings: ({ maxExportBatchSize, attemptTimeoutMillis }: Required<PipelineChanges>) =>
      changes.next({ maxExportBatchSize, attemptTimeoutMillis }),
    flush: () => void pipeline.forceFlush({ timeoutMillis: 300 }).catch(() => {}),
    pause: () => pipeline.pause(),
    resume: () => pipeline.resume(),
    hold: () => holds.next(true),
    release: () => holds.next(false),
    shutdown: () => shutdown(),
    abandon,
  };
  for (const event of events) {
    scheduler.schedule(() => {
      acts[event.kind](event as never);
      check();
    }, event.atMillis);
  }
  scheduler.schedule(() => shutdown(), 1_000);
  scheduler.flush();
  // What ends a pipeline are promises, and timers in between.
  await pipeline.shutdown();
  scheduler.flush();
  check();
  return { pipeline, backends: [one, two] as const, copies, backup: backup(), outcomes, violations, offered, isClosed };
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

/** Copies have books of their own. */
function checkBackup(stats: BackupStats | undefined): void {
  if (stats === undefined) return;
  const { offered, delivered, failed, dropped, pending } = stats;
  expect(offered, 'each copy is somewhere').toBe(delivered + failed + dropped + pending);
}

describe('conservation under chaos', () => {
  for (const [name, wiring] of Object.entries(CHAOS_WIRINGS)) {
    test(`${name}: every span has one outcome, and is sent twice only after an attempt whose outcome is unknown`, async () => {
      await fc.assert(
        fc.asyncProperty(chaos, async (schedule) => {
          const ended = await run(schedule, wiring);
          const { pipeline, backends, copies, backup, outcomes, violations, offered, isClosed } = ended;
          if (violations.length > 0) throw violations[0];
          const stats = pipeline.stats();
          expect(stats.offered, 'everything was offered').toBe(offered);
          expect(stats.pending, 'nothing is pending at the end').toBe(0);
          for (const { running } of [...backends, copies]) expect(running, 'nothing runs at the end').toBe(0);
          expect(backup?.pending ?? 0, 'no copy is pending at the end').toBe(0);
          expect(Math.max(1, ...copies.arrivals.values()), 'a copy is sent once').toBe(1);
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
