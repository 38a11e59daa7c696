import type { Attributes, HrTime } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

// Why are these types written down here? A program that only traces should not have to install `sdk-metrics` for the types of what it does not use. The SDK's own data fit.

/** What a point is: histogram, exponential histogram, gauge, sum (as the SDK numbers them), or 4: summary, which other libraries send and the SDK does not have. */
export type DataPointType = 0 | 1 | 2 | 3 | 4;

/** The value of a gauge or a sum. An integer beyond 2^53 that was received is a `bigint`; the SDK has numbers only. */
export type NumberValue = number | bigint;

export interface Histogram {
  /** One count more than boundaries, or none of both: then only the count, the sum and the extremes are known. */
  readonly buckets: { readonly boundaries: readonly number[]; readonly counts: readonly number[] };
  readonly sum?: number | undefined;
  readonly count: number;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

/** The buckets of an exponential histogram on one side of zero. */
export interface ExponentialBuckets {
  readonly offset: number;
  readonly bucketCounts: readonly number[];
}

export interface ExponentialHistogram {
  readonly count: number;
  readonly sum?: number | undefined;
  readonly scale: number;
  readonly zeroCount: number;
  /** Up to this distance from zero a measurement counts in `zeroCount`. The SDK has none, which means 0. */
  readonly zeroThreshold?: number | undefined;
  readonly positive: ExponentialBuckets;
  readonly negative: ExponentialBuckets;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

export interface Summary {
  readonly count: number;
  readonly sum: number;
  readonly quantileValues: readonly { readonly quantile: number; readonly value: number }[];
}

export type PointValue = NumberValue | Histogram | ExponentialHistogram | Summary;

/** A measurement that stands for those of its point, with the span in which it was made. */
export interface Exemplar {
  readonly timestamp: HrTime;
  readonly value: NumberValue;
  /** Those that the point's own attributes leave out. */
  readonly filteredAttributes: Attributes;
  readonly traceId?: string | undefined;
  readonly spanId?: string | undefined;
}

/** What all points of a metric have in common. The SDK's `MetricData` is one. */
export interface MetricInfo {
  readonly descriptor: {
    readonly name: string;
    readonly description: string;
    readonly unit: string;
    /** Of the API: 0 integers, 1 doubles. */
    readonly valueType: 0 | 1;
  };
  readonly dataPointType: DataPointType;
  /** 0 delta, 1 cumulative; -1 where the sender did not say, and for gauges and summaries that were received. */
  readonly aggregationTemporality: number;
  /** Whether a sum never falls. */
  readonly isMonotonic?: boolean | undefined;
  /** OTLP has it, the SDK has not. It is kept, so that it can be sent on. */
  readonly metadata?: Attributes | undefined;
}

/** The SDK's `DataPoint`, and what OTLP has besides. */
export interface DataPoint<Value = PointValue> {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly attributes: Attributes;
  /** `NaN` for a gauge or a sum where nothing was recorded. */
  readonly value: Value;
  readonly exemplars?: readonly Exemplar[] | undefined;
  /** The series is known to have no value at this time (Prometheus: a staleness marker). */
  readonly noRecordedValue?: boolean | undefined;
}

/**
 * One data point of a metric, which is what batches of metrics consist of.
 *
 * Why points and not metrics? Backends limit, refuse and count data points (OTLP's `rejected_data_points`), so this is the unit in which the books add up. Points of one metric hold the same `metric`, by which the encoder puts
 * them together again.
 */
export interface MetricDataPoint {
  readonly resource: ReadableSpan['resource'];
  readonly scope: ReadableSpan['instrumentationScope'];
  readonly metric: MetricInfo;
  readonly point: DataPoint;
}
