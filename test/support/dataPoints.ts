import { emptyResource } from '@opentelemetry/resources';
import type { DataPoint, MetricDataPoint, MetricInfo, PointValue } from '../../src/model/metricDataPoint.ts';

const RESOURCE = emptyResource();
const SCOPE = { name: 'scope' };

/** A counter of integers, with some of it replaced. */
export function metricWith(parts: Partial<MetricInfo> = {}): MetricInfo {
  return {
    descriptor: { name: 'requests', description: 'How many came', unit: '{request}', valueType: 0 },
    dataPointType: 3,
    aggregationTemporality: 1,
    isMonotonic: true,
    ...parts,
  };
}

/** The same of another type, which is monotonic only if it is a sum. */
export function metricOfType(dataPointType: MetricInfo['dataPointType'], parts: Partial<MetricInfo> = {}): MetricInfo {
  const { isMonotonic, ...metric } = metricWith({ dataPointType });
  return { ...metric, ...(dataPointType === 3 ? { isMonotonic } : {}), ...parts };
}

/** The plainest data point, with some of it replaced. */
export function dataPointWith(
  parts: Partial<DataPoint> = {},
  metric: MetricInfo = metricWith(),
  owner: Partial<Pick<MetricDataPoint, 'resource' | 'scope'>> = {},
): MetricDataPoint {
  const point = {
    startTime: [1_734_093_473, 340_566_001],
    endTime: [1_734_093_533, 340_566_002],
    attributes: {},
    value: 5,
    ...parts,
  } satisfies DataPoint;
  return { resource: RESOURCE, scope: SCOPE, metric, point: point as DataPoint, ...owner };
}

/** A value for points of each type. */
export const VALUES: Readonly<Record<MetricInfo['dataPointType'], PointValue>> = {
  0: { count: 3, sum: 12.5, min: 0.5, max: 9, buckets: { boundaries: [1, 5], counts: [1, 1, 1] } },
  1: {
    count: 6,
    sum: 20,
    min: -4,
    max: 8,
    scale: 2,
    zeroCount: 1,
    zeroThreshold: 1e-6,
    positive: { offset: -3, bucketCounts: [1, 0, 300] },
    negative: { offset: 4, bucketCounts: [1] },
  },
  2: 1.5,
  3: 7,
  4: {
    count: 2,
    sum: 3.5,
    quantileValues: [
      { quantile: 0, value: 1 },
      { quantile: 0.99, value: 2.5 },
    ],
  },
};
