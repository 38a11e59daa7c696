import { Observable } from 'rxjs';
import { Stage } from '../../ledger/stage.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import { Merging } from './merging.ts';
import { type MergeByPriorityOptions, mergeByPrioritySettings, type PriorityInput, STAGE } from './options.ts';

/**
 * Merges several inputs, the more important ones first, and gives each of the others a share that they cannot take away.
 *
 * ```text
 * gate          x-------(o|)
 * important     -a-b-c-d--------|
 * rest          p-q-------------|
 * to important  ^---------------!
 * to rest       ^---------------!
 *               mergeByPriority: floorRatio 0.34, the gate is closed from x to o
 * result        --------(abpcdq)|
 * ```
 *
 * Each input has a bounded queue. While the `gate` of the stage behind is open, that stage can take more: then the next item is handed on, and the gate is looked at again. So what waits does so here, where priorities count, and not in the stage behind, where it stands in line. The smaller the
 * queue of that stage, the less waits there: {@link adaptiveBatch} closes its gate when two full batches wait.
 *
 * **Emits** an item as soon as the gate is open and it is its turn. **Completes** when all inputs have, and all queues are empty: an input that ends leaves the others running. **Errors** when an input fails: all inputs are unsubscribed, what is
 * queued is handed on, and then the error comes. (It does not wait for the other inputs: behind one that never ends it would never come. For an input that may fail alone, `catchError(() => EMPTY)` makes an end of its error.) **Unsubscribed**, it reports queued items as lost.
 *
 * **Order**: that of each input. Among the inputs that wait, the first of the array goes first, except for those that have earned a turn. Each input that waits earns `floorRatio` of a turn with each item that is handed on; who has earned a whole one is next. So with two inputs and
 * 0.1, at least each tenth item is from the second, and all of them are while the first one has none. An input that has nothing to send earns nothing, so that it gets no burst later. With the same arrivals the order is always the same.
 *
 * **Loss**: `queueFull` and `tooLarge` at the bounds of an input (see `overflow`), `unsubscribed`. Each is counted in the ledger, in one stage for all inputs, and reported to `onLoss`. An input that can wait loses nothing: give it a gate (`{ source, gate }`).
 *
 * **Process**: it has no timer and never keeps the process alive.
 *
 * @param inputs the most important one first
 *
 * @throws InvalidOptionError when an input is no Observable, or an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const gate = createGate(); // closed while two full batches wait
 * const replay = createGate(); // makes the file wait
 * const file$ = fromAsyncIterable(spansOfAFile(), { gate: replay });
 * mergeByPriority([spans$, { source: file$, gate: replay }], { gate, floorRatio: 0.05 })
 *   .pipe(adaptiveBatch({ gate }), exportTo(otlpHttp()))
 *   .subscribe();
 * ```
 *
 * @see adaptiveBatch, whose `overflow: 'dropLowestPriority'` says what is lost, while this says what goes first
 */
export function mergeByPriority<T>(
  inputs: readonly (Observable<T> | PriorityInput<T>)[],
  options: MergeByPriorityOptions<T> = {},
): Observable<T> {
  const { settings, inputs: settingsOfInputs } = mergeByPrioritySettings(inputs, options);
  const stage = new Stage(settings.ledger, 'operator', settings.name ?? STAGE);
  return new Observable((subscriber) => {
    const reporter = new StageReporter<T>(stage.open().account, settings);
    new Merging(subscriber, settingsOfInputs, settings, reporter).run();
  });
}
