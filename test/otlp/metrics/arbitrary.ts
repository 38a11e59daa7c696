// Any points that can be encoded: of every kind, with every field, and metrics that come again.

import { emptyResource } from '@opentelemetry/resources';
import fc from 'fast-check';
import type { DataPoint, MetricDataPoint, MetricInfo, PointValue } from '../../../src/model/metricDataPoint.ts';
import { attributes, hex, hrTime, resource, scope, text } from '../arbitrary.ts';

const double = fc.oneof(fc.double(), fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60, 1.5));
const number = fc.oneof(
  double,
  fc.maxSafeInteger(),
  fc.nat(300),
  fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }),
  fc.constantFrom(2 ** 63, -(2 ** 63), 2 ** 32, -1, -(2 ** 32), 2n ** 63n - 1n, -(2n ** 63n)),
);
const count = fc.oneof(fc.nat(3), fc.nat(300), fc.maxSafeInteger().map(Math.abs), fc.constantFrom(2 ** 32, 2 ** 63));
const counts = fc.array(count, { maxLength: 20 });
const int32 = fc.oneof(fc.integer({ min: -20, max: 20 }), fc.integer(), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1));

const extremes = { sum: double, min: double, max: double };
const histogram = fc.record(
  { count, ...extremes, buckets: fc.record({ boundaries: fc.array(double, { maxLength: 20 }), counts }) },
  { requiredKeys: ['count', 'buckets'] },
);
const buckets = fc.record({ offset: int32, bucketCounts: counts });
const exponential = fc.record(
  { count, ...extremes, scale: int32, zeroCount: count, zeroThreshold: double, positive: buckets, negative: buckets },
  { requiredKeys: ['count', 'scale', 'zeroCount', 'positive', 'negative'] },
);
const summary = fc.record({
  count,
  sum: double,
  quantileValues: fc.array(fc.record({ quantile: double, value: double }), { maxLength: 4 }),
});

const exemplar = fc.record(
  { timestamp: hrTime, value: number, filteredAttributes: attributes, spanId: hex(16), traceId: hex(32) },
  { requiredKeys: ['timestamp', 'value', 'filteredAttributes'] },
);
const exemplars = fc.array(exemplar, { maxLength: 3 });

function pointOf(value: fc.Arbitrary<PointValue>, more: object): fc.Arbitrary<DataPoint> {
  return fc.record(
    { startTime: hrTime, endTime: hrTime, attributes, value, noRecordedValue: fc.boolean(), ...more },
    { requiredKeys: ['startTime', 'endTime', 'attributes', 'value'] },
  ) as fc.Arbitrary<DataPoint>;
}

/** By the type of its points. */
const POINTS = [
  pointOf(histogram, { exemplars }),
  pointOf(exponential, { exemplars }),
  pointOf(number, { exemplars }),
  pointOf(number, { exemplars }),
  pointOf(summary, {}),
] as const;

const metric = fc.record(
  {
    descriptor: fc.record({ name: text, description: text, unit: text, valueType: fc.nat(1) }),
    dataPointType: fc.nat(4),
    aggregationTemporality: fc.integer({ min: -1, max: 3 }),
    isMonotonic: fc.boolean(),
    metadata: attributes,
  },
  { requiredKeys: ['descriptor', 'dataPointType', 'aggregationTemporality'] },
) as unknown as fc.Arbitrary<MetricInfo>;

const metricWithPoints = metric.chain((of) =>
  fc.record({ metric: fc.constant(of), points: fc.array(POINTS[of.dataPointType], { minLength: 1, maxLength: 4 }) }),
);

/** Up to two dozen points of some resources, scopes and metrics that they share, in any order. */
export const anyPoints: fc.Arbitrary<MetricDataPoint[]> = fc
  .tuple(
    fc.array(resource, { maxLength: 2 }),
    fc.array(scope, { maxLength: 2 }),
    fc.array(fc.tuple(metricWithPoints, fc.nat(8)), { maxLength: 6 }),
  )
  .chain(([resources, scopes, all]) => {
    const points = all.flatMap(([{ metric: of, points: inside }, owner]) =>
      inside.map((point) => ({
        resource: resources[owner % 3] ?? EMPTY,
        scope: scopes[Math.floor(owner / 3)] ?? PLAIN_SCOPE,
        metric: of,
        point,
      })),
    );
    return fc.oneof(
      fc.constant(points),
      fc.shuffledSubarray(points, { minLength: points.length, maxLength: points.length }),
    );
  });

const EMPTY = emptyResource();
const PLAIN_SCOPE = { name: 'scope' };
