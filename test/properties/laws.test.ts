import fc from 'fast-check';
import { type Observable, Subject, Subscription } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  createLedger,
  type FlushRequest,
  fromSpanProcessor,
  type Ledger,
  type Loss,
  type Outcome,
  type StageStats,
} from '../../src/index.ts';
import { randomRuns } from '../support/randomRuns.ts';
import { checkBooks } from './books.ts';
import { FOREIGN, OURS, type Parts, type Wired } from './wirings.ts';
import { type Item, itemOf, type Limits, type Schedule, ScriptedBackend, schedules, virtualTime } from './world.ts';

const RUNS = randomRuns(250);

/** Runs a schedule against a wiring, checking all the while, and returns what there is to see afterwards. */
function run(schedule: Schedule, wired: Wired) {
  const { limits } = schedule;
  const scheduler = virtualTime();
  const ledger = createLedger({ scheduler });
  const backend = new ScriptedBackend(schedule.answers, scheduler);
  const input = fromSpanProcessor({ maxQueueSize: 100, ledger, scheduler, flushTimeoutMillis: 60_000 });
  const [stopWhen, flushWhen] = [new Subject<void>(), new Subject<FlushRequest>()];
  const outcomes: Outcome<Item>[] = [];
  const settled = new Set<number>(); // items that have an outcome, or were told to be lost
  const violations: unknown[] = []; // what is thrown inside a stream would be reported elsewhere
  const subscription = new Subscription();
  let offered = 0;
  let ended = false;

  const check = () => {
    try {
      checkBooks(ledger);
      expect(backend.mostRunning, 'attempts at once').toBeLessThanOrEqual(limits.concurrency * exporters(ledger));
      if (wired.bounded) checkBounds(ledger, limits);
    } catch (violation) {
      violations.push(violation);
    }
  };

  const onOutcome = (value: unknown) => {
    if (ended) violations.push(new Error('something came after the end'));
    const outcome = value as Outcome<Item>;
    outcomes.push(outcome);
    if (exporters(ledger) > 0) for (const id of idsOf(outcome)) settled.add(id);
    check();
  };

  const probeFlush = () => {
    const before = offered;
    const reached = new Set(Array.from({ length: before }, (_, id) => id).filter((id) => backend.offers.has(id)));
    const settle = () => {
      if (!wired.flushExact || subscription.closed) return;
      for (const id of reached)
        if (!settled.has(id)) violations.push(new Error(`a flush was answered before item ${id}`));
    };
    flushWhen.next({ hold: () => ({ settle }) });
  };

  const act = (event: Schedule['events'][number]) => {
    if (event.kind === 'items') for (let index = 0; index < event.count; index += 1) input.onEnd(itemOf(offered++));
    if (event.kind === 'flush') {
      input.forceFlush().catch(() => {});
      probeFlush();
    }
    if (event.kind === 'shutdown') input.shutdown().catch(() => {});
    if (event.kind === 'stop') stopWhen.next();
    if (event.kind === 'unsubscribe') unsubscribe();
    check();
  };

  const unsubscribe = () => {
    subscription.unsubscribe();
    const { attempts, running } = backend;
    expect(running, 'an unsubscribed export is aborted').toBe(0);
    scheduler.schedule(() => expect(backend.attempts, 'no attempt after unsubscribing').toBe(attempts), 2_000);
  };

  const onLoss = (_loss: Loss, items: readonly Item[]) => {
    for (const item of items) settled.add(item.id);
  };
  const parts: Parts = { input, backend, limits, ledger, scheduler, random: numbers(), stopWhen, flushWhen, onLoss };
  const complete = () => {
    ended = true;
  };
  // Which items have passed the ring is what a flush request can promise something about.
  subscription.add((input.spans$ as Observable<Item>).subscribe((item) => backend.offers.add(item.id)));
  subscription.add(wired.wiring(parts).subscribe({ next: onOutcome, complete }));
  for (const event of schedule.events) scheduler.schedule(() => act(event), event.atMillis);
  scheduler.schedule(() => void input.shutdown().catch(() => {}), 700);
  scheduler.flush();
  check();
  if (violations.length > 0) throw violations[0];
  return { ledger, backend, outcomes, ended, unsubscribed: subscription.closed && !ended };
}

/** Numbers that look random and are the same in each run. */
function numbers(): () => number {
  const sequence = fc.sample(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { numRuns: 50, seed: 7 });
  let drawn = 0;
  return () => sequence[drawn++ % sequence.length] as number;
}

function checkBounds(ledger: Ledger, limits: Limits): void {
  const { stages } = ledger.stats();
  const books = stages.adaptiveBatch;
  const most = limits.maxQueueSize + limits.maxUnsettledBatches * limits.maxExportBatchSize;
  // Of the items that are pending in the batcher, those that a fan-out has taken over. The batch whose outcome is being emitted has left its branch, and not yet the batcher.
  let inBranches = limits.maxExportBatchSize;
  for (const [stage, { pending }] of Object.entries(stages)) {
    if (!stage.startsWith('fanOut(') && !stage.startsWith('adaptiveBatch#')) continue;
    expect(pending, `items in ${stage}`).toBeLessThanOrEqual(most);
    inBranches += pending;
  }
  if (books !== undefined) expect(books.pending, 'items queued and out').toBeLessThanOrEqual(most + inBranches);
}

function exporters(ledger: Ledger): number {
  return Object.keys(ledger.stats().stages).filter((stage) => stage.startsWith('exportTo')).length;
}

function idsOf(outcome: Outcome<Item>): number[] {
  const { batch } = outcome;
  const items: readonly Item[] = 'items' in batch ? batch.items : batch;
  return items.map((item) => item.id);
}

function checkOutcomes(outcomes: readonly Outcome<Item>[], backend: ScriptedBackend): void {
  for (const outcome of outcomes) {
    const ids = idsOf(outcome);
    const lost = outcome.lost.reduce((sum, loss) => sum + loss.count, 0);
    expect(outcome.delivered + outcome.rejected + lost, 'a tally adds up to its batch').toBe(ids.length);
    const reasons = outcome.lost.map((loss) => loss.reason);
    if (outcome.delivered + outcome.rejected > 0) {
      const confirmed = ids.filter((id) => backend.confirmed.has(id)).length;
      expect(confirmed, 'what counts as delivered was confirmed').toBeGreaterThanOrEqual(
        outcome.delivered + outcome.rejected,
      );
    } else if (outcome.attempts === 0) {
      expect(['queueFull', 'expired', 'shutdown']).toContain(reasons[0]);
    }
  }
}

describe('the laws, over random schedules', () => {
  for (const [name, wired] of Object.entries(OURS)) {
    test(`${name}: everything that was accepted has one outcome, and the books agree with the backend`, () => {
      fc.assert(
        fc.property(schedules, (schedule) => {
          const { ledger, backend, outcomes, ended, unsubscribed } = run(schedule, wired);
          const stats = ledger.stats();
          expect(ended || unsubscribed, 'the stream ends').toBe(true);
          expect(stats.pending, 'nothing is pending at the end').toBe(0);
          expect(backend.running, 'nothing runs at the end').toBe(0);
          checkOutcomes(outcomes, backend);
          if (unsubscribed) return;
          const sink = stats.stages['exportTo(backend)'] as StageStats;
          const confirmed = outcomes.reduce((sum, outcome) => sum + outcome.delivered + outcome.rejected, 0);
          expect(sink.delivered + sink.rejected, 'the ledger counts what the outcomes say').toBe(confirmed);
          expect(sink.delivered, 'the ledger counts what the backend took').toBe(backend.took);
          expect(sink.rejected, 'the ledger counts what the backend rejected').toBe(backend.rejected);
        }),
        RUNS,
      );
    });
  }

  for (const [name, wired] of Object.entries(FOREIGN)) {
    test(`${name}: the books balance at every instant and nothing stalls`, () => {
      fc.assert(
        fc.property(schedules, (schedule) => {
          const { ledger, ended, unsubscribed } = run(schedule, wired);
          expect(ended || unsubscribed, 'the stream ends').toBe(true);
          expect(ledger.stats().pending, 'nothing is pending at the end').toBe(0);
        }),
        RUNS,
      );
    });
  }
});
