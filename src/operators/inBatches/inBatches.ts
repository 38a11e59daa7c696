import { Observable, type OperatorFunction } from 'rxjs';
import { aFunction, requireRule, settingsOf } from '../../internal/validation.ts';
import { Stage } from '../../ledger/stage.ts';
import { STAGE_RULES, StageReporter } from '../../ledger/stageReporter.ts';
import type { Batch } from '../../model/batch.ts';
import { BatchWork, type ItemOperator } from './batchWork.ts';
import { IN_BATCHES_DEFAULTS, type InBatchesOptions, type InBatchesSettings } from './options.ts';

const STAGE = 'inBatches';

/** What goes in: batches, or plain arrays. */
type Given<T> = Batch<T> | readonly T[];

/**
 * Runs operators on the items of each batch and passes the batch on with what comes out: whoever holds out for the outcome of the batch still learns it.
 *
 * ```text
 * source      -[abc]-[d]-[ef]-|
 * subscribed  ^---------------!
 *             inBatches: filter takes b and d out
 * result      -[ac]------[ef]-|
 * ```
 *
 * **Emits** for each batch, at once, one with the items that the operators emit. The very batch that came goes on where they emit its very items. A batch of which nothing is left is not emitted: its holders are told that its items were taken out (`removed`).
 * **Completes** after the source. **Errors** like the source, and with `INVALID_OPTION` at the first batch that an operator has not done with when it has had all of its items.
 * **Unsubscribed**, it unsubscribes the source.
 *
 * **Each batch is a stream of its own** for the operators: it completes when they have had its items. So `take(1)` takes the first item of each batch, and `toArray` makes one item of each. An operator that waits (`delay`, `mergeMap` with a promise) would hold items while the batch is answered without them, so it
 * is an error. One that gathers until its source completes (`tailSample`, `groupByTrace`, `bufferTime`) lets go at the end of each batch, without an error: `tailSample` decides a trace anew in each batch, by the spans that came in that batch. Take the batches apart for both: `mergeMap(({ items }) => items)`, the operator, {@link adaptiveBatch}; then each batch that came has its outcome as soon as it is taken apart.
 *
 * **Holds**: those of the batch that came. Items that were taken out count as `removed`. The bytes are estimated in proportion to the number of items. Those of received items stay as they were while one is left, because each keeps the bytes of its whole request in memory: a filter behind a receiver makes room only by emptying batches.
 *
 * **An operator that throws** costs the batch that it threw at: its holders are told that all of its items are lost as `operatorFailed`, what is thrown is told to `onCallbackError` and in the books, and the next batch goes on.
 *
 * **Order**: that of the source; within a batch that of the operators. **Loss**: `operatorFailed`; `unsubscribed`, of a batch during which an operator unsubscribes; then what the operators themselves lose.
 *
 * @param operators what RxJS's `pipe` takes, one after the other, for items; behind them the options, if there are any
 *
 * @throws InvalidOptionError when an operator is no function, or an option is not valid, or unknown
 *
 * @example
 * ```ts
 * from([[1, 2, 3], [4], [5, 6]])
 *   .pipe(inBatches(filter((n: number) => n % 2 === 1)))
 *   .subscribe(({ items }) => console.log(items));
 * ```
 *
 * @see rebatch, withItems
 */
export function inBatches<T>(): OperatorFunction<Given<T>, Batch<T>>;
export function inBatches<T, A>(
  a: OperatorFunction<T, A>,
  options?: InBatchesOptions<NoInfer<T>>,
): OperatorFunction<Given<T>, Batch<A>>;
export function inBatches<T, A, B>(
  a: OperatorFunction<T, A>,
  b: OperatorFunction<A, B>,
  options?: InBatchesOptions<NoInfer<T>>,
): OperatorFunction<Given<T>, Batch<B>>;
export function inBatches<T, A, B, C>(
  a: OperatorFunction<T, A>,
  b: OperatorFunction<A, B>,
  c: OperatorFunction<B, C>,
  options?: InBatchesOptions<NoInfer<T>>,
): OperatorFunction<Given<T>, Batch<C>>;
export function inBatches<T, A, B, C>(
  a: OperatorFunction<T, A>,
  b: OperatorFunction<A, B>,
  c: OperatorFunction<B, C>,
  ...more: readonly [...OperatorFunction<C, C>[], OperatorFunction<C, C> | InBatchesOptions<NoInfer<T>>]
): OperatorFunction<Given<T>, Batch<C>>;
export function inBatches<T>(...operators: readonly OperatorFunction<T, T>[]): OperatorFunction<Given<T>, Batch<T>>;
export function inBatches<T>(
  ...given: readonly [...OperatorFunction<T, T>[], InBatchesOptions<NoInfer<T>>]
): OperatorFunction<Given<T>, Batch<T>>;
export function inBatches(
  ...given: readonly (ItemOperator | InBatchesOptions<never> | undefined)[]
): OperatorFunction<Given<unknown>, Batch<unknown>> {
  const last = given.at(-1);
  const isOptions = typeof last === 'object' ? last !== null : last === undefined && given.length > 1;
  const operators = (isOptions ? given.slice(0, -1) : given) as readonly ItemOperator[];
  for (const [index, operator] of operators.entries()) requireRule(`${STAGE}.operators[${index}]`, operator, aFunction);
  const options = ((isOptions ? last : undefined) ?? {}) as InBatchesOptions<unknown>;
  const settings = settingsOf<InBatchesSettings>(STAGE, IN_BATCHES_DEFAULTS, STAGE_RULES, options);
  const stage = new Stage(settings.ledger, 'operator', settings.name ?? STAGE);
  return function inBatchesOperator(source) {
    return new Observable((subscriber) => {
      const { account, run } = stage.open();
      const reporter = new StageReporter<unknown>(account, settings);
      new BatchWork(subscriber, operators, reporter, run).follow(source);
    });
  };
}
