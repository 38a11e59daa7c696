import type { Observable, SchedulerLike } from 'rxjs';
import { aMemoryBudget, type MemoryBudget } from '../../flow/memory.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { aProcessHold, type ProcessHold } from '../../internal/timers.ts';
import {
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
import type { Loss } from '../../model/tally.ts';

/** The options of {@link rebatch}. */
export interface RebatchOptions<T> {
  /** What the stage is called in losses and statistics. Default `rebatch`. */
  name?: string;
  /** Items that wait, at most: 1 or more, default 131,072. A batch that finds no room is refused as a whole. More takes more memory, and refuses less. */
  maxQueueSize?: number;
  /** Estimated bytes that wait, at most: 1 or more, default 64 MiB. */
  maxQueueBytes?: number;
  /** Items in a batch that leaves, at most, and the number at which it does: 1 to `maxQueueSize`, default 2,000. */
  maxExportBatchSize?: number;
  /** Estimated bytes in a batch that leaves, at most, and the number at which it does: 1 to `maxQueueBytes`, default 4 MiB. Each item of a batch that came counts as an equal part of its bytes. An item that is more than that goes alone. */
  maxExportBatchBytes?: number;
  /**
   * How long the first item of a batch waits for others, at most, in milliseconds: 0 or more, default 200, as in the Collector. A sender that is answered with the outcome waits for as long in addition. Less answers sooner, in more and smaller requests.
   * Items that a batch had to leave behind at its maximum wait anew.
   */
  scheduledDelayMillis?: number;
  /** Batches that are out without an outcome, at most: 1 or more, default 32. Those in backoff count, so at least four times the concurrency. */
  maxUnsettledBatches?: number;
  /** A batch that is not settled within this many milliseconds is ended, and its items are lost as `leaseExpired`: 1 or more, default 600,000. It has to be longer than the longest export with all its retries. */
  holdLeaseMillis?: number;
  /** Each emission sends out what is queued; a {@link FlushRequest} is also answered, when everything that was accepted before it has an outcome. A flush that waits for a batch that came sends out what is queued, too. Default: that of the run ({@link runPipeline}), or else none. */
  flushWhen?: Observable<unknown>;
  /** What the memory of all items that wait or are out comes out of. Default: that of the process, see {@link memoryBudget}. Where it is used up, that is a full queue. */
  memory?: MemoryBudget;
  /** Called for each loss at this stage (`queueFull`, `tooLarge`, `unsubscribed`, `leaseExpired`), with the items. */
  onLoss?: (loss: Loss, items: readonly T[]) => void;
  /** Called when `onLoss` or the teardown of an input throws. Default: these are only counted, in the ledger. */
  onCallbackError?: (thrown: unknown) => void;
  /** Counts what comes and what becomes of it. Default: that of the run ({@link runPipeline}), or else one of its own, which is not shown anywhere. */
  ledger?: Ledger;
  /** Whether the process is kept alive while a batch waits for its delay, and from the end of the source until everything has its outcome: `whileWaiting` (the default), or `never`. An empty queue holds nothing. */
  processHold?: ProcessHold;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

type Optional = 'name' | 'flushWhen' | 'memory' | 'onLoss' | 'onCallbackError' | 'ledger';

/** Every option with its value. */
export type RebatchSettings<T> = Required<Omit<RebatchOptions<T>, Optional>> & {
  [K in Optional]: RebatchOptions<T>[K] | undefined;
};

export const REBATCH_DEFAULTS: Readonly<RebatchSettings<unknown>> = Object.freeze({
  maxQueueSize: 131_072,
  maxQueueBytes: 64 * 1024 * 1024,
  maxExportBatchSize: 2_000,
  maxExportBatchBytes: 4 * 1024 * 1024,
  scheduledDelayMillis: 200,
  maxUnsettledBatches: 32,
  holdLeaseMillis: 600_000,
  name: undefined,
  flushWhen: undefined,
  memory: undefined,
  onLoss: undefined,
  onCallbackError: undefined,
  ledger: undefined,
  processHold: 'whileWaiting',
  scheduler: monotonicScheduler,
});

export const STAGE = 'rebatch';

export const REBATCH_RULES: Rules<RebatchSettings<unknown>> = {
  ...STAGE_RULES,
  maxQueueSize: whole(1),
  maxQueueBytes: whole(1),
  maxExportBatchSize: whole(1, 'maxQueueSize'),
  maxExportBatchBytes: whole(1, 'maxQueueBytes'),
  scheduledDelayMillis: millis(0),
  maxUnsettledBatches: limit(1),
  holdLeaseMillis: millis(1),
  flushWhen: optional(anObservable),
  memory: optional(aMemoryBudget),
  processHold: aProcessHold,
  scheduler: aScheduler,
};

/** The defaults leave room in the queue that is given. */
export function rebatchSettings<T>(options: RebatchOptions<T>): RebatchSettings<T> {
  const { maxQueueSize = REBATCH_DEFAULTS.maxQueueSize, maxQueueBytes = REBATCH_DEFAULTS.maxQueueBytes } =
    options ?? {};
  const defaults = {
    ...REBATCH_DEFAULTS,
    maxExportBatchSize: Math.min(REBATCH_DEFAULTS.maxExportBatchSize, maxQueueSize),
    maxExportBatchBytes: Math.min(REBATCH_DEFAULTS.maxExportBatchBytes, maxQueueBytes),
  };
  return settingsOf<RebatchSettings<T>>(STAGE, defaults, REBATCH_RULES, options);
}
