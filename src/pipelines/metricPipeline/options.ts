import type { AggregationSelector, AggregationTemporalitySelector } from '@opentelemetry/sdk-metrics';
import type { OperatorFunction } from 'rxjs';
import { refuseSinkAsOptions } from '../../destination/sinkRule.ts';
import { dataPointBytes } from '../../flow/sizes/dataPointBytes.ts';
import { type Environment, EnvironmentReader } from '../../internal/environment.ts';
import { pick } from '../../internal/pick.ts';
import {
  anObject,
  MAX_TIMER_MILLIS,
  millis,
  must,
  optional,
  overDefaults,
  type Rules,
  record,
  settingsOf,
  whole,
  withoutUndefined,
} from '../../internal/validation.ts';
import type { MetricDataPoint } from '../../model/metricDataPoint.ts';
import type { Sink } from '../../model/sink.ts';
import { type ExportToOptions, RETRY_DEFAULTS, type RetryOptions } from '../../operators/exportTo/options.ts';
import {
  EXPORT_HANDLE_RULES,
  type ExportHandleOptions,
  type ExportHandleSettings,
  type Given as GivenToHandle,
  knownDefaults,
  stagesOf,
} from '../exportHandle/options.ts';
import { ofOneBackend, oneWayOut, sinksFor, someOperators } from '../rules.ts';
import type { OneSink, SeveralSinks } from '../signalPipeline/options.ts';
import { EXPORT_STAGE } from '../stages.ts';
import { BRANCH_BATCH_OPTIONS, type WayOutSettings } from '../wayOut.ts';
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
export interface MetricPipelineOptions extends CommonOptions, OneSink<MetricDataPoint> {}

/** The same for a pipeline to several backends at once. */
export interface MetricPipelineSinksOptions extends CommonOptions, SeveralSinks<MetricDataPoint> {}

/** An operator that takes data points and makes data points. */
export type MetricOperator = OperatorFunction<MetricDataPoint, MetricDataPoint>;

interface CommonOptions extends Omit<ExportHandleOptions<MetricDataPoint>, NotOfMetrics> {
  /**
   * RxJS operators that each data point passes before it is batched, in this order: `[filter(({ metric }) => metric.descriptor.name !== 'up')]`. An operator that changes points makes new ones and leaves the given ones as they are, because the SDK may still use them; points that keep their `metric` stay together in one message. To leave out an
   * instrument or an attribute, a view of the SDK costs less: it is not even measured then.
   *
   * What is taken out shows as `between` in `stats()`, and the reader's answer does not wait for it. One that throws does not end the pipeline: it is subscribed again, with a fresh state, when the next point comes, and the point that it was given is lost as `operatorFailed`, in the books and in the answer. What an asynchronous one lets out later is exported and
   * counted, and no collection is answered for it; `forceFlush` waits for it as that of {@link spanPipeline} does. Default: none.
   */
  operators?: readonly MetricOperator[];
  /** How often the reader collects, in milliseconds: 1 or more, default 60,000. It is passed on in `readerOptions`; the pipeline itself has no interval. */
  exportIntervalMillis?: number;
  /**
   * How long the reader waits for the export of a collection, in milliseconds: 1 to `exportIntervalMillis`, default 30,000, or the interval if that is less. Give the same number to a reader that is not made of `readerOptions`. A batch is tried for a second less, or
   * for nine tenths of it if that is more, unless `retry.maxElapsedMillis` says otherwise: so the reader is told what became of a collection before it gives up.
   */
  exportTimeoutMillis?: number;
  /** How many series an instrument may have at a collection, by the kind of instrument: 1 or more. What is beyond goes into one more series, with the attribute `otel.metric.overflow`. It is passed on in `readerOptions`. Default: that of the reader, 2,000. */
  cardinalityLimits?: CardinalityLimits;
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

/** How many series instruments of each kind may have, at least 1. What is left out has `default`. */
export interface CardinalityLimits {
  /** Of instruments that are not named here. Default 2,000. */
  default?: number;
  /** Of counters. */
  counter?: number;
  /** Of gauges. */
  gauge?: number;
  /** Of histograms. */
  histogram?: number;
  /** Of counters that may fall. */
  upDownCounter?: number;
  /** Of observed counters. */
  observableCounter?: number;
  /** Of observed gauges. */
  observableGauge?: number;
  /** Of observed counters that may fall. */
  observableUpDownCounter?: number;
}

const INSTRUMENTS = [
  ...['default', 'counter', 'gauge', 'histogram', 'upDownCounter'],
  ...['observableCounter', 'observableGauge', 'observableUpDownCounter'],
];

type OwnOption =
  | 'operators'
  | 'exportIntervalMillis'
  | 'exportTimeoutMillis'
  | 'scheduledDelayMillis'
  | 'temporalityPreference'
  | 'aggregationPreference';

/** The pipeline's own defaults. Any other option has the default of its stage. */
export const METRIC_PIPELINE_DEFAULTS: Readonly<Required<Pick<MetricPipelineOptions, OwnOption>>> = Object.freeze({
  operators: [],
  exportIntervalMillis: 60_000,
  exportTimeoutMillis: 30_000,
  scheduledDelayMillis: 0,
  temporalityPreference: 'cumulative',
  aggregationPreference: 'explicit_bucket_histogram',
});

const OWNER = 'metricPipeline';

type AnyOptions = MetricPipelineOptions | MetricPipelineSinksOptions;

type Given = Omit<GivenToHandle<MetricDataPoint>, NotOfMetrics> &
  Required<Pick<MetricPipelineOptions, OwnOption | 'environment'>> &
  Pick<AnyOptions, 'sink' | 'sinks' | 'cardinalityLimits'>;

const { sizeOf: _sizeOf, maxWaitingExports: _maxWaitingExports, ...HANDLE_RULES } = EXPORT_HANDLE_RULES;

export const METRIC_PIPELINE_RULES: Rules<Given> = {
  sink: oneWayOut('metrics'),
  sinks: optional(sinksFor('metrics')),
  ...HANDLE_RULES,
  breaker: ofOneBackend,
  operators: someOperators,
  exportIntervalMillis: millis(1),
  exportTimeoutMillis: millis(1, 'finite', 'exportIntervalMillis'),
  cardinalityLimits: optional(record(Object.fromEntries(INSTRUMENTS.map((name) => [name, whole(1)])))),
  temporalityPreference: aFunctionOr(TEMPORALITIES),
  aggregationPreference: aFunctionOr(HISTOGRAM_AGGREGATIONS),
  environment: anObject,
};

function aFunctionOr(names: readonly string[]) {
  const text = `one of ${names.map((name) => `'${name}'`).join(', ')}, or a function of the type of an instrument`;
  return must(text, (value) => typeof value === 'function' || names.includes(value as string));
}

/** The settings of the stages, and what the reader is told. */
export interface MetricPipelineSettings
  extends Readonly<Required<Pick<MetricPipelineOptions, OwnOption>>>,
    Pick<MetricPipelineOptions, 'cardinalityLimits'>,
    WayOutSettings<MetricDataPoint> {
  readonly stages: ExportHandleSettings<MetricDataPoint>;
}

/** Lays the options over the variables over the defaults, checks all by the pipeline's own name, and deals them out to the stages. */
export function metricPipelineSettings(options: AnyOptions): MetricPipelineSettings {
  refuseSinkAsOptions(OWNER, options, 'metrics');
  const asked: Partial<AnyOptions> = options ?? {};
  const environment = asked.environment ?? process.env;
  const variables = variablesOf(new EnvironmentReader(environment), asked);
  const handle = knownDefaults(asked.sink as Sink<MetricDataPoint>, asked);
  const defaults = { ...handle, ...METRIC_PIPELINE_DEFAULTS, ...variables, environment };
  const { sizeOf: _, maxWaitingExports = 0, ...known } = defaults;
  const given = settingsOf<Given>(OWNER, known, METRIC_PIPELINE_RULES, options);
  const maxElapsedMillis = untilReaderGivesUp(given.exportTimeoutMillis);
  const retry = overDefaults<Required<RetryOptions>>({ ...RETRY_DEFAULTS, maxElapsedMillis }, asked.retry ?? {});
  const stages = stagesOf(OWNER, { ...given, retry, maxWaitingExports, sizeOf: dataPointBytes });
  const operators = [...given.operators];
  return { ...given, operators, stages, export: stages.export, ...branchesOf(stages, given, asked) };
}

/** What each branch is given, if there are several sinks. */
function branchesOf(
  { export: exporting, dealer }: ExportHandleSettings<MetricDataPoint>,
  given: Given,
  asked: Partial<AnyOptions>,
): Pick<WayOutSettings<MetricDataPoint>, 'fanOut' | 'composition'> {
  const { maxPendingItems: _items, maxPendingBytes: _bytes, ...ofBranch } = exporting;
  const { concurrency: _limit, attemptTimeoutMillis: _timeout, ...shared } = ofBranch;
  return {
    fanOut: {
      ...withoutUndefined(pick(given, ['maxQueueSize', 'maxQueueBytes', 'memory'])),
      ...shared,
      // Unless it was given: a sink says how long it takes, and what is made for one branch is not shared by all.
      ...pick(asked as ExportToOptions<MetricDataPoint>, ['concurrency', 'attemptTimeoutMillis']),
      processHold: EXPORT_STAGE.processHold,
    },
    composition: {
      owner: `${OWNER}.sinks`,
      // As they were given: the defaults of a branch are cut to what its own queue has room for. A collection is complete when it comes there, too.
      batching: withoutUndefined(
        pick({ scheduledDelayMillis: given.scheduledDelayMillis, ...asked }, BRANCH_BATCH_OPTIONS),
      ),
      batchSettings$: dealer.batch$,
      sizeOf: dataPointBytes,
    },
  };
}

/** What the variables set, where the options say nothing. A timeout is no longer than the interval. */
function variablesOf(environment: EnvironmentReader, asked: Partial<CommonOptions>) {
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
