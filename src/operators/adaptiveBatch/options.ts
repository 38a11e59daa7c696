import type { Observable, SchedulerLike } from 'rxjs';
import type { Gate } from '../../flow/gate.ts';
import { estimateItemBytes } from '../../flow/itemBytes.ts';
import { aMemoryBudget, type MemoryBudget } from '../../flow/memory.ts';
import { aPriorityOf, aPriorityOverflow, type PriorityOptions } from '../../flow/priority.ts';
import { QUEUE_RULES, type QueueOptions } from '../../flow/queueOptions.ts';
import { pick } from '../../internal/pick.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { aProcessHold, type ProcessHold } from '../../internal/timers.ts';
import {
  aFunction,
  anObservable,
  aScheduler,
  limit,
  millis,
  optional,
  type Rules,
  settingsOf,
  whole,
} from '../../internal/validation.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { STAGE_RULES } from '../../ledger/stageReporter.ts';
import type { PriorityOverflow } from '../../model/overflow.ts';
import type { Loss } from '../../model/tally.ts';
import type { BatchSizeStrategyFactory } from '../../strategies/batchSize.ts';
import { responsiveSize } from '../../strategies/responsiveSize.ts';

/** What may change while it runs. */
const CHANGES = [
  'maxQueueSize',
  'maxQueueBytes',
  'maxExportBatchSize',
  'maxExportBatchBytes',
  'minExportBatchSize',
  'scheduledDelayMillis',
  'targetLatencyMillis',
  'maxUnsettledBatches',
  'holdLeaseMillis',
] as const;

/** New values for some of the options of {@link adaptiveBatch}. What is left out stays as it is. */
export interface AdaptiveBatchChanges extends Pick<AdaptiveBatchOptions<unknown>, (typeof CHANGES)[number]> {}

/** The options of {@link adaptiveBatch}. */
export interface AdaptiveBatchOptions<T> extends QueueOptions<T>, PriorityOptions<T> {
  /** What the stage is called in losses and statistics. Default `adaptiveBatch`. */
  name?: string;
  /**
   * Items that wait for a batch, at most: 1 or more, default 32,768. That is a burst of 10,000 three times over, or
   * half a minute at 1,000 a second. More rides out longer outages and takes more memory.
   */
  maxQueueSize?: number;
  /**
   * What happens to an item that meets a full queue. `dropNewest` (the default) refuses it; `dropOldest` loses the one that has waited
   * longest; `dropLowestPriority` the least important one (see {@link PriorityOverflow}), by `priorityOf`; `error` refuses it, sends out what is queued, waits for the outcomes and then errors the stream with a {@link QueueFullError}.
   * Items that are in a batch already are not dropped. Priorities say what is lost, not what goes first: batches are made in the order in which items came (see {@link mergeByPriority}).
   */
  overflow?: PriorityOverflow;
  /** Items in a batch, at most: 1 to `maxQueueSize`, default 2,000. */
  maxExportBatchSize?: number;
  /** Estimated bytes in a batch, at most: 1 to `maxQueueBytes`, default 4 MiB. A larger item goes alone. */
  maxExportBatchBytes?: number;
  /** The strategy goes no lower: 1 to `maxExportBatchSize`, default 10. */
  minExportBatchSize?: number;
  /** Where the strategy begins: `minExportBatchSize` to `maxExportBatchSize`, default 500. */
  initialExportBatchSize?: number;
  /**
   * How long the first item of a batch waits for others, at most, in milliseconds: 0 or more, default 1,000. Less delivers sooner, in more
   * and smaller requests. Items that a batch had to leave behind at its maximum wait anew.
   */
  scheduledDelayMillis?: number;
  /** The export latency that the strategy aims for, in milliseconds: 1 or more, default 50. */
  targetLatencyMillis?: number;
  /** Decides size and delay within these limits. Default {@link responsiveSize}. */
  strategy?: BatchSizeStrategyFactory;
  /**
   * Batches that are out without an outcome, at most: 1 or more, default 32. Those in backoff count, so at least four times the concurrency;
   * less, and the slot that a backoff frees stays unused.
   */
  maxUnsettledBatches?: number;
  /**
   * A batch that is not settled within this many milliseconds is ended, and its items are lost as `leaseExpired`: 1 or more, default 600,000. It has to be longer
   * than the longest export with all its retries.
   */
  holdLeaseMillis?: number;
  /**
   * Each emission sends out what is queued. A {@link FlushRequest} (an input's `flush$`) is also answered, when everything that was accepted
   * before it has an outcome. Default: that of the run ({@link runPipeline}), or else none.
   */
  flushWhen?: Observable<unknown>;
  /**
   * Changes while it runs: at each emission the options that it names get new values, all of them or none. A change that breaks a rule, or names anything else, is reported to `onCallbackError` and changes nothing. Sizes and bounds hold from then on; what is queued stays, even if
   * it is more than the new bound. The delay holds from the next batch on. A smaller `maxExportBatchSize` lowers `minExportBatchSize` with it, unless that is named, too. When the Observable ends or fails, the last values stay. Default: none.
   */
  settings$?: Observable<AdaptiveBatchChanges>;
  /** Is closed while two full batches wait, or nine tenths of the memory are used up; and opened again at one, and at three quarters. For inputs that can wait. Default: none. */
  gate?: Gate;
  /**
   * What the memory of all items that wait or are out comes out of, until their batches have outcomes. Default: that of the process, see {@link memoryBudget}. Where it is used up, that is a full queue: `overflow` says
   * what goes, and the gate is closed. (Plain arrays that go to {@link exportTo} are in no budget: `maxPendingItems` and `maxPendingBytes` bound them there.)
   */
  memory?: MemoryBudget;
  /** Called for each loss at this stage (`queueFull`, `tooLarge`, `unsubscribed`, `leaseExpired`), with the items. */
  onLoss?: (loss: Loss, items: readonly T[]) => void;
  /** Called when `onLoss`, `sizeOf`, `priorityOf`, the strategy or the teardown of an input throws, when `settings$` fails or emits an invalid change, or when `sizeOf`, `priorityOf` or the strategy returns an invalid value. Default: these are only counted, in the ledger. */
  onCallbackError?: (thrown: unknown) => void;
  /** Counts what comes and what becomes of it. Default: that of the run ({@link runPipeline}), or else one of its own, which is not shown anywhere. */
  ledger?: Ledger;
  /**
   * Whether the process is kept alive while a batch waits for its delay, while the gate is closed, and from the end of the source until everything has its outcome: `whileWaiting` (the
   * default), or `never`. An empty queue holds nothing.
   */
  processHold?: ProcessHold;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

type Optional =
  | 'name'
  | 'flushWhen'
  | 'settings$'
  | 'gate'
  | 'priorityOf'
  | 'memory'
  | 'onLoss'
  | 'onCallbackError'
  | 'ledger';

/** Every option with its value. */
export type AdaptiveBatchSettings<T> = Required<Omit<AdaptiveBatchOptions<T>, Optional>> & {
  [K in Optional]: AdaptiveBatchOptions<T>[K] | undefined;
};

export const ADAPTIVE_BATCH_DEFAULTS: Readonly<AdaptiveBatchSettings<unknown>> = Object.freeze({
  maxQueueSize: 32_768,
  maxQueueBytes: 64 * 1024 * 1024,
  overflow: 'dropNewest',
  maxExportBatchSize: 2_000,
  maxExportBatchBytes: 4 * 1024 * 1024,
  minExportBatchSize: 10,
  initialExportBatchSize: 500,
  scheduledDelayMillis: 1_000,
  targetLatencyMillis: 50,
  strategy: responsiveSize(),
  maxUnsettledBatches: 32,
  holdLeaseMillis: 600_000,
  name: undefined,
  flushWhen: undefined,
  settings$: undefined,
  gate: undefined,
  priorityOf: undefined,
  memory: undefined,
  sizeOf: estimateItemBytes,
  onLoss: undefined,
  onCallbackError: undefined,
  ledger: undefined,
  processHold: 'whileWaiting',
  scheduler: monotonicScheduler,
});

export const STAGE = 'adaptiveBatch';

/** A limit of the batch is bounded by the queue, and what the strategy does by the limit of the batch. */
export const ADAPTIVE_BATCH_RULES: Rules<AdaptiveBatchSettings<unknown>> = {
  ...QUEUE_RULES,
  ...STAGE_RULES,
  overflow: aPriorityOverflow,
  priorityOf: aPriorityOf,
  maxExportBatchSize: whole(1, 'maxQueueSize'),
  maxExportBatchBytes: whole(1, 'maxQueueBytes'),
  minExportBatchSize: whole(1, 'maxExportBatchSize'),
  initialExportBatchSize: whole('minExportBatchSize', 'maxExportBatchSize'),
  scheduledDelayMillis: millis(0),
  targetLatencyMillis: millis(1),
  strategy: aFunction,
  maxUnsettledBatches: limit(1),
  holdLeaseMillis: millis(1),
  flushWhen: optional(anObservable),
  settings$: optional(anObservable),
  memory: optional(aMemoryBudget),
  processHold: aProcessHold,
  scheduler: aScheduler,
};

export function adaptiveBatchSettings<T>(options: AdaptiveBatchOptions<T>): AdaptiveBatchSettings<T> {
  return settingsOf<AdaptiveBatchSettings<T>>(STAGE, defaultsWithin(options), ADAPTIVE_BATCH_RULES, options);
}

/** In a run, its flushes come here, and its drain is what keeps the process alive. */
export function settingsInRun<T>(
  settings: AdaptiveBatchSettings<T>,
  { processHold = 'never' }: Pick<AdaptiveBatchOptions<T>, 'processHold'>,
  { flush$ }: { readonly flush$: Observable<unknown> },
): AdaptiveBatchSettings<T> {
  return { ...settings, flushWhen: settings.flushWhen ?? flush$, processHold };
}

/** The settings that a change leads to, as far as they may change. */
export function changedBatchSettings(
  settings: Required<AdaptiveBatchChanges>,
  change: AdaptiveBatchChanges,
): Required<AdaptiveBatchChanges> {
  const { maxExportBatchSize = settings.maxExportBatchSize } = change ?? {};
  const minExportBatchSize = Math.min(settings.minExportBatchSize, maxExportBatchSize);
  const present = { ...pick(settings, CHANGES), minExportBatchSize };
  return settingsOf(`${STAGE}.settings$`, present, pick(ADAPTIVE_BATCH_RULES, CHANGES), change);
}

/** The defaults, as far as the limits that are given leave room for them. */
export function defaultsWithin<T>(given: AdaptiveBatchOptions<T>): AdaptiveBatchSettings<unknown> {
  const defaults = ADAPTIVE_BATCH_DEFAULTS;
  const { maxQueueSize = defaults.maxQueueSize, maxQueueBytes = defaults.maxQueueBytes } = given ?? {};
  const maxExportBatchSize = Math.min(defaults.maxExportBatchSize, maxQueueSize);
  const maxExportBatchBytes = Math.min(defaults.maxExportBatchBytes, maxQueueBytes);
  const atMost = Math.min(defaults.initialExportBatchSize, given?.maxExportBatchSize ?? maxExportBatchSize);
  const minExportBatchSize = Math.min(defaults.minExportBatchSize, given?.initialExportBatchSize ?? atMost);
  const initialExportBatchSize = Math.max(atMost, given?.minExportBatchSize ?? minExportBatchSize);
  return { ...defaults, maxExportBatchSize, maxExportBatchBytes, minExportBatchSize, initialExportBatchSize };
}
