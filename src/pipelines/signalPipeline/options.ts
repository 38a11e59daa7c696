import type { OperatorFunction } from 'rxjs';
import type { RingKind } from '../../inputs/ringInput/options.ts';
import type { Environment } from '../../internal/environment.ts';
import type { SignalName } from '../../model/signal.ts';
import type { Sink } from '../../model/sink.ts';
import type { AdaptiveBatchOptions } from '../../operators/adaptiveBatch/options.ts';
import { type ExportToOptions, SHARED_LAYERS } from '../../operators/exportTo/options.ts';
import type { Branches } from '../../operators/fanOut/options.ts';
import { LIFE_CYCLE_DEFAULTS, type LifeCycleOptions, type LifeCycleSettings } from '../lifeCycle/options.ts';
import type { LiveOptions } from '../liveSettings.ts';
import type { SpoolOptions } from '../spool/options.ts';

export const BATCH_OPTIONS = [
  'maxQueueSize',
  'maxQueueBytes',
  'maxExportBatchSize',
  'maxExportBatchBytes',
  'scheduledDelayMillis',
  'targetLatencyMillis',
  'strategy',
  'maxUnsettledBatches',
  'memory',
  'priorityOf',
] as const;
export const EXPORT_OPTIONS = ['concurrency', 'attemptTimeoutMillis', 'retry', 'random', ...SHARED_LAYERS] as const;

type BatchOptions<T> = Pick<AdaptiveBatchOptions<T>, (typeof BATCH_OPTIONS)[number]>;
type ExportOptions<T> = Pick<ExportToOptions<T>, (typeof EXPORT_OPTIONS)[number]>;

/** What differs between the signals. */
export interface PipelineKind<T> {
  /** The function that the user has called: it names the mistakes. */
  readonly owner: string;
  /** What its sinks take. */
  readonly signal: SignalName;
  readonly input: RingKind<T>;
  readonly sizeOf: (item: T) => number;
  /** The default of `priorityOf`. */
  readonly priorityOf: (item: T) => number;
  /** What the variables of the SDK's batch processor begin with: `OTEL_BSP`. */
  readonly variables: string;
}

/** Where the items go: one sink. */
export interface OneSink<T> {
  /** Where the items go. The pipeline owns it, and shuts it down. */
  sink: Sink<T>;
  /** Left out here: it is the other form of these options, which has several sinks instead of `sink`. */
  sinks?: undefined;
}

/** Where the items go: several sinks at once. */
export interface SeveralSinks<T> {
  /**
   * Where the items go: the branches of a {@link fanOut}, by name. The options of the queue, of the batches and of the export are the defaults of each branch, and `settings$` changes them in each branch that has no value of its own (of `retry`, as a whole); a `breaker` belongs to one backend, so it is refused for all; a limiter, a rate
   * limit and a retry budget that are given for all are shared by all. With `overflow: 'dropLowestPriority'` each branch makes batches of its own, and so encodes them for itself: its queue is the one that fills up. `stats().routes` shows each branch, also one that is alone;
   * `forceFlush`, a handle and the totals go by the required ones. The pipeline owns all sinks, and shuts them down.
   */
  sinks: Branches<T>;
  /** Left out here: it is the other form of these options, which has one sink instead of `sinks`. */
  sink?: undefined;
}

/** The options that the pipeline of any signal has, besides its sinks. */
export interface SignalPipelineOptions<T> extends LifeCycleOptions, LiveOptions, BatchOptions<T>, ExportOptions<T> {
  /**
   * RxJS operators that each item passes before it is batched, in this order: `[filter((span) => span.name !== 'GET /healthz')]`. They run a turn after the SDK has pushed it, outside of the program's own call. What they take out, or make, shows as `between` in `stats()`.
   *
   * One that throws does not end the pipeline: it is subscribed again, with a fresh state, when the next item comes. The item that it was given is lost as `operatorFailed` (of an asynchronous one, all items that went in and have not come out), counted and told. One that completes (`take(5)`) stays ended: what comes later is taken out, and that is told once.
   *
   * What they hold is bounded by nobody but themselves. `forceFlush` waits until asynchronous ones have let out what they hold, and those of `spanflow/processors` (`tailSample`) let it out then. `handle()` is not possible with operators, because what they take out has no answer. Default: none.
   */
  operators?: readonly OperatorFunction<T, T>[];
  /**
   * What happens to an item that meets a full queue: `dropNewest` (the default), `dropOldest`, or `dropLowestPriority`, which loses the least important one of the queue. Priorities are asked when an item comes from the ring into the queue, a turn
   * after the SDK has pushed it; a ring that is full drops its oldest.
   */
  overflow?: 'dropNewest' | 'dropOldest' | 'dropLowestPriority';
  /** How important an item is, with `overflow: 'dropLowestPriority'`: 0 to 9. */
  priorityOf?: (item: T) => number;
  /**
   * A directory, or {@link SpoolOptions} with one: what would be lost at the end of the process is written to a file there, and sent at the next start. That is what has no outcome at `process.exit()`, at an uncaught exception, and at the deadlines of a shutdown and of the natural end, wherever it is: in the ring, in the queue, waiting
   * for an attempt, or in flight. What was in flight may have arrived, and then it arrives twice. Nothing runs at a signal without `shutdownOn`, at `SIGKILL` and at `worker.terminate()`: then nothing is written. Personal data lies in the files, which their owner alone may read (mode 0600).
   *
   * What was written is neither delivered nor lost: `stats().handedOn` and `stored` of the outcomes count it, and the report of `shutdown()` has its number as `spooled`. The next start sends it beside what is new, one batch at a time; it has passed your `operators` already. `stats().stages.spool` shows it. It is not part of what `forceFlush` waits for. While the pipeline ends, it is sent
   * as long as its batches arrive. A file is removed when everything in it was delivered, rejected or counted as lost. Default: none, what is left is lost.
   */
  spool?: string | URL | SpoolOptions;
  /** Where the variables are read from. Default `process.env`. */
  environment?: Environment;
}

/** The names of the options of any signal's pipeline, besides its sinks. */
export const SIGNAL_PIPELINE_OPTIONS: readonly string[] = [
  ...[...BATCH_OPTIONS, ...EXPORT_OPTIONS, ...Object.keys(LIFE_CYCLE_DEFAULTS)],
  ...['operators', 'overflow', 'settings$', 'spool'],
];

/** The defaults of any signal's pipeline. Any other option has the default of its stage. */
export const SIGNAL_PIPELINE_DEFAULTS: Readonly<
  LifeCycleSettings & { operators: readonly never[]; overflow: 'dropNewest' }
> = Object.freeze({ ...LIFE_CYCLE_DEFAULTS, operators: [], overflow: 'dropNewest' });

export type AnySignalPipelineOptions<T> = SignalPipelineOptions<T> & (OneSink<T> | SeveralSinks<T>);
