// Requests that rebatch cuts, in front of the queues of branches.

import { map, Subject, timer } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  type Batch,
  type Branch,
  createLedger,
  fanOut,
  memoryBudget,
  rebatch,
  type Sink,
  type Tally,
} from '../../src/index.ts';
import { virtualTime } from '../../src/testing/index.ts';

const MAX_QUEUE_SIZE = 4;
/** Only the export bounds what is out, to one batch. */
const SLOW: Sink<number> = { name: 'slow', export: () => timer(10).pipe(map(() => ({}))) };
const QUICK: Sink<number> = { name: 'quick', export: () => timer(1).pipe(map(() => ({}))) };

/** Sends requests through rebatch, in batches of two, to a slow branch with a small queue and a quick one. */
function sending(own: Partial<Branch<number>>) {
  const ledger = createLedger();
  const memory = memoryBudget({ maxBytes: 1_000_000 });
  const requests$ = new Subject<Batch<number>>();
  const bounds = { maxQueueSize: MAX_QUEUE_SIZE, maxUnsettledBatches: 1, concurrency: 1 };
  const branches = { slow: { sink: SLOW, ...bounds, ...own }, quick: { sink: QUICK, maxQueueSize: 1_000 } };
  const batching = { maxExportBatchSize: 2, scheduledDelayMillis: 1, maxQueueSize: 100 };
  const subscription = requests$
    .pipe(rebatch<number>({ ...batching, ledger, memory }), fanOut(branches, { ledger, memory }))
    .subscribe();
  const send = (size: number) => {
    const ends: Tally[] = [];
    const settle = (tally: Tally) => void ends.push(tally);
    const items = Array.from({ length: size }, (_, index) => index);
    requests$.next({ items, bytes: size, closedBy: 'count', hold: () => ({ ready() {}, settle }) });
    return ends;
  };
  const queued = () => (ledger.stats().routes.slow?.pending ?? 0) - 2; // without the batch that is out
  return { ledger, memory, send, queued, subscription };
}

const KINDS: [kind: string, own: Partial<Branch<number>>][] = [
  ['that gets the batches', {}],
  ['that gets the batches, and drops the oldest', { overflow: 'dropOldest' }],
  ['that makes its own', { batching: { maxExportBatchSize: 2, minExportBatchSize: 1, scheduledDelayMillis: 1 } }],
  [
    'that makes its own, and drops the oldest',
    { overflow: 'dropOldest', batching: { maxExportBatchSize: 2, minExportBatchSize: 1, scheduledDelayMillis: 1 } },
  ],
];

describe.each(KINDS)('a branch %s', (_, own) => {
  test('takes a request of more items than its queue holds, whole', () =>
    virtualTime(async ({ advanceBy }) => {
      const { ledger, memory, send, subscription } = sending(own);
      const ends = send(15);
      await advanceBy(200);
      expect(ends).toMatchObject([{ delivered: 15, lost: [] }]);
      expect(ledger.stats()).toMatchObject({ delivered: 15, lost: {}, refused: {}, pending: 0 });
      subscription.unsubscribe();
      expect(memory.usedBytes).toBe(0);
    }));

  test('takes one, of those that come while it is full', () =>
    virtualTime(async ({ advanceBy }) => {
      const { send, queued, subscription } = sending(own);
      const first = send(15);
      await advanceBy(2);
      const second = send(15);
      const third = send(15);
      await advanceBy(2);
      // The queue, one request beyond it, and what came with its end.
      expect(queued()).toBeLessThanOrEqual(MAX_QUEUE_SIZE + 15 + 1);
      await advanceBy(500);
      const lost = [first, second, third].map(([end]) => (end?.lost.length ?? 0) > 0);
      expect(lost).toEqual(own.overflow === 'dropOldest' ? [true, true, false] : [false, true, true]);
      const again = send(15);
      await advanceBy(500);
      expect(again).toMatchObject([{ delivered: 15 }]);
      subscription.unsubscribe();
    }));

  test('stays bounded where each batch has the end of one request and the beginning of the next', () =>
    virtualTime(async ({ advanceBy }) => {
      const { ledger, send, queued, subscription } = sending(own);
      let most = 0;
      for (let step = 0; step < 200; step += 1) {
        send(3);
        most = Math.max(most, queued());
        if (step % 20 === 0) await advanceBy(10);
      }
      expect(most).toBeGreaterThanOrEqual(MAX_QUEUE_SIZE - 1);
      expect(most).toBeLessThanOrEqual(MAX_QUEUE_SIZE + 3 + 1);
      await advanceBy(1_000);
      expect(ledger.stats().routes.slow?.pending).toBe(0);
      expect(ledger.stats().routes.quick).toMatchObject({ delivered: 600, lost: {} });
      subscription.unsubscribe();
    }));
});
