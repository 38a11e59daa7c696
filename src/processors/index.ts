/**
 * Operators that know spans: sampling, grouping, redacting, counting.
 *
 * @module spanflow/processors
 */

import '../internal/requireNode.ts';

// From span to span.

export { attributeOf } from '../model/attributeOf.ts';
export { type EnrichOptions, enrich } from './enrich.ts';
export type { RedactHash, RedactOptions } from './redact/options.ts';
export { redact } from './redact/redact.ts';

// From spans to traces.

export type {
  AllPolicy,
  AnyPolicy,
  AttributePolicy,
  ErrorsPolicy,
  NotPolicy,
  ProbabilisticPolicy,
  RateLimitedPolicy,
  SamplingPolicy,
  SharesPolicy,
  SlowPolicy,
} from '../strategies/samplingPolicy.ts';
export { type GroupByTraceOptions, groupByTrace, type TraceGroup } from './groupByTrace.ts';
export type { TraceClosing } from './shared/traceHolding.ts';
export type { TailSampleOptions } from './tailSample/options.ts';
export { tailSample } from './tailSample/tailSample.ts';

// From spans to figures.

export type {
  DataPoint,
  ExponentialBuckets,
  ExponentialHistogram,
  MetricDataPoint,
  MetricInfo,
} from '../model/metricDataPoint.ts';
export type { SpanMetricsOptions } from './spanMetrics/options.ts';
export { spanMetrics } from './spanMetrics/spanMetrics.ts';
export type { StatisticsOptions } from './statistics/options.ts';
export { mergeStatistics, type SpanStatistics, statistics } from './statistics/statistics.ts';
