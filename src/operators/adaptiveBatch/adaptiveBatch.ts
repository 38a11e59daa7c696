import { Observable, type OperatorFunction } from 'rxjs';
import { createLedger } from '../../ledger/ledger.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import type { Batch } from '../../model/batch.ts';
import { Batching } from './batching.ts';
import { type AdaptiveBatchOptions, STAGE, settle } from './options.ts';
/**
 * Gathers items into batches, by count, bytes and delay; the size follows how the exports go.
 *
 * ```text
 * source      -a-b-c----d-------|
 * subscribed  ^-----------------!
 *             adaptiveBatch: count 3, delay 4 ms
 * result      -----[abc]----[d]-|
 * ```
 *
 * **Emits** a batch as soon as its count or its bytes reach the target, or its first item has waited for the delay, or a flush asks for it;
 * never an empty one. While those who hold its batches take no other one, a batch that is due keeps growing to its maximum, so that a slow
 * backend gets fewer and larger requests. No timer runs while nothing is queued or out.
 * **Completes** after the source, when what was queued has gone out and everything that is held has an outcome.
 * **Errors** like the source: what is queued goes out first, and what is held gets its outcome.
 * **Unsubscribed**, it reports what was queued as lost.
 *
 * **Order**: items keep theirs. A `next` from inside `next` joins the queue behind.
 *
 * **Loss**: `queueFull` and `tooLarge` at the bounds (see `overflow`), `unsubscribed`, `leaseExpired`. Each is counted in the ledger and told to `onLoss`.
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
  const settings = settle(options);
  const account = (settings.ledger ?? createLedger()).open('batch', STAGE);
  const reporter = new StageReporter<T>(account, settings, ({ length }) => length);
  return function adaptiveBatchOperator(source) {
    return new Observable((subscriber) => new Batching(subscriber, settings, reporter).follow(source));
  };
}
