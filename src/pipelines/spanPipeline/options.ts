import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { aSink } from '../../destination/sinkRule.ts';
import type { FromSpanProcessorOptions } from '../../inputs/fromSpanProcessor.ts';
import { type Environment, EnvironmentReader } from '../../internal/environment.ts';
import { pick } from '../../internal/pick.ts';
import {
  anObject,
  type Mistakes,
  oneOf,
  optional,
  overDefaults,
  type Rules,
  settingsOf,
  withoutUndefined,
} from '../../internal/validation.ts';
import type { Sink } from '../../model/sink.ts';
import {
  ADAPTIVE_BATCH_DEFAULTS,
  ADAPTIVE_BATCH_RULES,
  type AdaptiveBatchOptions,
  defaultsWithin,
} from '../../operators/adaptiveBatch/options.ts';
import {
  EXPORT_TO_RULES,
  type ExportToOptions,
  exportDefaultsFor,
  RETRY_DEFAULTS,
  type RetryOptions,
} from '../../operators/exportTo/options.ts';
import type { Branches, FanOutOptions } from '../../operators/fanOut/options.ts';
import { LIFE_CYCLE_DEFAULTS, LIFE_CYCLE_RULES, type LifeCycleOptions } from '../lifeCycle/options.ts';
import { batcherOptions, EXPORT_STAGE, unsettledFor } from '../stages.ts';

const BATCH_OPTIONS = [
  'maxQueueSize',
  'maxQueueBytes',
  'maxExportBatchSize',
  'maxExportBatchBytes',
  'scheduledDelayMillis',
  'targetLatencyMillis',
  'strategy',
  'maxUnsettledBatches',
  'memory',
] as const;
const EXPORT_OPTIONS = ['concurrency', 'attemptTimeoutMillis', 'retry', 'random'] as const;

type BatchOptions = Pick<AdaptiveBatchOptions<ReadableSpan>, (typeof BATCH_OPTIONS)[number]>;
type ExportOptions = Pick<ExportToOptions<ReadableSpan>, (typeof EXPORT_OPTIONS)[number]>;

/**
 * Everything but the sink has a default. The options of the queue, the batches and the export are described at {@link AdaptiveBatchOptions} and
 * {@link ExportToOptions}.
 *
 * Where an option is left out, `OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BSP_MAX_EXPORT_BATCH_SIZE` and `OTEL_BSP_SCHEDULE_DELAY` count, and `OTEL_BSP_EXPORT_TIMEOUT` as
 * `retry.maxElapsedMillis`. A value that makes no sense is warned about and ignored.
 */
export interface SpanPipelineOptions extends CommonOptions {
  /** Where the spans go. The pipeline owns it, and shuts it down. */
  sink: Sink<ReadableSpan>;
  sinks?: undefined;
}

/** The same for a pipeline to several backends at once. */
export interface SpanPipelineSinksOptions extends CommonOptions {
  /**
   * Where the spans go: the branches of a {@link fanOut}, by name. The options of the queue and of the export are the defaults of each branch; a limiter that is given for all is shared by all. `stats().routes` shows each;
   * `forceFlush`, a handle and the totals go by the required ones. The pipeline owns all sinks, and shuts them down.
   */
  sinks: Branches<ReadableSpan>;
  sink?: undefined;
}

interface CommonOptions extends LifeCycleOptions, BatchOptions, ExportOptions {
  /** What happens to a span that meets a full queue: `dropNewest` (the default) or `dropOldest`. */
  overflow?: 'dropNewest' | 'dropOldest';
  /** Where the variables are read from. Default `process.env`. */
  environment?: Environment;
}

/** The pipeline's own defaults. Any other option has the default of its stage. */
export const SPAN_PIPELINE_DEFAULTS: Readonly<Required<LifeCycleOptions & Pick<SpanPipelineOptions, 'overflow'>>> =
  Object.freeze({ ...LIFE_CYCLE_DEFAULTS, overflow: 'dropNewest' });

export type AnySpanPipelineOptions = SpanPipelineOptions | SpanPipelineSinksOptions;

type Given = Required<Omit<CommonOptions, 'memory'>> &
  Pick<CommonOptions, 'memory'> &
  Pick<AnySpanPipelineOptions, 'sink' | 'sinks'>;

const SPAN_PIPELINE_RULES: Rules<Given> = {
  sink: oneWayOut,
  sinks: optional(anObject),
  ...pick(ADAPTIVE_BATCH_RULES, BATCH_OPTIONS),
  ...pick(EXPORT_TO_RULES, EXPORT_OPTIONS),
  ...LIFE_CYCLE_RULES,
  overflow: oneOf('dropNewest', 'dropOldest'),
  environment: anObject,
};

/** Either one sink, or several by their names. */
function oneWayOut(sink: unknown, option: string, call: Mistakes): void {
  if (sink !== undefined && call.hasValue('sinks')) call.add(option, 'left out where there are sinks', sink);
  else if (sink !== undefined || !call.hasValue('sinks')) aSink(sink, option, call);
}

/** The settings of each stage, and of the life cycle. */
export interface SpanPipelineSettings extends Required<LifeCycleOptions> {
  readonly input: FromSpanProcessorOptions;
  readonly batch: AdaptiveBatchOptions<ReadableSpan>;
  readonly export: ExportToOptions<ReadableSpan>;
  /** What each branch is given, if there are several. */
  readonly fanOut: FanOutOptions<ReadableSpan>;
}

/** Lays the options over the variables over the defaults, checks all by the pipeline's own name, and deals them out to the stages. */
export function spanPipelineSettings(options: AnySpanPipelineOptions): SpanPipelineSettings {
  const asked: Partial<AnySpanPipelineOptions> = options ?? {};
  const { maxElapsedMillis, ...sizes } = variablesOf(asked);
  const retry: RetryOptions = { ...RETRY_DEFAULTS, ...withoutUndefined({ maxElapsedMillis }) };
  const variables = withoutUndefined(sizes);
  const defaults = {
    ...pick(defaultsWithin<ReadableSpan>({ ...variables, ...withoutUndefined(asked) }), BATCH_OPTIONS),
    ...pick(exportDefaultsFor(asked.sink as Sink<ReadableSpan>), EXPORT_OPTIONS),
    ...SPAN_PIPELINE_DEFAULTS,
    maxUnsettledBatches: unsettledFor(asked.concurrency ?? 0),
    environment: process.env,
    ...variables,
    retry,
  };
  const given = settingsOf<Given>('spanPipeline', defaults as Partial<Given>, SPAN_PIPELINE_RULES, options);
  const exporting = { ...pick(given, EXPORT_OPTIONS), retry: overDefaults<RetryOptions>(retry, given.retry) };
  const { overflow } = given;
  return {
    ...pick(given, Object.keys(LIFE_CYCLE_DEFAULTS) as (keyof LifeCycleOptions)[]),
    // Without a number of its own, the ring has as many places as the heap has room for.
    input: withoutUndefined({ maxQueueSize: variables.maxQueueSize, overflow }),
    batch: { ...pick(given, BATCH_OPTIONS), ...batcherOptions(exporting), overflow },
    export: { ...exporting, ...EXPORT_STAGE },
    fanOut: {
      ...pick(given, ['maxQueueSize', 'maxQueueBytes', 'maxUnsettledBatches', 'memory']),
      ...exporting,
      // Unless it was given: a sink says how long it takes, and what is made for one branch is not shared by all.
      ...pick(asked as ExportOptions, ['concurrency', 'attemptTimeoutMillis']),
      overflow,
      processHold: EXPORT_STAGE.processHold,
    },
  };
}

/** What is given, or else what the batch processor's variables set, as far as it fits. */
function variablesOf(asked: Partial<CommonOptions>) {
  const environment = new EnvironmentReader(asked.environment ?? process.env);
  const leastQueueSize = Number.isSafeInteger(asked.maxExportBatchSize) ? (asked.maxExportBatchSize as number) : 1;
  const maxQueueSize =
    asked.maxQueueSize ?? environment.wholeNumber(leastQueueSize, Number.MAX_SAFE_INTEGER, 'OTEL_BSP_MAX_QUEUE_SIZE');
  const queueLimit = maxQueueSize ?? ADAPTIVE_BATCH_DEFAULTS.maxQueueSize;
  return {
    maxQueueSize,
    maxExportBatchSize:
      asked.maxExportBatchSize ?? environment.wholeNumber(1, queueLimit, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE'),
    scheduledDelayMillis: asked.scheduledDelayMillis ?? environment.delayMillis('OTEL_BSP_SCHEDULE_DELAY'),
    maxElapsedMillis: asked.retry?.maxElapsedMillis ?? environment.timeoutMillis('OTEL_BSP_EXPORT_TIMEOUT'),
  };
}
