import type { Attributes, HrTime } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

// Why are these types written down here? A program that only traces should not have to install `sdk-metrics` for the types of what it does not use. The SDK's own data fit.

/** What a point is: histogram, exponential histogram, gauge, sum (as the SDK numbers them), or 4: summary, which other libraries send and the SDK does not have. */
export type DataPointType = 0 | 1 | 2 | 3 | 4;

/** The value of a gauge or a sum. An integer beyond 2^53 that was received is a `bigint`; the SDK has numbers only. */
export type NumberValue = number | bigint;

/** The value of a histogram: measurements counted in buckets with fixed boundaries. */
export interface Histogram {
  /** One count more than boundaries, or none of both: then only the count, the sum and the extremes are known. */
  readonly buckets: {
    /** The upper boundary of each bucket but the last, which has none: ascending. A measurement that equals it is in the bucket. */
    readonly boundaries: readonly number[];
    /** How many measurements are in each bucket. */
    readonly counts: readonly number[];
  };
  /** The sum of all measurements. It is left out where they may be negative. */
  readonly sum?: number | undefined;
  /** How many measurements there are. */
  readonly count: number;
  /** The least measurement. */
  readonly min?: number | undefined;
  /** The greatest measurement. */
  readonly max?: number | undefined;
}

/** The buckets of an exponential histogram on one side of zero. */
export interface ExponentialBuckets {
  /** The index of the first bucket. The bucket of index `i` holds what is greater than `base ** i` and at most `base ** (i + 1)`; see {@link ExponentialHistogram.scale}. */
  readonly offset: number;
  /** How many measurements are in each bucket, from the first one on. */
  readonly bucketCounts: readonly number[];
}

/** The value of an exponential histogram: measurements counted in buckets, each wider than the one before by the same factor. */
export interface ExponentialHistogram {
  /** How many measurements there are. */
  readonly count: number;
  /** The sum of all measurements. It is left out where they may be negative. */
  readonly sum?: number | undefined;
  /** How fine the buckets are: each is wider than the one before by the factor `base`, which is 2 ** (2 ** -scale). */
  readonly scale: number;
  /** How many measurements are zero, or as good as zero. */
  readonly zeroCount: number;
  /** Up to this distance from zero a measurement counts in `zeroCount`. The SDK has none, which means 0. */
  readonly zeroThreshold?: number | undefined;
  /** The measurements above zero. */
  readonly positive: ExponentialBuckets;
  /** The measurements below zero, by their absolute value. */
  readonly negative: ExponentialBuckets;
  /** The least measurement. */
  readonly min?: number | undefined;
  /** The greatest measurement. */
  readonly max?: number | undefined;
}

/** The value of a summary: quantiles that were computed where it was measured. */
export interface Summary {
  /** How many measurements there are. */
  readonly count: number;
  /** The sum of all measurements. */
  readonly sum: number;
  /** The value at each quantile: 0 (the least measurement) to 1 (the greatest). */
  readonly quantileValues: readonly { readonly quantile: number; readonly value: number }[];
}

/** The value of a point: of which kind it is, its metric says (`dataPointType`). */
export type PointValue = NumberValue | Histogram | ExponentialHistogram | Summary;

/** A measurement that stands for those of its point, with the span in which it was made. */
export interface Exemplar {
  /** When it was measured. */
  readonly timestamp: HrTime;
  /** What was measured. */
  readonly value: NumberValue;
  /** Those that the point's own attributes leave out. */
  readonly filteredAttributes: Attributes;
  /** Of the span in which it was measured: 32 hex digits. */
  readonly traceId?: string | undefined;
  /** Of the span in which it was measured: 16 hex digits. */
  readonly spanId?: string | undefined;
}

/** What all points of a metric have in common. The SDK's `MetricData` is one. */
export interface MetricInfo {
  /** The metric as its instrument, or a view, describes it. */
  readonly descriptor: {
    /** What is measured: `http.server.request.duration`. */
    readonly name: string;
    /** A sentence for people; empty if there is none. */
    readonly description: string;
    /** In UCUM: `s`, `By`, `{request}`; empty if there is none. */
    readonly unit: string;
    /** Of the API: 0 integers, 1 doubles. */
    readonly valueType: 0 | 1;
  };
  /** What its points are. */
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
  /** Since when it counts. */
  readonly startTime: HrTime;
  /** Until when it counts: when it was collected. */
  readonly endTime: HrTime;
  /** What tells its series from the others of the metric. */
  readonly attributes: Attributes;
  /** `NaN` for a gauge or a sum where nothing was recorded. */
  readonly value: Value;
  /** Measurements out of which it was made. */
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
  /** What has measured: the service, the host. */
  readonly resource: ReadableSpan['resource'];
  /** The library that has measured. */
  readonly scope: ReadableSpan['instrumentationScope'];
  /** The metric, which is the same object for all of its points. */
  readonly metric: MetricInfo;
  /** The point itself. */
  readonly point: DataPoint;
}
