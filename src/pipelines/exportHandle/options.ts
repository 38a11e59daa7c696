import { aSink } from '../../destination/sinkRule.ts';
import { type MemoryBudget, processMemory, withoutRefusal } from '../../flow/memory.ts';
import { CHANNEL_DEFAULTS, type ChannelSettings } from '../../inputs/channel/options.ts';
import { pick } from '../../internal/pick.ts';
import {
  anObservable,
  MAX_TIMER_MILLIS,
  optional,
  type Rules,
  settingsOf,
  whole,
  withoutUndefined,
} from '../../internal/validation.ts';
import type { Sink } from '../../model/sink.ts';
import {
  ADAPTIVE_BATCH_RULES,
  type AdaptiveBatchOptions,
  defaultsWithin,
} from '../../operators/adaptiveBatch/options.ts';
import {
  EXPORT_TO_RULES,
  type ExportToOptions,
  exportDefaultsFor,
  leaseMillis,
  SHARED_LAYERS,
  type SharedLayer,
} from '../../operators/exportTo/options.ts';
import type { TrackedItem } from '../../strategies/itemTally.ts';
import {
  LIFE_CYCLE_DEFAULTS,
  LIFE_CYCLE_RULES,
  type LifeCycleOptions,
  type LifeCycleSettings,
} from '../lifeCycle/options.ts';
import { type LiveOptions, type LiveSettings, SettingsDealer } from '../liveSettings.ts';
import { batcherOptions, EXPORT_STAGE, safe, unsettledFor } from '../stages.ts';

const QUEUE_OPTIONS = ['maxQueueSize', 'maxQueueBytes', 'memory', 'sizeOf'] as const;
const BATCH_OPTIONS = [
  'maxExportBatchSize',
  'maxExportBatchBytes',
  'scheduledDelayMillis',
  'targetLatencyMillis',
  'strategy',
] as const;
const EXPORT_OPTIONS = ['concurrency', 'attemptTimeoutMillis', 'retry', 'random', ...SHARED_LAYERS] as const;

type BatchOptions<T> = Pick<AdaptiveBatchOptions<T>, (typeof BATCH_OPTIONS | typeof QUEUE_OPTIONS)[number]>;
type ExportOptions<T> = Pick<ExportToOptions<T>, (typeof EXPORT_OPTIONS)[number]>;

/** The options of the batches and of the export are described at {@link AdaptiveBatchOptions} and {@link ExportToOptions}. */
export interface ExportHandleOptions<T> extends LifeCycleOptions, LiveOptions, BatchOptions<T>, ExportOptions<T> {
  /** Items that wait for a batch, at most: 1 or more, default 32,768. Up to two batches of the largest size are gathered beside. */
  maxQueueSize?: number;
  /** Their estimated bytes, at most: 1 or more, default 64 MiB. An item that is larger by itself is lost as `tooLarge`. */
  maxQueueBytes?: number;
  /** What the memory of everything that is queued or out comes out of. Default: that of the process, see {@link memoryBudget}. Where it is used up, calls wait. */
  memory?: MemoryBudget;
  /**
   * Calls that wait because the queue is full, at most: 0 or more, default 1,024. When one more call comes, those of its items that find no room are lost as `queueFull`. A waiting call keeps just
   * its own items in memory.
   */
  maxWaitingExports?: number;
  /**
   * How long the first item of a batch waits for others, at most, in milliseconds: 0 or more, default 100. It is shorter than in a pipeline, because each caller
   * waits for it.
   */
  scheduledDelayMillis?: number;
}

type OwnOption = 'maxWaitingExports' | 'scheduledDelayMillis';

/** The handle's own defaults. Any other option has the default of its stage. */
export const EXPORT_HANDLE_DEFAULTS: LifeCycleSettings &
  Readonly<Required<Pick<ExportHandleOptions<unknown>, OwnOption>>> = Object.freeze({
  ...LIFE_CYCLE_DEFAULTS,
  maxWaitingExports: 1_024,
  scheduledDelayMillis: 100,
});

const OWNER = 'exportHandle';

type Unset = 'concurrency' | 'memory' | 'pauseWhen' | 'settings$' | SharedLayer; // without a default
export type Given<T> = Required<Omit<ExportHandleOptions<T>, Unset>> & {
  readonly [K in Unset]: ExportHandleOptions<T>[K] | undefined;
};

export const EXPORT_HANDLE_RULES: Rules<Given<unknown>> = {
  ...LIFE_CYCLE_RULES,
  ...pick(ADAPTIVE_BATCH_RULES, [...QUEUE_OPTIONS, ...BATCH_OPTIONS]),
  ...pick(EXPORT_TO_RULES, EXPORT_OPTIONS),
  settings$: optional(anObservable),
  maxWaitingExports: whole(0),
};

/** The settings of each stage, and of the life cycle. */
export interface ExportHandleSettings<T> extends LifeCycleSettings, LiveOptions {
  /** The function that the user has called. */
  readonly owner: string;
  readonly channel: ChannelSettings<TrackedItem<T>>;
  readonly batch: AdaptiveBatchOptions<TrackedItem<T>>;
  readonly export: ExportToOptions<T>;
  readonly dealer: SettingsDealer;
}

/** Checks all options by the handle's own name, and deals them out to the stages. */
export function exportHandleSettings<T>(sink: Sink<T>, options: ExportHandleOptions<T>): ExportHandleSettings<T> {
  const known = knownDefaults(sink, options);
  return stagesOf(OWNER, settingsOf<Given<T>>(OWNER, known, EXPORT_HANDLE_RULES, options, { sink: [sink, aSink] }));
}

/** The defaults of all options, as far as the limits that are given leave room for them. */
export function knownDefaults<T>(sink: Sink<T>, options: ExportHandleOptions<T>): Partial<Given<T>> {
  const defaults = { ...defaultsWithin(options), ...exportDefaultsFor(sink), ...EXPORT_HANDLE_DEFAULTS };
  return pick(defaults as Given<T>, Object.keys(EXPORT_HANDLE_RULES) as (keyof Given<T>)[]);
}

/** Deals options that are in order out to the stages. */
export function stagesOf<T>(owner: string, given: Given<T>): ExportHandleSettings<T> {
  const { maxQueueSize, maxQueueBytes, maxWaitingExports } = given;
  const { memory = processMemory() } = given;
  // A batch that gets no answer has its end after `maxElapsedMillis`: then there is room.
  const stallTimeoutMillis = Math.min(MAX_TIMER_MILLIS, 2 * leaseMillis(given.retry.maxElapsedMillis));
  const sizeOf = ({ item }: TrackedItem<T>) => given.sizeOf(item);
  const dealer = new SettingsDealer({ owner, settings: given, follows: batcherBounds });
  return {
    owner,
    ...pick(given, Object.keys(LIFE_CYCLE_DEFAULTS) as (keyof LifeCycleSettings)[]),
    channel: {
      ...CHANNEL_DEFAULTS,
      ...{ maxQueueSize, maxQueueBytes, maxWaitingSends: maxWaitingExports, memory, sizeOf, stallTimeoutMillis },
    },
    batch: {
      ...batcherOptions(given),
      ...pick(given, BATCH_OPTIONS),
      ...batcherBounds(given),
      memory: withoutRefusal(memory),
      settings$: dealer.batch$,
      sizeOf,
    },
    export: { ...withoutUndefined(pick(given, EXPORT_OPTIONS)), ...EXPORT_STAGE, settings$: dealer.export$ },
    ...withoutUndefined(pick(given, ['settings$'])),
    dealer,
  };
}

/** The queue is in front of the batcher, which asks it to wait when two batches are full; there is always room for one item more. */
function batcherBounds(settings: LiveSettings) {
  const { maxQueueBytes, maxExportBatchSize, maxExportBatchBytes, concurrency } = settings;
  return {
    maxQueueSize: safe(2 * maxExportBatchSize),
    maxQueueBytes: safe(2 * maxExportBatchBytes + maxQueueBytes),
    maxUnsettledBatches: unsettledFor(concurrency),
  };
}
