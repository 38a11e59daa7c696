import { Observable, type ObservableInput, type ObservedValueOf, type OperatorFunction } from 'rxjs';
import { requireFunction } from '../../internal/validation.ts';
import { createLedger } from '../../ledger/ledger.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import type { Merged } from './merged.ts';
import { Merging } from './merging.ts';
import { type BoundedMergeMapOptions, STAGE, settle } from './options.ts';

export type { Merged } from './merged.ts';

/**
 * Makes an Observable of each item, runs so many of them at once, and keeps the rest in a bounded queue: what `mergeMap(project, n)` should have been.
 *
 * ```text
 * source     abc|
 * inner      ----|
 * to source  ^--!
 * to inner   ^---!
 *            -^---!
 *            ----^---!
 *            boundedMergeMap: concurrency 2, one result per item
 * result     ----ab--(c|)
 * ```
 *
 * **Emits** one result per item, when its inner Observable has ended and been torn down: `kind` says whether it `completed` or `failed`, beside it are the `item`, its `index`
 * (from 0, as it came; an item that was lost leaves a gap) and the `values` of the inner Observable. So a failure is the result of its item, and never the end of the others; a
 * `project` that throws likewise. **Completes** after the source, when every item has its result. **Errors** like the source, after the results.
 * **Unsubscribed**, it starts nothing more, aborts what is running and reports what it held. (A promise cannot be aborted: its answer is ignored.)
 *
 * **Order**: see {@link MergeOrder}. An item that comes while a result is being emitted queues behind; nothing recurses, however much completes synchronously.
 *
 * **Loss**: `queueFull` and `tooLarge` at the bounds (see `overflow`); when unsubscribed, `unsubscribed` for what was queued, and `unconfirmed` for what had begun and whose result nobody will
 * hear. Each is told to `onLoss`.
 *
 * **Process**: it has no timer, and holds the process for nothing: whether an inner Observable ever ends it cannot know. What runs there does by itself: a request, a timer, a {@link retryWithBackoff}.
 *
 * @param project makes an Observable, a promise or an iterable of an item
 *
 * @throws InvalidOptionError when `project` is no function, or an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const lengthOf = (path: string) => readFile(path).then((content) => content.length);
 * of('package.json', 'nowhere.json', 'README.md')
 *   .pipe(boundedMergeMap(lengthOf, { concurrency: 2, order: 'source' }))
 *   .subscribe((result) => {
 *     if (result.kind === 'failed') console.warn(result.item, result.error);
 *     else console.log(result.item, result.values[0]);
 *   });
 * ```
 *
 * @see exportTo, backpressure
 */
export function boundedMergeMap<T, O extends ObservableInput<unknown>>(
  project: (item: T, index: number) => O,
  options: BoundedMergeMapOptions<T> = {},
): OperatorFunction<T, Merged<T, ObservedValueOf<O>>> {
  requireFunction(`${STAGE}.project`, project);
  const settings = settle(options);
  const account = (settings.ledger ?? createLedger()).open('operator', STAGE);
  const reporter = new StageReporter<T>(account, settings);
  const open = project as (item: T, index: number) => ObservableInput<ObservedValueOf<O>>;
  return function boundedMergeMapOperator(source) {
    return new Observable((subscriber) => new Merging(subscriber, open, settings, reporter).follow(source));
  };
}
