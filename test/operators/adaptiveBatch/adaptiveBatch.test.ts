import { from, of, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createLedger, exportTo, memoryBudget } from '../../../src/index.ts';
import { adaptiveBatch } from '../../../src/streams.ts';

test("'dropOldest' makes room for an item as large as the queue, although fractions of bytes do not add up", () => {
  const source = new Subject<number>();
  let lost = 0;
  const subscription = source
    .pipe(
      adaptiveBatch({
        maxQueueSize: 2_000,
        maxQueueBytes: 1_000,
        maxExportBatchSize: 2_000,
        maxExportBatchBytes: 1_000,
        initialExportBatchSize: 2_000,
        overflow: 'dropOldest',
        sizeOf: (bytes) => bytes,
        onLoss: ({ count }) => {
          lost += count;
          // More than there were: it would go on for ever.
          if (lost > 1_500) subscription.unsubscribe();
        },
      }),
    )
    .subscribe((batch) => void batch.hold());
  source.next(1_000); // is out, and while it is, nothing else may leave
  // One by one these leave some 2e-13 behind.
  for (let item = 0; item < 1_500; item += 1) source.next(((item * 7_919 * 7) % 997) / 1_000.1);
  source.next(1_000);
  expect(lost).toBe(1_500);
  subscription.unsubscribe();
});

describe('adaptiveBatch: an item that finds the queue full', () => {
  test.each([{ maxQueueBytes: 1_000 }, { memory: memoryBudget({ maxBytes: 65_536 }) }])(
    'sends what is queued on its way: a sink that is idle loses nothing, with %o',
    (options) => {
      const ledger = createLedger();
      from(Array.from({ length: 500 }, () => 'x'.repeat(300)))
        .pipe(adaptiveBatch({ ...options, ledger }), exportTo({ name: 'instant', export: () => of({}) }, { ledger }))
        .subscribe();
      expect(ledger.stats()).toMatchObject({ delivered: 500, refused: {}, lost: {}, pending: 0 });
    },
  );
});
