import type { AggregationSelector, AggregationTemporalitySelector, InstrumentType } from '@opentelemetry/sdk-metrics';

// The SDK's numbers and names: its enums would load all of it.
const DELTA = 0;
const CUMULATIVE = 1;
const DEFAULT_AGGREGATION = Object.freeze({ type: 0 } as const);
const EXPONENTIAL_HISTOGRAM = Object.freeze({ type: 5 } as const);

/**
 * Since when sums and histograms count, as `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` names it.
 *
 * | preference | since the last collection | since the start of the program |
 * |---|---|---|
 * | `cumulative` | none | all |
 * | `delta` | counters, observable counters, histograms | what may fall: up-down counters |
 * | `lowmemory` | counters, histograms | the rest: a difference of what is observed would need memory of the last value |
 */
export type TemporalityPreference = 'cumulative' | 'delta' | 'lowmemory';

/**
 * What becomes of the measurements of a histogram, as `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION` names it.
 *
 * `explicit_bucket_histogram` has buckets with boundaries that are fixed beforehand. `base2_exponential_bucket_histogram` has buckets that grow by one factor, which follows the range of the measurements.
 */
export type HistogramAggregation = 'explicit_bucket_histogram' | 'base2_exponential_bucket_histogram';

export const TEMPORALITIES: readonly TemporalityPreference[] = ['cumulative', 'delta', 'lowmemory'];
export const HISTOGRAM_AGGREGATIONS: readonly HistogramAggregation[] = [
  'explicit_bucket_histogram',
  'base2_exponential_bucket_histogram',
];

/** The instruments whose sums are told as differences. What may fall is always cumulative: a difference of it that is lost would falsify all that come after it. */
const DELTAS: Readonly<Record<TemporalityPreference, ReadonlySet<`${InstrumentType}`>>> = {
  cumulative: new Set(),
  delta: new Set(['COUNTER', 'OBSERVABLE_COUNTER', 'GAUGE', 'OBSERVABLE_GAUGE', 'HISTOGRAM'] as const),
  // An observed sum is cumulative when it is observed: differences would need memory.
  lowmemory: new Set(['COUNTER', 'HISTOGRAM'] as const),
};

export function temporalitySelector(
  preference: TemporalityPreference | AggregationTemporalitySelector,
): AggregationTemporalitySelector {
  if (typeof preference === 'function') return preference;
  const deltas = DELTAS[preference];
  return (instrumentType) => (deltas.has(instrumentType) ? DELTA : CUMULATIVE);
}

/** Only histograms have a choice: the default aggregation of any other instrument follows from its kind. */
export function aggregationSelector(preference: HistogramAggregation | AggregationSelector): AggregationSelector {
  if (typeof preference === 'function') return preference;
  const histogram = preference === 'explicit_bucket_histogram' ? DEFAULT_AGGREGATION : EXPONENTIAL_HISTOGRAM;
  return (instrumentType) => ((instrumentType as string) === 'HISTOGRAM' ? histogram : DEFAULT_AGGREGATION);
}
