import type { Attributes, HrTime, ValueType } from '@opentelemetry/api';
import type * as sdk from '@opentelemetry/sdk-metrics';
import { describe, expectTypeOf, test } from 'vitest';
import type {
  DataPoint,
  ExponentialHistogram,
  Histogram,
  MetricData,
  MetricDataPoint,
  MetricInfo,
  ResourceMetrics,
} from '../../../src/otlp/index.ts';

// The data of `@opentelemetry/sdk-metrics` 2.x, as its declarations have it: what differs from 3.x is in the enums only.
declare enum DataPointType2 {
  HISTOGRAM = 0,
  EXPONENTIAL_HISTOGRAM = 1,
  GAUGE = 2,
  SUM = 3,
}
declare enum AggregationTemporality2 {
  DELTA = 0,
  CUMULATIVE = 1,
}
interface Base2 {
  readonly descriptor: {
    readonly name: string;
    readonly description: string;
    readonly unit: string;
    readonly valueType: ValueType;
  };
  readonly aggregationTemporality: AggregationTemporality2;
}
interface Point2<T> {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly attributes: Attributes;
  readonly value: T;
}
interface Histogram2 {
  buckets: { boundaries: number[]; counts: number[] };
  sum?: number;
  count: number;
  min?: number;
  max?: number;
}
type MetricData2 =
  | (Base2 & {
      readonly dataPointType: DataPointType2.SUM;
      dataPoints: Point2<number>[];
      readonly isMonotonic: boolean;
    })
  | (Base2 & { readonly dataPointType: DataPointType2.GAUGE; dataPoints: Point2<number>[] })
  | (Base2 & { readonly dataPointType: DataPointType2.HISTOGRAM; dataPoints: Point2<Histogram2>[] });

describe('the types take', () => {
  test('the collections of the SDK 3.x, and all that is in them', () => {
    expectTypeOf<sdk.ResourceMetrics>().toExtend<ResourceMetrics>();
    expectTypeOf<sdk.MetricData>().toExtend<MetricData>();
    expectTypeOf<sdk.MetricData>().toExtend<MetricInfo>();
    expectTypeOf<sdk.DataPoint<number>>().toExtend<DataPoint<number>>();
    expectTypeOf<sdk.DataPoint<sdk.Histogram>>().toExtend<DataPoint<Histogram>>();
    expectTypeOf<sdk.DataPoint<sdk.ExponentialHistogram>>().toExtend<DataPoint<ExponentialHistogram>>();
    expectTypeOf<sdk.MetricData['dataPoints'][number]>().toExtend<MetricDataPoint['point']>();
  });

  test('those of the SDK 2.x', () => {
    expectTypeOf<MetricData2>().toExtend<MetricData>();
    expectTypeOf<MetricData2>().toExtend<MetricInfo>();
    expectTypeOf<Point2<Histogram2>>().toExtend<DataPoint<Histogram>>();
  });

  test('no value that a point cannot have', () => {
    expectTypeOf<Point2<string>>().not.toExtend<DataPoint>();
    expectTypeOf<Omit<sdk.MetricData, 'descriptor'>>().not.toExtend<MetricInfo>();
  });
});
