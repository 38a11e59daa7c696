import type { AggregationSelector, AggregationTemporalitySelector } from '@opentelemetry/sdk-metrics';
import { aSinkFor } from '../../destination/sinkRule.ts';
import { dataPointBytes } from '../../flow/sizes/dataPointBytes.ts';
import { type Environment, EnvironmentReader } from '../../internal/environment.ts';
import {
  anObject,
  MAX_TIMER_MILLIS,
  millis,
  must,
  overDefaults,
  type Rules,
  settingsOf,
  withoutUndefined,
} from '../../internal/validation.ts';
import type { MetricDataPoint } from '../../model/metricDataPoint.ts';
import type { Sink } from '../../model/sink.ts';
import { RETRY_DEFAULTS, type RetryOptions } from '../../operators/exportTo/options.ts';
import {
  EXPORT_HANDLE_RULES,
  type ExportHandleOptions,
  type ExportHandleSettings,
  type Given as GivenToHandle,
  knownDefaults,
  stagesOf,
} from '../exportHandle/options.ts';
import {
  HISTOGRAM_AGGREGATIONS,
  type HistogramAggregation,
  TEMPORALITIES,
  type TemporalityPreference,
} from './preferences.ts';

export type { HistogramAggregation, TemporalityPreference } from './preferences.ts';

/** What a reader's calls leave no choice of: they come one at a time, and of data points the size is known. */
const NOT_OF_METRICS = ['sizeOf', 'maxWaitingExports'] as const;
type NotOfMetrics = (typeof NOT_OF_METRICS)[number];

/**
 * Everything but the sink has a default. The options of the queue, the batches and the export count data points; they are described at {@link AdaptiveBatchOptions} and {@link ExportToOptions}.
 *
 * Where an option is left out, `OTEL_METRIC_EXPORT_INTERVAL`, `OTEL_METRIC_EXPORT_TIMEOUT`, `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` and
 * `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION` count. A value that makes no sense is warned about and ignored.
 */
export interface MetricPipelineOptions extends Omit<ExportHandleOptions<MetricDataPoint>, NotOfMetrics> {
  /** Where the data points go. The pipeline owns it, and shuts it down. */
  sink: Sink<MetricDataPoint>;
  /** How often the reader collects, in milliseconds: 1 or more, default 60,000. It is passed on in `readerOptions`; the pipeline itself has no interval. */
  exportIntervalMillis?: number;
  /**
   * How long the reader waits for the export of a collection, in milliseconds: 1 to `exportIntervalMillis`, default 30,000, or the interval if that is less. Give the same number to a reader that is not made of `readerOptions`. A batch is tried for a second less, or
   * for nine tenths of it if that is more, unless `retry.maxElapsedMillis` says otherwise: so the reader is told what became of a collection before it gives up.
   */
  exportTimeoutMillis?: number;
  /** How long points wait for those of another collection, in milliseconds: 0 or more, default 0, because a collection is complete when it comes. */
  scheduledDelayMillis?: number;
  /**
   * Whether sums and histograms are told from the start of the program on or since the last collection: `cumulative` (the default), `delta` (counters and histograms; what may fall stays cumulative), `lowmemory` (as `delta`, but observed counters stay cumulative), or a function of
   * the instrument. It depends on the backend: Prometheus takes cumulative ones, others only deltas. A cumulative point that is lost is made up for by the next one; a delta is not.
   */
  temporalityPreference?: TemporalityPreference | AggregationTemporalitySelector;
  /** What histograms become, unless a view says otherwise: `explicit_bucket_histogram` (the default), `base2_exponential_bucket_histogram`, or a function that says it for each instrument. */
  aggregationPreference?: HistogramAggregation | AggregationSelector;
  /** Where the variables are read from. Default `process.env`. */
  environment?: Environment;
}

type OwnOption =
  | 'exportIntervalMillis'
  | 'exportTimeoutMillis'
  | 'scheduledDelayMillis'
  | 'temporalityPreference'
  | 'aggregationPreference';

/** The pipeline's own defaults. Any other option has the default of its stage. */
export const METRIC_PIPELINE_DEFAULTS: Readonly<Required<Pick<MetricPipelineOptions, OwnOption>>> = Object.freeze({
  exportIntervalMillis: 60_000,
  exportTimeoutMillis: 30_000,
  scheduledDelayMillis: 0,
  temporalityPreference: 'cumulative',
  aggregationPreference: 'explicit_bucket_histogram',
});

const OWNER = 'metricPipeline';

type Given = Omit<GivenToHandle<MetricDataPoint>, NotOfMetrics> &
  Required<Pick<MetricPipelineOptions, OwnOption | 'sink' | 'environment'>>;

const { sizeOf: _sizeOf, maxWaitingExports: _maxWaitingExports, ...HANDLE_RULES } = EXPORT_HANDLE_RULES;

export const METRIC_PIPELINE_RULES: Rules<Given> = {
  sink: aSinkFor('metrics'),
  ...HANDLE_RULES,
  exportIntervalMillis: millis(1),
  exportTimeoutMillis: millis(1, 'finite', 'exportIntervalMillis'),
  temporalityPreference: aFunctionOr(TEMPORALITIES),
  aggregationPreference: aFunctionOr(HISTOGRAM_AGGREGATIONS),
  environment: anObject,
};

function aFunctionOr(names: readonly string[]) {
  const text = `one of ${names.map((name) => `'${name}'`).join(', ')}, or a function of the type of an instrument`;
  return must(text, (value) => typeof value === 'function' || names.includes(value as string));
}

/** The settings of the stages, and what the reader is told. */
export interface MetricPipelineSettings extends Readonly<Required<Pick<MetricPipelineOptions, OwnOption>>> {
  readonly stages: ExportHandleSettings<MetricDataPoint>;
}

/** Lays the options over the variables over the defaults, checks all by the pipeline's own name, and deals them out to the stages. */
export function metricPipelineSettings(options: MetricPipelineOptions): MetricPipelineSettings {
  const asked: Partial<MetricPipelineOptions> = options ?? {};
  const environment = asked.environment ?? process.env;
  const variables = variablesOf(new EnvironmentReader(environment), asked);
  const handle = knownDefaults(asked.sink as Sink<MetricDataPoint>, asked);
  const defaults = { ...handle, ...METRIC_PIPELINE_DEFAULTS, ...variables, environment };
  const { sizeOf: _, maxWaitingExports = 0, ...known } = defaults;
  const given = settingsOf<Given>(OWNER, known, METRIC_PIPELINE_RULES, options);
  const maxElapsedMillis = untilReaderGivesUp(given.exportTimeoutMillis);
  const retry = overDefaults<Required<RetryOptions>>({ ...RETRY_DEFAULTS, maxElapsedMillis }, asked.retry ?? {});
  return { ...given, stages: stagesOf(OWNER, { ...given, retry, maxWaitingExports, sizeOf: dataPointBytes }) };
}

/** What the variables set, where the options say nothing. A timeout is no longer than the interval. */
function variablesOf(environment: EnvironmentReader, asked: Partial<MetricPipelineOptions>) {
  const read = (name: string) => environment.wholeNumber(1, MAX_TIMER_MILLIS, name);
  const defaults = METRIC_PIPELINE_DEFAULTS;
  const interval = asked.exportIntervalMillis ?? read('OTEL_METRIC_EXPORT_INTERVAL') ?? defaults.exportIntervalMillis;
  const timeout = asked.exportTimeoutMillis ?? read('OTEL_METRIC_EXPORT_TIMEOUT') ?? defaults.exportTimeoutMillis;
  const temporality = environment.oneOf(TEMPORALITIES, 'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE');
  const aggregation = environment.oneOf(
    HISTOGRAM_AGGREGATIONS,
    'OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION',
  );
  return withoutUndefined({
    exportIntervalMillis: interval,
    exportTimeoutMillis: Math.min(timeout, interval),
    temporalityPreference: temporality,
    aggregationPreference: aggregation,
  });
}

/** So much earlier that its answer finds the reader waiting. */
function untilReaderGivesUp(exportTimeoutMillis: number): number {
  return Math.max(1, Math.ceil(exportTimeoutMillis - Math.min(1_000, exportTimeoutMillis / 10)));
}
