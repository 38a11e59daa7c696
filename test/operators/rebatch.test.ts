import fc from 'fast-check';
import { Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  type Batch,
  createLedger,
  type Hold,
  type LossReason,
  memoryBudget,
  rebatch,
  type Tally,
} from '../../src/index.ts';
import { virtualTime } from '../../src/testing/index.ts';
import { randomRuns } from '../support/randomRuns.ts';

type Step =
  | { readonly kind: 'batch'; readonly size: number; readonly bytes: number }
  | { readonly kind: 'wait'; readonly millis: number }
  | { readonly kind: 'settle'; readonly which: number; readonly parts: readonly number[] }
  | { readonly kind: 'ready'; readonly which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('batch' as const), size: fc.nat(12), bytes: fc.nat(400) }),
  fc.record({ kind: fc.constant('wait' as const), millis: fc.nat(8) }),
  fc.record({
    kind: fc.constant('settle' as const),
    which: fc.nat(5),
    parts: fc.array(fc.nat(4), { minLength: 4, maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant('ready' as const), which: fc.nat(5) }),
);

const plan = fc.record({
  steps: fc.array(step, { maxLength: 60 }),
  maxExportBatchSize: fc.integer({ min: 1, max: 7 }),
  maxExportBatchBytes: fc.integer({ min: 1, max: 200 }),
  maxQueueSize: fc.integer({ min: 7, max: 40 }),
  end: fc.constantFrom('complete' as const, 'unsubscribe' as const),
});

const FOUND: (typeof plan extends fc.Arbitrary<infer Plan> ? Plan : never)[] = [
  // An item that is too large by itself leaves alone, also before one without bytes.
  {
    steps: [
      { kind: 'batch', size: 2, bytes: 8 },
      { kind: 'batch', size: 1, bytes: 0 },
    ],
    ...{ maxExportBatchSize: 2, maxExportBatchBytes: 1, maxQueueSize: 7, end: 'complete' },
  },
  // Of a batch that was lost for the time being and for good, a request of one item is not told the latter.
  {
    steps: [
      { kind: 'batch', size: 11, bytes: 0 },
      { kind: 'batch', size: 1, bytes: 0 },
      { kind: 'settle', which: 0, parts: [0, 0, 0, 0] },
      { kind: 'settle', which: 0, parts: [0, 0, 1, 1] },
    ],
    ...{ maxExportBatchSize: 6, maxExportBatchBytes: 1, maxQueueSize: 11, end: 'complete' },
  },
];

const REASONS: readonly LossReason[] = ['retriesExhausted', 'permanent'];

/** A tally of so many items, divided as the weights say: delivered, rejected, lost for the time being, lost for good. */
function tallyOf(items: number, weights: readonly number[]): Tally {
  const slots = weights.flatMap((weight, slot) => new Array<number>(weight).fill(slot));
  const counts = [0, 0, 0, 0];
  for (let index = 0; index < items; index += 1) {
    const slot = slots[index % slots.length] ?? 0;
    counts[slot] = (counts[slot] ?? 0) + 1;
  }
  const [delivered = 0, rejected = 0, ...lostCounts] = counts;
  const lost = lostCounts.flatMap((count, index) =>
    count === 0 ? [] : [{ count, reason: REASONS[index] as LossReason, stage: 'backend' }],
  );
  return { delivered, rejected, lost, attempts: 1, attemptMillis: 1, elapsedMillis: 1 };
}

interface Request {
  readonly items: readonly number[];
  readonly told: Tally[];
  welcomed: number;
}

describe('rebatch over random schedules', () => {
  test('keeps every item and its order, tells each request of exactly its items, and keeps its books and bounds', async () => {
    await fc.assert(
      fc.asyncProperty(plan, async ({ steps, end, ...limits }) => {
        await virtualTime(async ({ advanceBy }) => {
          const ledger = createLedger();
          const memory = memoryBudget({ maxBytes: 1_000_000 });
          const source = new Subject<Batch<number>>();
          const requests: Request[] = [];
          const out: { batch: Batch<number>; hold: Hold; tally: Tally | undefined }[] = [];
          const endOf = new Map<number, string>(); // how each item ended that left
          let items = 0;
          const check = () => {
            const { accepted, offered, refused, pending, delivered, rejected, handedOn, removed, lost } =
              ledger.stats().stages.rebatch ?? ({} as never);
            const sum = (counts: object) =>
              Object.values(counts).reduce((all: number, count: number) => all + count, 0);
            expect(offered).toBe(accepted + sum(refused));
            expect(accepted).toBe(delivered + rejected + handedOn + removed + sum(lost) + pending);
            expect(ledger.stats().queueSize).toBeLessThanOrEqual(limits.maxQueueSize);
          };
          const settle = (which: number, weights: readonly number[]) => {
            const open = out.filter(({ tally }) => tally === undefined);
            const entry = open[which % Math.max(1, open.length)];
            if (entry === undefined) return;
            const tally = tallyOf(entry.batch.items.length, weights);
            const state = tally.delivered === entry.batch.items.length ? 'delivered' : 'mixed';
            for (const item of entry.batch.items) endOf.set(item, state);
            entry.tally = tally;
            entry.hold.settle(tally);
          };
          const subscription = source
            .pipe(rebatch<number>({ ...limits, maxQueueBytes: 1_000, scheduledDelayMillis: 5, ledger, memory }))
            .subscribe((batch) => {
              expect(batch.items.length).toBeLessThanOrEqual(limits.maxExportBatchSize);
              if (batch.items.length > 1)
                expect(batch.bytes).toBeLessThanOrEqual(limits.maxExportBatchBytes + batch.items.length);
              out.push({ batch, hold: batch.hold(), tally: undefined });
            });
          for (const each of steps) {
            if (each.kind === 'wait') await advanceBy(each.millis);
            else if (each.kind === 'ready') out[each.which % Math.max(1, out.length)]?.hold.ready();
            else if (each.kind === 'settle') settle(each.which, each.parts);
            else {
              const request: Request = {
                items: Array.from({ length: each.size }, () => items++),
                told: [],
                welcomed: 0,
              };
              requests.push(request);
              source.next({
                items: request.items,
                bytes: each.bytes,
                closedBy: 'count',
                hold: () => ({
                  ready: () => {
                    request.welcomed += 1;
                  },
                  settle: (tally) => request.told.push(tally),
                }),
              });
            }
            check();
          }
          if (end === 'complete') {
            source.complete();
            while (out.some(({ tally }) => tally === undefined)) settle(0, [1, 0, 0, 0]);
          } else {
            subscription.unsubscribe();
            while (out.some(({ tally }) => tally === undefined)) settle(0, [1, 0, 0, 0]);
          }
          check();
          const left = out.flatMap(({ batch }) => batch.items);
          expect(left).toEqual(left.toSorted((one, other) => one - other));
          expect(new Set(left).size).toBe(left.length);
          for (const { items, told, welcomed } of requests) {
            expect(told).toHaveLength(items.length === 0 ? 0 : 1);
            const [tally] = told;
            if (tally === undefined) continue;
            const lost = tally.lost.reduce((sum, { count }) => sum + count, 0);
            expect(tally.delivered + tally.rejected + lost).toBe(items.length);
            expect(welcomed).toBeLessThanOrEqual(1);
            if (items.every((item) => endOf.get(item) === 'delivered')) expect(tally.delivered).toBe(items.length);
          }
          // Whoever has an item in a batch of which something may arrive later is not told that all arrived.
          for (const { batch, tally } of out) {
            if (!tally?.lost.some(({ reason }) => reason === 'retriesExhausted')) continue;
            const concerned = requests.filter(({ items }) => items.some((item) => batch.items.includes(item)));
            for (const { told } of concerned)
              expect(told[0]?.lost.some(({ reason }) => reason !== 'permanent')).toBe(true);
          }
          expect(ledger.stats().pending).toBe(0);
          expect(memory.usedBytes).toBe(0);
        });
      }),
      { ...randomRuns(150), examples: FOUND.map((each): [typeof each] => [each]) },
    );
  });
});
