import { Observable, type OperatorFunction, ReplaySubject } from 'rxjs';
import { Stage } from '../../ledger/stage.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import type { Batch } from '../../model/batch.ts';
import type { BatchSizeChange } from '../../strategies/batchSize.ts';
import { Batching } from './batching.ts';
import { type AdaptiveBatchOptions, adaptiveBatchSettings, STAGE, settingsInRun } from './options.ts';

/** The operator, which also shows how large its batches are meant to be. */
export interface AdaptiveBatchOperator<T> extends OperatorFunction<T, Batch<T>> {
  /** The present size, once the operator has been subscribed, and then each change, with the reason. It never ends: the operator may be subscribed again. */
  readonly size$: Observable<BatchSizeChange>;
}

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
 * **Size**: `size$` of the returned operator tells each change of the size that makes a batch due, and why. An operator that is applied in two pipes tells the changes of both.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * input.spans$
 *   .pipe(adaptiveBatch({ maxExportBatchSize: 1_000, scheduledDelayMillis: 200, flushWhen: input.flush$ }))
 *   .subscribe((batch) => console.log(batch.closedBy, batch.items.length));
 *
 * const batching = adaptiveBatch<ReadableSpan>();
 * batching.size$.subscribe(({ size, because }) => console.log(`batches of ${size}, because of ${because}`));
 * spans$.pipe(batching, exportTo(otlpHttp())).subscribe();
 * ```
 *
 * @see exportTo
 */
export function adaptiveBatch<T>(options: AdaptiveBatchOptions<T> = {}): AdaptiveBatchOperator<T> {
  return adaptiveBatchOf(options);
}

/**
 * {@link adaptiveBatch}, for our own compositions.
 *
 * @param mayExceed whether an item is let in although the queue is full, before another one is evicted for it: who asks for that bounds it
 */
export function adaptiveBatchOf<T>(
  options: AdaptiveBatchOptions<T>,
  mayExceed: (item: T) => boolean = () => false,
): AdaptiveBatchOperator<T> {
  const settings = adaptiveBatchSettings(options);
  const stage = new Stage(settings.ledger, 'batch', settings.name ?? STAGE);
  const sizes = new ReplaySubject<BatchSizeChange>(1);
  function adaptiveBatchOperator(source: Observable<T>): Observable<Batch<T>> {
    return new Observable((subscriber) => {
      const { account, run } = stage.open();
      const reporter = new StageReporter<T>(account, settings, ({ length }) => length);
      const own = run === undefined ? { ...settings } : settingsInRun(settings, options, run.parts);
      new Batching(subscriber, own, reporter, { sizes, mayExceed }).follow(source);
    });
  }
  return Object.assign(adaptiveBatchOperator, { size$: sizes.asObservable() });
}
