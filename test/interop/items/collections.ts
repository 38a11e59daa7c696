import type { DataPoint, MetricInfo, PointValue } from '../../../src/model/metricDataPoint.ts';
import type { MetricData, ResourceMetrics } from '../../../src/otlp/index.ts';
import { dataPointWith, metricOfType, VALUES as PLAIN } from '../../support/dataPoints.ts';
import { BARE, FULL, LATEST, OTHER_TRACE_ID, type Owners, SPAN_ID } from './owners.ts';
import { VALUES } from './values.ts';

type Type = MetricInfo['dataPointType'];

const [HISTOGRAM, EXPONENTIAL, GAUGE, SUM, SUMMARY] = [0, 1, 2, 3, 4] as const satisfies Type[];
const INT = 0;
const DOUBLE = 1;
const TEMPORALITIES = [-1, 0, 1];
const LARGEST_COUNT = 2 ** 64 - 2_048;
const LARGEST_INT32 = 2 ** 31 - 1;

const INTS = [0, 1, -1, Number.MAX_SAFE_INTEGER, 2 ** 60, -(2 ** 63), 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n];
const DOUBLES = [0, -0, 0.1, 5, Number.MAX_VALUE, Number.MIN_VALUE, Number.NaN, Infinity, -Infinity];

const HISTOGRAMS: readonly PointValue[] = [
  PLAIN[HISTOGRAM],
  { count: 0, buckets: { boundaries: [], counts: [] } },
  { count: 0, sum: 0, min: 0, max: 0, buckets: { boundaries: [0], counts: [0, 0] } },
  {
    ...{ count: LARGEST_COUNT, sum: Number.NaN, min: -Infinity, max: Infinity },
    buckets: { boundaries: [-Infinity, -0.5, 0, 1e300, Infinity], counts: [0, 1, 2 ** 53, LARGEST_COUNT, 0, 7] },
  },
];
const NO_BUCKETS = { offset: 0, bucketCounts: [] };
const EXPONENTIALS: readonly PointValue[] = [
  PLAIN[EXPONENTIAL],
  { count: 0, scale: 0, zeroCount: 0, positive: NO_BUCKETS, negative: NO_BUCKETS },
  {
    ...{ count: LARGEST_COUNT, sum: -1.5, min: -Infinity, max: Infinity, zeroCount: 2 ** 60 },
    ...{ scale: -LARGEST_INT32 - 1, zeroThreshold: Number.MIN_VALUE },
    positive: { offset: LARGEST_INT32, bucketCounts: [0, 1, 2 ** 53, LARGEST_COUNT] },
    negative: { offset: -LARGEST_INT32 - 1, bucketCounts: [2 ** 32] },
  },
];
const SUMMARIES: readonly PointValue[] = [
  PLAIN[SUMMARY],
  { count: 0, sum: 0, quantileValues: [] },
  {
    ...{ count: LARGEST_COUNT, sum: Number.NEGATIVE_INFINITY },
    quantileValues: [
      { quantile: 0, value: 0 },
      { quantile: 1, value: Number.NaN },
    ],
  },
];

/** Collections made by hand: each kind of point, both kinds of numbers, every field, empty, full and at its edges. */
export function richCollections(): ResourceMetrics[] {
  const metrics = [
    ...([INT, DOUBLE] as const).flatMap((valueType) => {
      const values = valueType === INT ? INTS : DOUBLES;
      return [metricOf(GAUGE, values, valueType), metricOf(SUM, values, valueType)];
    }),
    ...TEMPORALITIES.flatMap((aggregationTemporality) => [
      metricOf(HISTOGRAM, HISTOGRAMS, DOUBLE, { aggregationTemporality }),
      metricOf(EXPONENTIAL, EXPONENTIALS, DOUBLE, { aggregationTemporality }),
      metricOf(SUM, [1], INT, { aggregationTemporality, isMonotonic: false }),
    ]),
    metricOf(SUMMARY, SUMMARIES, DOUBLE, { aggregationTemporality: -1 }),
  ];
  return [
    collectionOf(FULL, [...metrics, unrecorded()]),
    collectionOf(BARE, [metricWithout(GAUGE, 1), metricWithout(SUM, 1)]),
  ];
}

/** A metric whose points have each field but one of them, which has none that may be left out. */
function metricOf(
  type: Type,
  values: readonly PointValue[],
  valueType: 0 | 1,
  parts: Partial<MetricInfo> = {},
): MetricData {
  const descriptor = { name: '', description: 'Grüße 🛒', unit: '{request}', valueType };
  const exemplars = type === SUMMARY ? [] : exemplarsOf(valueType);
  const full = values.map((value, index) =>
    pointOf({ value, exemplars, attributes: { index, ...VALUES } as DataPoint['attributes'] }),
  );
  const bare = pointOf({ value: values[0] as PointValue, startTime: [0, 0], endTime: LATEST });
  return { ...metricOfType(type, { descriptor, metadata: VALUES as never, ...parts }), dataPoints: [...full, bare] };
}

/** A metric of which there is nothing but its name and a point. */
function metricWithout(type: Type, value: PointValue): MetricData {
  const descriptor = { name: '', description: '', unit: '', valueType: INT } as const;
  return { ...metricOfType(type, { descriptor }), dataPoints: [pointOf({ value })] };
}

/** A series that is known to have no value any more. */
function unrecorded(): MetricData {
  return {
    ...metricWithout(GAUGE, Number.NaN),
    dataPoints: [pointOf({ value: Number.NaN, noRecordedValue: true })],
  };
}

function exemplarsOf(valueType: number): DataPoint['exemplars'] {
  const values = valueType === INT ? INTS : DOUBLES;
  const filteredAttributes = VALUES as DataPoint['attributes'];
  return [
    { timestamp: LATEST, value: 7, filteredAttributes, traceId: OTHER_TRACE_ID, spanId: SPAN_ID },
    ...values.map((value) => ({ timestamp: [0, 0] as [number, number], value, filteredAttributes: {} })),
  ];
}

function pointOf(parts: Partial<DataPoint>): DataPoint {
  return dataPointWith(parts).point;
}

/** Gives each metric a name of its own. */
function collectionOf({ resource, scope }: Owners, metrics: readonly MetricData[]): ResourceMetrics {
  const named = metrics.map((metric, index) => {
    const name = `${scope.name || 'bare'} ${index}`;
    return { ...metric, descriptor: { ...metric.descriptor, name } };
  });
  return { resource, scopeMetrics: [{ scope, metrics: named }] };
}
