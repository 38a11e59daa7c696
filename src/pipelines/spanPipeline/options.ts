import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { SchedulerLike } from 'rxjs';
import { requireMemory } from '../../flow/memory.ts';
import type { FromSpanProcessorOptions } from '../../inputs/fromSpanProcessor.ts';
import { type Environment, EnvironmentReader } from '../../internal/environment.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { present, requireMillis, requireShape, withDefaults } from '../../internal/validation.ts';
import type { Sink } from '../../model/sink.ts';
import { ADAPTIVE_BATCH_DEFAULTS, type AdaptiveBatchOptions } from '../../operators/adaptiveBatch/options.ts';
import {
  type ExportToOptions,
  leaseMillis,
  requireConcurrency,
  requireSink,
} from '../../operators/exportTo/options.ts';

type BatchOptions = Pick<
  AdaptiveBatchOptions<ReadableSpan>,
  | 'maxQueueSize'
  | 'maxQueueBytes'
  | 'maxExportBatchSize'
  | 'maxExportBatchBytes'
  | 'scheduledDelayMillis'
  | 'targetLatencyMillis'
  | 'strategy'
  | 'maxUnsettledBatches'
  | 'memory'
>;
type ExportOptions = Pick<ExportToOptions<ReadableSpan>, 'concurrency' | 'attemptTimeoutMillis' | 'retry'>;

/**
 * Everything but the sink has a default; those of the queue, the batches and the export are described at {@link AdaptiveBatchOptions} and
 * {@link ExportToOptions}.
 *
 * Where an option is left out, `OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BSP_MAX_EXPORT_BATCH_SIZE` and `OTEL_BSP_SCHEDULE_DELAY` count, and `OTEL_BSP_EXPORT_TIMEOUT` as
 * `retry.maxElapsedMillis`. A value that makes no sense is warned about and ignored.
 */
export interface SpanPipelineOptions extends BatchOptions, ExportOptions {
  /** Where the spans go. The pipeline owns it, and shuts it down. */
  sink: Sink<ReadableSpan>;
  /** What happens to a span that meets a full queue: `dropNewest` (the default) or `dropOldest`. */
  overflow?: 'dropNewest' | 'dropOldest';
  /** How long `forceFlush` waits unless it is told otherwise, in milliseconds: 0 or more, default 30,000. */
  flushTimeoutMillis?: number;
  /**
   * How long `shutdown` drains unless it is told otherwise, in milliseconds: 0 or more, default 10,000. What is left then is lost, and counted. The default is a third of the 30 seconds that
   * Kubernetes gives a pod between SIGTERM and SIGKILL, so that the host has time for its own shutdown.
   */
  shutdownDeadlineMillis?: number;
  /**
   * How long the process is kept alive when its event loop has run empty, to send what is queued, in milliseconds: 0 or more, default 10,000. What has no outcome then is lost, and counted. 0: it is not
   * kept alive.
   */
  exitDeadlineMillis?: number;
  /** Losses and failing exports are told to `diag.warn` at most once in so many milliseconds: 0 or more, default 30,000. */
  warnIntervalMillis?: number;
  /** Where the variables are read from. Default `process.env`. */
  environment?: Environment;
  /** Numbers from 0 (included) to 1 (excluded), for the jitter. Default `Math.random`. */
  random?: () => number;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

type OwnOption =
  | 'overflow'
  | 'flushTimeoutMillis'
  | 'shutdownDeadlineMillis'
  | 'exitDeadlineMillis'
  | 'warnIntervalMillis'
  | 'random'
  | 'scheduler';

/** The pipeline's own defaults. What is not here has the default of its stage. */
export const SPAN_PIPELINE_DEFAULTS: Readonly<Required<Pick<SpanPipelineOptions, OwnOption>>> = Object.freeze({
  overflow: 'dropNewest',
  flushTimeoutMillis: 30_000,
  shutdownDeadlineMillis: 10_000,
  exitDeadlineMillis: 10_000,
  warnIntervalMillis: 30_000,
  random: Math.random,
  scheduler: monotonicScheduler,
});

/** The options of each stage, and of the life cycle. */
export interface SpanPipelineSettings extends Readonly<Required<Pick<SpanPipelineOptions, OwnOption>>> {
  readonly input: FromSpanProcessorOptions;
  readonly batch: AdaptiveBatchOptions<ReadableSpan>;
  readonly export: ExportToOptions<ReadableSpan>;
}

const OWNER = 'spanPipeline';

/** What the options of a stage may be; `undefined` is its default. */
const STAGE_OPTIONS: { [name: string]: undefined } = Object.fromEntries(
  [
    ...['sink', 'maxQueueSize', 'maxQueueBytes', 'maxExportBatchSize', 'maxExportBatchBytes', 'scheduledDelayMillis'],
    ...[
      'targetLatencyMillis',
      'strategy',
      'maxUnsettledBatches',
      'memory',
      'concurrency',
      'attemptTimeoutMillis',
      'retry',
      'environment',
    ],
  ].map((name) => [name, undefined]),
);

/** Lays options over environment over defaults, and deals them out to the stages, which check what is theirs. */
export function settle(options: SpanPipelineOptions): SpanPipelineSettings {
  const known = { ...STAGE_OPTIONS, ...SPAN_PIPELINE_DEFAULTS };
  const given = withDefaults(OWNER, known as typeof known & SpanPipelineOptions, options);
  requireSink(`${OWNER}.sink`, given.sink);
  if (given.retry !== undefined) requireShape(`${OWNER}.retry`, given.retry, 'an object');
  if (given.concurrency !== undefined) requireConcurrency(`${OWNER}.concurrency`, given.concurrency);
  if (given.environment !== undefined) requireShape(`${OWNER}.environment`, given.environment, 'an object');
  if (given.memory !== undefined) requireMemory(`${OWNER}.memory`, given.memory);
  for (const name of [
    'flushTimeoutMillis',
    'shutdownDeadlineMillis',
    'exitDeadlineMillis',
    'warnIntervalMillis',
  ] as const) {
    requireMillis(`${OWNER}.${name}`, given[name], 0, 'finite');
  }
  const { overflow, flushTimeoutMillis, random, scheduler, targetLatencyMillis, strategy } = given;
  const { maxQueueBytes, maxExportBatchBytes, attemptTimeoutMillis, concurrency } = given;
  const { maxQueueSize, maxExportBatchSize, scheduledDelayMillis, maxElapsedMillis } = sizesOf(given);
  const retry = present({ ...given.retry, maxElapsedMillis });
  requireMillis(`${OWNER}.retry.maxElapsedMillis`, retry.maxElapsedMillis ?? 1, 1, 'orInfinity');
  const maxUnsettledBatches = given.maxUnsettledBatches ?? unsettledFor(concurrency);
  return {
    ...given,
    input: present({ maxQueueSize, overflow, flushTimeoutMillis: Math.max(1, flushTimeoutMillis), scheduler }),
    batch: present({
      ...{ maxQueueSize, maxQueueBytes, overflow, maxExportBatchSize, maxExportBatchBytes, scheduledDelayMillis },
      ...{ targetLatencyMillis, strategy, scheduler, memory: given.memory },
      processHold: 'never',
      maxUnsettledBatches,
      holdLeaseMillis: leaseMillis(retry.maxElapsedMillis),
    }),
    // The batcher bounds what is out; a second bound here could only lose what the first one has let through.
    export: present({
      ...{ concurrency, attemptTimeoutMillis, retry, random, scheduler },
      processHold: 'never',
      maxPendingItems: Number.POSITIVE_INFINITY,
      maxPendingBytes: Number.POSITIVE_INFINITY,
    }),
  };
}

/** What the batch processor's variables can set. */
function sizesOf(given: SpanPipelineOptions) {
  const environment = new EnvironmentReader(given.environment ?? process.env);
  const maxQueueSize =
    given.maxQueueSize ??
    environment.wholeNumber(given.maxExportBatchSize ?? 1, Number.MAX_SAFE_INTEGER, 'OTEL_BSP_MAX_QUEUE_SIZE');
  const queueLimit = maxQueueSize ?? ADAPTIVE_BATCH_DEFAULTS.maxQueueSize;
  return {
    maxQueueSize,
    maxExportBatchSize:
      given.maxExportBatchSize ?? environment.wholeNumber(1, queueLimit, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE'),
    scheduledDelayMillis: given.scheduledDelayMillis ?? environment.delayMillis('OTEL_BSP_SCHEDULE_DELAY'),
    maxElapsedMillis: given.retry?.maxElapsedMillis ?? environment.timeoutMillis('OTEL_BSP_EXPORT_TIMEOUT'),
  };
}

/** Four times the concurrency, so that the slots which backoffs free are used. Of a limit that changes nobody knows how far: enough for 32 at once. */
function unsettledFor(concurrency: ExportOptions['concurrency']): number {
  if (concurrency === undefined) return ADAPTIVE_BATCH_DEFAULTS.maxUnsettledBatches;
  return typeof concurrency === 'number' ? Math.max(32, 4 * concurrency) : 128;
}
