import type { Observable, SchedulerLike } from 'rxjs';
import type { Gate } from '../../flow/gate.ts';
import { estimateItemBytes } from '../../flow/itemBytes.ts';
import { type MemoryBudget, requireMemory } from '../../flow/memory.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { type ProcessHold, requireProcessHold } from '../../internal/timers.ts';
import {
  requireFunction,
  requireLimit,
  requireMillis,
  requireOneOf,
  requireShape,
  requireWhole,
  withDefaults,
} from '../../internal/validation.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Overflow } from '../../model/overflow.ts';
import type { Loss } from '../../model/tally.ts';
import type { BatchSizeStrategyFactory } from '../../strategies/batchSize.ts';
import { responsiveSize } from '../../strategies/responsiveSize.ts';

export interface AdaptiveBatchOptions<T> {
  /**
   * Items that wait for a batch, at most: 1 or more, default 32,768. That is a burst of 10,000 three times over, or
   * half a minute at 1,000 a second. More rides out longer outages and takes more memory.
   */
  maxQueueSize?: number;
  /** Their estimated bytes, at most: 1 or more, default 64 MiB. An item that is larger by itself is refused as `tooLarge`. */
  maxQueueBytes?: number;
  /**
   * What happens to an item that meets a full queue. `dropNewest` (the default) refuses it; `dropOldest` loses the one that has waited
   * longest; `error` refuses it, sends out what is queued, waits for the outcomes and then errors the stream with a {@link QueueFullError}.
   */
  overflow?: Overflow;
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
   * After so many milliseconds a batch whose holder has forgotten it is over, as `leaseExpired`: 1 or more, default 600,000. It has to be longer
   * than the longest export with all its retries.
   */
  holdLeaseMillis?: number;
  /**
   * Each emission sends out what is queued. A {@link FlushRequest} (an input's `flush$`) is also answered, when everything that was accepted
   * before it has an outcome.
   */
  flushWhen?: Observable<unknown>;
  /** Is closed while two full batches wait, or nine tenths of the memory are used up; and opened again at one, and at three quarters. For inputs that can wait. */
  gate?: Gate;
  /**
   * What the memory of all items that wait or are out comes out of, until their batches have outcomes. Default: that of the process, see {@link memoryBudget}. Where it is used up, that is a full queue: `overflow` says
   * what goes, and the gate is closed. (Plain arrays that go to {@link exportTo} are in no budget: `maxPendingItems` and `maxPendingBytes` bound them there.)
   */
  memory?: MemoryBudget;
  /** Estimates the bytes of an item. Default: see {@link estimateItemBytes}. An exception or a number that is none counts as 512 bytes. */
  sizeOf?: (item: T) => number;
  /** Told of each loss at this stage (`queueFull`, `tooLarge`, `unsubscribed`, `leaseExpired`), with the items. */
  onLoss?: (loss: Loss, items: readonly T[]) => void;
  /** Called when `onLoss`, `sizeOf`, the strategy or the teardown of an input throws, or when `sizeOf` or the strategy returns an invalid value. Default: these are only counted, in the ledger. */
  onCallbackError?: (thrown: unknown) => void;
  /** Keeps the books. Default: one of its own. */
  ledger?: Ledger;
  /**
   * Whether the process is kept alive while a batch waits for its delay, while the gate is closed, and from the end of the source until everything has its outcome: `whileWaiting` (the
   * default), or `never`. An empty queue holds nothing.
   */
  processHold?: ProcessHold;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

/** Every option, settled. */
export type AdaptiveBatchSettings<T> = Required<
  Omit<AdaptiveBatchOptions<T>, 'flushWhen' | 'gate' | 'memory' | 'onLoss' | 'onCallbackError' | 'ledger'>
> &
  Pick<
    { [K in keyof AdaptiveBatchOptions<T>]-?: AdaptiveBatchOptions<T>[K] | undefined },
    'flushWhen' | 'gate' | 'memory' | 'onLoss' | 'onCallbackError' | 'ledger'
  >;

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
  flushWhen: undefined,
  gate: undefined,
  memory: undefined,
  sizeOf: estimateItemBytes,
  onLoss: undefined,
  onCallbackError: undefined,
  ledger: undefined,
  processHold: 'whileWaiting',
  scheduler: monotonicScheduler,
});

export const STAGE = 'adaptiveBatch';

/** Lays the options over the defaults and refuses what is out of range. */
export function settle<T>(options: AdaptiveBatchOptions<T>): AdaptiveBatchSettings<T> {
  const settings = narrow(withDefaults<AdaptiveBatchSettings<T>>(STAGE, ADAPTIVE_BATCH_DEFAULTS, options), options);
  requireSizes(settings);
  requireMillis(`${STAGE}.scheduledDelayMillis`, settings.scheduledDelayMillis, 0, 'finite');
  requireMillis(`${STAGE}.targetLatencyMillis`, settings.targetLatencyMillis, 1, 'finite');
  requireMillis(`${STAGE}.holdLeaseMillis`, settings.holdLeaseMillis, 1, 'finite');
  requireFunction(`${STAGE}.strategy`, settings.strategy);
  requireFunction(`${STAGE}.sizeOf`, settings.sizeOf);
  requireProcessHold(`${STAGE}.processHold`, settings.processHold);
  requireShape(`${STAGE}.scheduler`, settings.scheduler, 'a scheduler of RxJS', 'schedule', 'now');
  const { flushWhen, gate, memory, onLoss, onCallbackError, ledger } = settings;
  if (flushWhen !== undefined) requireShape(`${STAGE}.flushWhen`, flushWhen, 'an Observable', 'subscribe');
  if (gate !== undefined) requireShape(`${STAGE}.gate`, gate, 'a gate of createGate()', 'whenOpen', 'close');
  if (memory !== undefined) requireMemory(`${STAGE}.memory`, memory);
  if (onLoss !== undefined) requireFunction(`${STAGE}.onLoss`, onLoss);
  if (onCallbackError !== undefined) requireFunction(`${STAGE}.onCallbackError`, onCallbackError);
  if (ledger !== undefined) requireShape(`${STAGE}.ledger`, ledger, 'a ledger of createLedger()', 'open');
  return settings;
}

/** A default gives way to a limit that was given; two limits that were given have to agree, and are checked. */
function narrow<T>(settings: AdaptiveBatchSettings<T>, given: AdaptiveBatchOptions<T>): AdaptiveBatchSettings<T> {
  const { maxQueueSize, maxQueueBytes } = settings;
  const maxExportBatchSize = given.maxExportBatchSize ?? Math.min(settings.maxExportBatchSize, maxQueueSize);
  const maxExportBatchBytes = given.maxExportBatchBytes ?? Math.min(settings.maxExportBatchBytes, maxQueueBytes);
  const initialAtMost = Math.min(settings.initialExportBatchSize, maxExportBatchSize);
  const minExportBatchSize = given.minExportBatchSize ?? Math.min(settings.minExportBatchSize, initialAtMost);
  const initialExportBatchSize = given.initialExportBatchSize ?? Math.max(initialAtMost, minExportBatchSize);
  return { ...settings, maxExportBatchSize, maxExportBatchBytes, minExportBatchSize, initialExportBatchSize };
}

function requireSizes<T>(settings: AdaptiveBatchSettings<T>): void {
  const { maxQueueSize, maxQueueBytes, maxExportBatchSize, minExportBatchSize } = settings;
  requireWhole(`${STAGE}.maxQueueSize`, maxQueueSize, 1);
  requireWhole(`${STAGE}.maxQueueBytes`, maxQueueBytes, 1);
  requireOneOf(`${STAGE}.overflow`, settings.overflow, ['dropNewest', 'dropOldest', 'error']);
  requireWhole(`${STAGE}.maxExportBatchSize`, maxExportBatchSize, 1, maxQueueSize);
  requireWhole(`${STAGE}.maxExportBatchBytes`, settings.maxExportBatchBytes, 1, maxQueueBytes);
  requireWhole(`${STAGE}.minExportBatchSize`, minExportBatchSize, 1, maxExportBatchSize);
  requireWhole(
    `${STAGE}.initialExportBatchSize`,
    settings.initialExportBatchSize,
    minExportBatchSize,
    maxExportBatchSize,
  );
  requireLimit(`${STAGE}.maxUnsettledBatches`, settings.maxUnsettledBatches, 1);
}
