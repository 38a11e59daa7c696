import type * as sdk from '@opentelemetry/sdk-metrics';
import { describe, expectTypeOf, test } from 'vitest';
import type { DataPoint, ExponentialHistogram, Histogram, MetricInfo } from '../../../src/model/metricDataPoint.ts';

describe('the types', () => {
  test('take what the SDK has', () => {
    expectTypeOf<sdk.MetricData>().toExtend<MetricInfo>();
    expectTypeOf<sdk.DataPoint<number>>().toExtend<DataPoint<number>>();
    expectTypeOf<sdk.DataPoint<sdk.Histogram>>().toExtend<DataPoint<Histogram>>();
    expectTypeOf<sdk.DataPoint<sdk.ExponentialHistogram>>().toExtend<DataPoint<ExponentialHistogram>>();
    expectTypeOf<sdk.MetricData['dataPoints'][number]>().toExtend<DataPoint>();
  });
});
