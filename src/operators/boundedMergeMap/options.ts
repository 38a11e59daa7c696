import type { SchedulerLike } from 'rxjs';
import { aConcurrency, type Concurrency } from '../../destination/concurrency.ts';
import type { Gate } from '../../flow/gate.ts';
import { estimateItemBytes } from '../../flow/itemBytes.ts';
import { type GatedQueueOptions, QUEUE_RULES } from '../../flow/queueOptions.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { aFunction, anOverflow, aScheduler, limit, type Rule, type Rules, shape } from '../../internal/validation.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { STAGE_RULES } from '../../ledger/stageReporter.ts';
import type { Overflow } from '../../model/overflow.ts';
import type { Loss } from '../../model/tally.ts';

/**
 * In which order things happen. `completion`: items begin in the order in which they come, results come as the items end · `source`: the results, too, come in the order of
 * the items · `key`: items of one key one after the other, those of different keys at the same time, up to `concurrency`; results come as the items end.
 */
export type MergeOrder<T> =
  | 'completion'
  | 'source'
  | {
      /** The key of an item: any value, compared as a `Map` compares its keys. One that throws is a failure of the item. */
      readonly key: (item: T) => unknown;
    };

/** The options of {@link boundedMergeMap}. */
export interface BoundedMergeMapOptions<T> extends GatedQueueOptions<T> {
  /** What the stage is called in losses and statistics. Default `boundedMergeMap`. */
  name?: string;
  /**
   * Up to this many inner Observables at a time: 1 or more, default 8; an Observable of the limit, for one that changes, of which 0 pauses (until its first value the limit is 1); or a limiter, which
   * may be shared ({@link adaptiveConcurrency}): for it, an inner Observable that completes is a round trip, and one that fails is a refusal. When the limit shrinks, what runs goes on.
   */
  concurrency?: Concurrency;
  /** Default `'completion'`. See {@link MergeOrder}. */
  order?: MergeOrder<T>;
  /**
   * Items that wait for their turn, at most: 1 or more, default 10,000. More rides out longer bursts and takes more memory. With the order `source`, a result that waits
   * for an earlier one takes a place, too.
   */
  maxQueueSize?: number;
  /**
   * Estimated bytes of the items that take a place, at most: 1 or more, default 64 MiB. An item that is larger by itself is lost as `tooLarge`. What runs does not count, nor do the values of
   * a result: those are bounded by `concurrency` and `maxValuesPerItem`.
   */
  maxQueueBytes?: number;
  /**
   * What happens to an item that meets a full queue. `dropNewest` (the default) refuses it; `dropOldest` loses those that have waited longest and not yet begun;
   * `error` refuses it, unsubscribes the source, lets what is queued and running finish, and then errors with a {@link QueueFullError}.
   */
  overflow?: Overflow;
  /** Values of one inner Observable, at most: 1 or more, or `Infinity`. Default 1,000. One that emits more is aborted, and its item has failed. */
  maxValuesPerItem?: number;
  /** Called for each loss (`queueFull`, `tooLarge`, `unsubscribed`, `unconfirmed`), with the items. */
  onLoss?: (loss: Loss, items: readonly T[]) => void;
  /** Called when `onLoss`, `sizeOf` or a teardown throws, when `sizeOf` returns an invalid number, and when `concurrency` fails or emits an invalid limit; then the last limit holds. */
  onCallbackError?: (thrown: unknown) => void;
  /** Counts what comes and what is lost. Default: that of the run ({@link runPipeline}), or else one of its own, which is not shown anywhere. */
  ledger?: Ledger;
  /** Where a limiter's round trips are measured. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

/** Every option with its value. */
export type BoundedMergeMapSettings<T> = Required<Omit<BoundedMergeMapOptions<T>, 'name' | 'gate' | 'ledger'>> & {
  name: string | undefined;
  gate: Gate | undefined;
  ledger: Ledger | undefined;
};

export const BOUNDED_MERGE_MAP_DEFAULTS: Readonly<BoundedMergeMapSettings<unknown>> = Object.freeze({
  concurrency: 8,
  order: 'completion',
  maxQueueSize: 10_000,
  maxQueueBytes: 64 * 1024 * 1024,
  overflow: 'dropNewest',
  maxValuesPerItem: 1_000,
  name: undefined,
  gate: undefined,
  sizeOf: estimateItemBytes,
  onLoss: () => {},
  onCallbackError: () => {},
  ledger: undefined,
  scheduler: monotonicScheduler,
});

export const STAGE = 'boundedMergeMap';

const withKey = shape("'completion', 'source', or an object with key()", 'key');

const anOrder: Rule = (value, option, call) => {
  if (value === 'completion' || value === 'source') return;
  withKey(value, option, call);
  if (typeof value === 'object' && value !== null) call.checkRecord(option, { key: aFunction }, value);
};

export const BOUNDED_MERGE_MAP_RULES: Rules<BoundedMergeMapSettings<unknown>> = {
  ...QUEUE_RULES,
  ...STAGE_RULES,
  concurrency: aConcurrency,
  order: anOrder,
  overflow: anOverflow,
  maxValuesPerItem: limit(1),
  scheduler: aScheduler,
};
