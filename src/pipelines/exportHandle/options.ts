import type { SchedulerLike } from 'rxjs';
import { estimateItemBytes } from '../../flow/itemBytes.ts';
import { type MemoryBudget, processMemory, requireMemory, withoutRefusal } from '../../flow/memory.ts';
import { type ChannelSettings, settle as settleChannel } from '../../inputs/channel/options.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { present, requireMillis, requireShape, requireWhole, withDefaults } from '../../internal/validation.ts';
import { InvalidOptionError } from '../../model/errors.ts';
import type { Sink } from '../../model/sink.ts';
import { ADAPTIVE_BATCH_DEFAULTS, type AdaptiveBatchOptions } from '../../operators/adaptiveBatch/options.ts';
import { type ExportToOptions, leaseMillis } from '../../operators/exportTo/options.ts';
import type { Unit } from './call.ts';

type BatchOptions<T> = Pick<
  AdaptiveBatchOptions<T>,
  'maxExportBatchSize' | 'maxExportBatchBytes' | 'targetLatencyMillis' | 'strategy' | 'sizeOf'
>;
type ExportOptions<T> = Pick<ExportToOptions<T>, 'concurrency' | 'attemptTimeoutMillis' | 'retry' | 'random'>;

/** Those of the batches and of the export are described at {@link AdaptiveBatchOptions} and {@link ExportToOptions}. */
export interface ExportHandleOptions<T> extends BatchOptions<T>, ExportOptions<T> {
  /** Items that wait for a batch, at most: 1 or more, default 32,768. Up to two batches of the largest size are gathered beside. */
  maxQueueSize?: number;
  /** Their estimated bytes, at most: 1 or more, default 64 MiB. An item that is larger by itself is lost as `tooLarge`. */
  maxQueueBytes?: number;
  /** What the memory of everything that is queued or out comes out of. Default: that of the process, see {@link memoryBudget}. Where it is used up, calls wait. */
  memory?: MemoryBudget;
  /**
   * Calls that wait because the queue is full, at most: 0 or more, default 1,024. What one too many has to export is lost as `queueFull`, as far as it finds no room. A call that waits keeps just
   * its own items.
   */
  maxWaitingExports?: number;
  /**
   * How long the first item of a batch waits for others, at most, in milliseconds: 0 or more, default 100. Each caller waits for it, so it is shorter than in a
   * pipeline that nobody waits for.
   */
  scheduledDelayMillis?: number;
  /** How long `forceFlush` waits unless it is told otherwise, in milliseconds: 1 or more, default 30,000. */
  flushTimeoutMillis?: number;
  /**
   * How long `shutdown` drains unless it is told otherwise, in milliseconds: 0 or more, default 10,000. What is left then is lost, and answered so. The default is a third of the 30 seconds that
   * Kubernetes gives a pod between SIGTERM and SIGKILL, so that the host has time for its own shutdown.
   */
  shutdownDeadlineMillis?: number;
  /**
   * How long the process is kept alive when its event loop has run empty, to export what was given, in milliseconds: 0 or more, default 10,000. What has no end then is lost, and answered so. 0: it is
   * not kept alive.
   */
  exitDeadlineMillis?: number;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

type OwnOption =
  | 'maxQueueSize'
  | 'maxQueueBytes'
  | 'maxWaitingExports'
  | 'scheduledDelayMillis'
  | 'flushTimeoutMillis'
  | 'shutdownDeadlineMillis'
  | 'exitDeadlineMillis'
  | 'scheduler';

/** The handle's own defaults. What is not here has the default of its stage. */
export const EXPORT_HANDLE_DEFAULTS: Readonly<Required<Pick<ExportHandleOptions<unknown>, OwnOption>>> = Object.freeze({
  maxQueueSize: 32_768,
  maxQueueBytes: 64 * 1024 * 1024,
  maxWaitingExports: 1_024,
  scheduledDelayMillis: 100,
  flushTimeoutMillis: 30_000,
  shutdownDeadlineMillis: 10_000,
  exitDeadlineMillis: 10_000,
  scheduler: monotonicScheduler,
});

export const OWNER = 'exportHandle';

/** What the options of a stage may be; `undefined` is its default. */
const STAGE_OPTIONS: { readonly [name: string]: undefined } = Object.freeze({
  maxExportBatchSize: undefined,
  maxExportBatchBytes: undefined,
  targetLatencyMillis: undefined,
  strategy: undefined,
  sizeOf: undefined,
  concurrency: undefined,
  attemptTimeoutMillis: undefined,
  retry: undefined,
  random: undefined,
  memory: undefined,
});

/** The options of each stage, and of the life cycle. */
export interface ExportHandleSettings<T> extends Readonly<Required<Pick<ExportHandleOptions<T>, OwnOption>>> {
  readonly channel: ChannelSettings<Unit<T>>;
  readonly batch: AdaptiveBatchOptions<Unit<T>>;
  readonly export: ExportToOptions<T>;
}

/** Lays the options over the defaults, and deals them out to the stages, which check what is theirs. */
export function settle<T>(sink: Sink<T>, options: ExportHandleOptions<T>): ExportHandleSettings<T> {
  requireShape(`${OWNER}.sink`, sink, 'a sink, otlpHttp() for example', 'export');
  const known = { ...STAGE_OPTIONS, ...EXPORT_HANDLE_DEFAULTS };
  const given = withDefaults(OWNER, known as typeof known & ExportHandleOptions<T>, options);
  const { maxQueueSize, maxQueueBytes, scheduler } = given;
  requireWhole(`${OWNER}.maxQueueSize`, maxQueueSize, 1);
  requireWhole(`${OWNER}.maxQueueBytes`, maxQueueBytes, 1);
  requireWhole(`${OWNER}.maxWaitingExports`, given.maxWaitingExports, 0);
  requireMillis(`${OWNER}.flushTimeoutMillis`, given.flushTimeoutMillis, 1, 'finite');
  for (const name of ['shutdownDeadlineMillis', 'exitDeadlineMillis'] as const)
    requireMillis(`${OWNER}.${name}`, given[name], 0, 'finite');
  const { concurrency, attemptTimeoutMillis, retry, random } = given;
  const memory = given.memory ?? processMemory();
  requireMemory(`${OWNER}.memory`, memory);
  return {
    ...given,
    channel: settleChannel({
      ...{ maxQueueSize, maxQueueBytes, maxWaitingSends: given.maxWaitingExports, scheduler, memory },
      ...{ sizeOf: sizeOfUnit(given.sizeOf), flushTimeoutMillis: given.flushTimeoutMillis },
    }),
    batch: { ...batchOptions(given), memory: withoutRefusal(memory) },
    // The batcher bounds what is out; a second bound here could only lose what the first one has let through.
    export: present({
      ...{ concurrency, attemptTimeoutMillis, retry, random, scheduler },
      processHold: 'never',
      maxPendingItems: Number.POSITIVE_INFINITY,
      maxPendingBytes: Number.POSITIVE_INFINITY,
    }),
  };
}

/** The queue is in front of the batcher, which asks it to wait when two batches are full; there is always room for one item more. */
function batchOptions<T>(given: typeof EXPORT_HANDLE_DEFAULTS & ExportHandleOptions<T>): AdaptiveBatchOptions<Unit<T>> {
  const { maxQueueSize, maxQueueBytes, concurrency, scheduledDelayMillis, targetLatencyMillis, strategy } = given;
  const { maxExportBatchSize = Math.min(ADAPTIVE_BATCH_DEFAULTS.maxExportBatchSize, maxQueueSize) } = given;
  const { maxExportBatchBytes = Math.min(ADAPTIVE_BATCH_DEFAULTS.maxExportBatchBytes, maxQueueBytes) } = given;
  requireWhole(`${OWNER}.maxExportBatchSize`, maxExportBatchSize, 1, maxQueueSize);
  requireWhole(`${OWNER}.maxExportBatchBytes`, maxExportBatchBytes, 1, maxQueueBytes);
  const options = {
    ...{ maxExportBatchSize, maxExportBatchBytes, scheduledDelayMillis, targetLatencyMillis, strategy },
    maxQueueSize: 2 * maxExportBatchSize,
    maxQueueBytes: 2 * maxExportBatchBytes + maxQueueBytes,
    maxUnsettledBatches: Math.max(32, 4 * (typeof concurrency === 'number' ? concurrency : 0)),
    holdLeaseMillis: leaseMillis(given.retry?.maxElapsedMillis),
    sizeOf: sizeOfUnit(given.sizeOf),
    processHold: 'never' as const,
    scheduler: given.scheduler,
  };
  return present(options);
}

function sizeOfUnit<T>(sizeOf: (item: T) => number = estimateItemBytes): (unit: Unit<T>) => number {
  return (unit) => sizeOf(unit.item);
}

/** How one call is made. */
export interface ExportCallOptions {
  /** Gives up the wait for the answer. */
  signal?: AbortSignal;
}

const EXPORT_CALL_DEFAULTS: Readonly<{ signal: AbortSignal | undefined }> = Object.freeze({ signal: undefined });

/** Refuses a call that makes no sense, and returns its signal. */
export function settleCall(items: unknown, options: ExportCallOptions): AbortSignal | undefined {
  if (!Array.isArray(items)) throw new InvalidOptionError(`${OWNER}.export.items`, 'an array', items);
  const { signal } = withDefaults(`${OWNER}.export`, EXPORT_CALL_DEFAULTS, options);
  if (signal !== undefined) requireShape(`${OWNER}.export.signal`, signal, 'an AbortSignal', 'addEventListener');
  return signal;
}
