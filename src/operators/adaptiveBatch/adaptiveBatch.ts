import { Observable, type OperatorFunction } from 'rxjs';
import { createLedger } from '../../ledger/ledger.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import type { Batch } from '../../model/batch.ts';
import { Batching } from './batching.ts';
import { type AdaptiveBatchOptions, adaptiveBatchSettings, STAGE } from './options.ts';
/**
 * Gathers items into batches, by count, bytes and delay. The size of the batches adapts to how their exports go.
 *
 * ```text
 * source      -a-b-c----d-------|
 * subscribed  ^-----------------!
 *             adaptiveBatch: count 3, delay 4 ms
 * result      -----[abc]----[d]-|
 * ```
 *
 * **Emits** a batch as soon as its count or its bytes reach the target, its first item has waited for the delay, or a flush asks for it.
 * A batch is never empty. While the holders of earlier batches are not ready for another one, a batch that is due keeps growing to its maximum, so that a slow
 * backend gets fewer and larger requests. No timer runs while nothing is queued or out.
 * **Completes** after the source, when all queued items have been emitted and all held batches have outcomes.
 * **Errors** like the source, but queued items are emitted first, and held batches get their outcomes.
 * **Unsubscribed**, it reports queued items as lost.
 *
 * **Order**: that of the source. An item that comes while a batch is being emitted is queued behind the others.
 *
 * **Loss**: `queueFull` and `tooLarge` at the bounds (see `overflow`), `unsubscribed`, `leaseExpired`. Each is counted in the ledger and reported to `onLoss`.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * input.spans$
 *   .pipe(adaptiveBatch({ maxExportBatchSize: 1_000, scheduledDelayMillis: 200, flushWhen: input.flush$ }))
 *   .subscribe((batch) => console.log(batch.closedBy, batch.items.length));
 * ```
 *
 * @see exportTo
 */
export function adaptiveBatch<T>(options: AdaptiveBatchOptions<T> = {}): OperatorFunction<T, Batch<T>> {
  const settings = adaptiveBatchSettings(options);
  const account = (settings.ledger ?? createLedger()).open('batch', STAGE);
  const reporter = new StageReporter<T>(account, settings, ({ length }) => length);
  return function adaptiveBatchOperator(source) {
    return new Observable((subscriber) => new Batching(subscriber, settings, reporter).follow(source));
  };
}
