import { Subject } from 'rxjs';
import { expect, test } from 'vitest';
import { adaptiveBatch } from '../../src/operators/index.ts';

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
    .subscribe();
  // One by one these leave some 2e-13 behind.
  for (let item = 0; item < 1_500; item += 1) source.next(((item * 7_919 * 7) % 997) / 1_000.1);
  source.next(1_000);
  expect(lost).toBe(1_500);
  subscription.unsubscribe();
});
