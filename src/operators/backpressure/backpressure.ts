import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import type { Gate } from '../../flow/gate.ts';
import { estimateItemBytes } from '../../flow/itemBytes.ts';
import { aPriorityOf, aPriorityOverflow, type PriorityOptions } from '../../flow/priority.ts';
import { type GatedQueueOptions, QUEUE_RULES } from '../../flow/queueOptions.ts';
import { type Rules, settingsOf, shape } from '../../internal/validation.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { Stage } from '../../ledger/stage.ts';
import { STAGE_RULES, StageReporter } from '../../ledger/stageReporter.ts';
import type { PriorityOverflow } from '../../model/overflow.ts';
import type { Loss } from '../../model/tally.ts';
import { HoldingBack, STAGE } from './holdingBack.ts';

/** The options of {@link backpressure}. */
export interface BackpressureOptions<T> extends GatedQueueOptions<T>, PriorityOptions<T> {
  /** What the stage is called in losses and statistics. Default `backpressure`. */
  name?: string;
  /**
   * Each number is how many more items may be emitted: a whole number from 0, or `Infinity` for all that come from then on. Unused demand adds up. Any other value
   * is reported to `onCallbackError` and changes nothing.
   */
  demand: Observable<number>;
  /** The maximum of items that wait for demand: 1 or more, default 10,000. More rides out longer pauses and takes more memory. */
  maxQueueSize?: number;
  /**
   * What happens to an item that meets a full queue. `dropNewest` (the default) refuses it; `dropOldest` drops those that have waited longest; `dropLowestPriority`
   * the least important ones (see {@link PriorityOverflow}), by `priorityOf`;
   * `error` refuses it, unsubscribes the source, emits what is queued as it is asked for, and then errors with a {@link QueueFullError}.
   */
  overflow?: PriorityOverflow;
  /** Called for each loss (`queueFull`, `tooLarge`, `unsubscribed`), with the items. */
  onLoss?: (loss: Loss, items: readonly T[]) => void;
  /** Called when `onLoss`, `sizeOf`, `priorityOf` or a teardown throws, or when `sizeOf`, `priorityOf` or `demand` gives an invalid number. */
  onCallbackError?: (thrown: unknown) => void;
  /** Counts what comes and what is lost. Default: that of the run ({@link runPipeline}), or else one of its own, which is not shown anywhere. */
  ledger?: Ledger;
}

type BackpressureSettings<T> = Required<Omit<BackpressureOptions<T>, 'name' | 'gate' | 'ledger' | 'priorityOf'>> & {
  name: string | undefined;
  priorityOf: ((item: T) => number) | undefined;
  gate: Gate | undefined;
  ledger: Ledger | undefined;
};

export const BACKPRESSURE_DEFAULTS: Readonly<Omit<BackpressureSettings<unknown>, 'demand'>> = Object.freeze({
  maxQueueSize: 10_000,
  maxQueueBytes: 64 * 1024 * 1024,
  overflow: 'dropNewest',
  priorityOf: undefined,
  name: undefined,
  gate: undefined,
  sizeOf: estimateItemBytes,
  onLoss: () => {},
  onCallbackError: () => {},
  ledger: undefined,
});

const BACKPRESSURE_RULES: Rules<BackpressureSettings<unknown>> = {
  ...QUEUE_RULES,
  ...STAGE_RULES,
  demand: shape('an Observable of numbers', 'subscribe'),
  overflow: aPriorityOverflow,
  priorityOf: aPriorityOf,
};

/**
 * Holds items back in a bounded queue, and emits as many as are asked for.
 *
 * ```text
 * source     abcd----|
 * demand     --2----1--3
 * to source  ^-------!
 * to demand  ^---------!
 *            backpressure: as many as demand asks for
 * result     --(ab)-c--(d|)
 * ```
 *
 * **Emits** an item as soon as there is one and it has been asked for. **Completes** when the source has, and the queue is empty. **Errors** like the source, when the
 * queue is empty; with the error of `demand`, at once. When `demand` has completed and all of it is used, no more items could be emitted: then the stream ends as well, and what
 * is queued is lost. **Unsubscribed**, it reports queued items as lost.
 *
 * **Order**: that of the source. An item, or demand, that comes while another item is being emitted waits until that has returned.
 *
 * **Loss**: `queueFull` and `tooLarge` at the bounds (see `overflow`), `unsubscribed`. Each is reported to `onLoss`.
 *
 * **Process**: it has no timer and never keeps the process alive, because it cannot know whether more is asked for.
 *
 * **Saturation**: `saturated$` of its gate is `true` from the moment in which the queue is half full, in items or in bytes, until it is down to a quarter or the stream ends.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const demand = new Subject<number>();
 * const gate = createGate();
 * gate.saturated$.subscribe((saturated) => console.log(saturated ? 'filling up' : 'keeping up'));
 * fromAsyncIterable(['first', 'second', 'third'], { gate })
 *   .pipe(backpressure({ demand, gate, maxQueueSize: 1_000 }))
 *   .subscribe((line) => {
 *     console.log(line);
 *     demand.next(1); // it is done with, and the next one is welcome
 *   });
 * demand.next(1);
 * ```
 *
 * @see boundedMergeMap
 */
export function backpressure<T>(options: BackpressureOptions<T>): MonoTypeOperatorFunction<T> {
  const settings = settingsOf<BackpressureSettings<T>>(STAGE, BACKPRESSURE_DEFAULTS, BACKPRESSURE_RULES, options);
  const stage = new Stage(settings.ledger, 'operator', settings.name ?? STAGE);
  return function backpressureOperator(source) {
    return new Observable((subscriber) => {
      const reporter = new StageReporter<T>(stage.open().account, settings);
      new HoldingBack(subscriber, settings, reporter).follow(source);
    });
  };
}
