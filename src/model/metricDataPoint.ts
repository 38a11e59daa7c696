import type { Attributes, HrTime } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

/** As the SDK numbers them; `SUMMARY` comes from other libraries, and is only decoded. */
export type DataPointType = 0 | 1 | 2 | 3 | 4;

export interface Histogram {
  readonly buckets: { readonly boundaries: readonly number[]; readonly counts: readonly number[] };
  readonly sum?: number;
  readonly count: number;
  readonly min?: number;
  readonly max?: number;
}

export interface ExponentialHistogram {
  readonly count: number;
  readonly sum?: number;
  readonly scale: number;
  readonly zeroCount: number;
  readonly positive: { readonly offset: number; readonly bucketCounts: readonly number[] };
  readonly negative: { readonly offset: number; readonly bucketCounts: readonly number[] };
  readonly min?: number;
  readonly max?: number;
}

/** What all points of a metric have in common: the SDK's `MetricData`. */
export interface MetricInfo {
  readonly descriptor: { readonly name: string; readonly description: string; readonly unit: string };
  readonly dataPointType: DataPointType;
  /** 0 delta, 1 cumulative. */
  readonly aggregationTemporality: number;
  readonly isMonotonic?: boolean;
}

/** The SDK's `DataPoint`. */
export interface DataPoint<Value> {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly attributes: Attributes;
  readonly value: Value;
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
  readonly point: DataPoint<number | Histogram | ExponentialHistogram>;
}
