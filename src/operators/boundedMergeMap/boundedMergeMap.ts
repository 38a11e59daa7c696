import { Observable, type ObservableInput, type ObservedValueOf, type OperatorFunction } from 'rxjs';
import { aFunction, settingsOf } from '../../internal/validation.ts';
import { Stage } from '../../ledger/stage.ts';
import { countOf, StageReporter } from '../../ledger/stageReporter.ts';
import type { Merged } from './merged.ts';
import { Merging } from './merging.ts';
import {
  BOUNDED_MERGE_MAP_DEFAULTS,
  BOUNDED_MERGE_MAP_RULES,
  type BoundedMergeMapOptions,
  type BoundedMergeMapSettings,
  STAGE,
} from './options.ts';

export type { Merged } from './merged.ts';

/**
 * Makes an Observable of each item, runs up to `concurrency` of them at a time, and keeps the rest in a bounded queue: what `mergeMap(project, n)` should have been.
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
 * **Emits** one result per item, when its inner Observable has ended and been torn down. `kind` says whether it `completed` or `failed`; the result also has the `item`, its `index`
 * (from 0, as it came; an item that was lost leaves a gap) and the `values` of the inner Observable. So a failure, or a `project` that throws, is the result of one item, and never ends the
 * others. **Completes** after the source, when every item has its result. **Errors** like the source, after the results.
 * **Unsubscribed**, it starts nothing more, aborts what is running and reports the items that it held as lost. (A promise cannot be aborted: its result is ignored.)
 *
 * **Order**: see {@link MergeOrder}. An item that comes while a result is being emitted is queued. Nothing recurses, however many inner Observables complete synchronously.
 *
 * **Loss**: `queueFull` and `tooLarge` at the bounds (see `overflow`); when unsubscribed, `unsubscribed` for items that were queued, and `unconfirmed` for items that had begun and whose results
 * were not emitted. Each is reported to `onLoss`.
 *
 * **Process**: it has no timer and never keeps the process alive, because it cannot know whether an inner Observable ends. What runs there keeps the process alive by itself: a request, a timer, a {@link retryWithBackoff}.
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
  const args = { project: [project, aFunction] } as const;
  const settings = settingsOf<BoundedMergeMapSettings<T>>(
    STAGE,
    BOUNDED_MERGE_MAP_DEFAULTS,
    BOUNDED_MERGE_MAP_RULES,
    options,
    args,
  );
  const stage = new Stage(settings.ledger, 'operator', settings.name ?? STAGE);
  const open = project as (item: T, index: number) => ObservableInput<ObservedValueOf<O>>;
  return function boundedMergeMapOperator(source) {
    return new Observable((subscriber) => {
      const reporter = new StageReporter<T>(stage.open().account, settings);
      const next = (result: Merged<T, ObservedValueOf<O>>) => subscriber.next(result);
      const deliver = (result: Merged<T, ObservedValueOf<O>>) => {
        reporter.account.handOn(countOf(result.item));
        reporter.account.passOn(next, result);
      };
      new Merging(subscriber, { owner: STAGE, count: countOf, project: open, deliver }, settings, reporter).follow(
        source,
      );
    });
  };
}
