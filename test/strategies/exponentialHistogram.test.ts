import {
  AggregationTemporality,
  AggregationType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ExponentialHistogram } from '../../src/model/metricDataPoint.ts';
import { ExponentialBucketCounts, quantileOf } from '../../src/strategies/exponentialHistogram.ts';
import { seededRandom } from '../support/random.ts';
import { randomRuns } from '../support/randomRuns.ts';

function countsOf(values: readonly number[], maxBuckets?: number): ExponentialBucketCounts {
  const counts = new ExponentialBucketCounts(maxBuckets);
  for (const value of values) counts.add(value);
  return counts;
}

const snapshotOf = (values: readonly number[], maxBuckets?: number) => countsOf(values, maxBuckets).snapshot();

/** The same values through the SDK's own aggregation. */
async function official(values: readonly number[], maxSize: number): Promise<ExponentialHistogram> {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const aggregation = {
    type: AggregationType.EXPONENTIAL_HISTOGRAM,
    options: { maxSize, recordMinMax: true },
  } as const;
  const provider = new MeterProvider({ readers: [reader], views: [{ instrumentName: 'd', aggregation }] });
  const histogram = provider.getMeter('m').createHistogram('d');
  for (const value of values) histogram.record(value);
  await reader.forceFlush();
  const value = exporter.getMetrics()[0]?.scopeMetrics[0]?.metrics[0]?.dataPoints[0]?.value;
  await provider.shutdown();
  return value as unknown as ExponentialHistogram;
}

const random = seededRandom(3);
const SETS: Readonly<Record<string, readonly number[]>> = {
  'one value': [12.5],
  'powers of two': [1, 2, 4, 8, 1024, 0.5, 0.25],
  'a narrow range': Array.from({ length: 300 }, () => 100 + random()),
  'a wide range': Array.from({ length: 500 }, () => 10 ** (random() * 14 - 6)),
  'zeros beside': [0, 0, 3, 700],
  'the ends of doubles': [1e-300, 1, 1e300],
};

describe('ExponentialBucketCounts', () => {
  test.each(
    Object.entries(SETS).flatMap(([name, values]) => [4, 20, 160].map((size) => [name, size, values] as const)),
  )('%s in %d buckets: as the SDK counts them', async (_name, size, values) => {
    const { positive, scale, count, zeroCount, min, max, sum } = await official(values, size);
    const ours = snapshotOf(values, size);
    expect(ours).toMatchObject({ scale, count, zeroCount, min, max });
    expect(ours.sum).toBeCloseTo(sum as number);
    expect(trimmed(ours.positive)).toEqual(trimmed(positive));
  });

  test('what is no duration', () => {
    const { count, zeroCount, min } = snapshotOf([-5, Number.NaN, Number.POSITIVE_INFINITY]);
    expect({ count, zeroCount, min }).toEqual({ count: 1, zeroCount: 1, min: 0 });
  });

  test('nothing: a count of zero, without extremes', () => {
    expect(snapshotOf([])).toEqual({
      ...{ count: 0, sum: 0, scale: 20, zeroCount: 0 },
      ...{ positive: { offset: 0, bucketCounts: [] }, negative: { offset: 0, bucketCounts: [] } },
    });
  });

  const durations = fc.array(
    fc.oneof(fc.constant(0), fc.double({ min: 1e-6, max: 1e9, noNaN: true }), fc.integer({ min: 0, max: 40 })),
  );

  test('adding what others have counted is as counting everything, whatever the order', () => {
    fc.assert(
      fc.property(durations, durations, fc.integer({ min: 2, max: 40 }), (one, other, maxBuckets) => {
        const merged = countsOf(one, maxBuckets);
        merged.addAll(snapshotOf(other, maxBuckets));
        const whole = snapshotOf([...one, ...other], maxBuckets);
        const { positive, scale, count, zeroCount, min, max } = merged.snapshot();
        expect({ scale, count, zeroCount, min, max }).toEqual({
          ...{ scale: whole.scale, count: whole.count, zeroCount: whole.zeroCount },
          ...{ min: whole.min, max: whole.max },
        });
        expect(trimmed(positive)).toEqual(trimmed(whole.positive));
        expect(positive.bucketCounts.length).toBeLessThanOrEqual(maxBuckets);
      }),
      randomRuns(300),
    );
  });

  test('a quantile is the value of its rank, at most a bucket too high', () => {
    fc.assert(
      fc.property(durations, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, ratio) => {
        fc.pre(values.length > 0);
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.ceil(ratio * values.length) - 1] as number;
        const snapshot = snapshotOf(values);
        const found = quantileOf(snapshot, ratio);
        expect(found).toBeGreaterThanOrEqual(exact * (1 - 1e-9));
        expect(found).toBeLessThanOrEqual(exact * 2 ** (2 ** -snapshot.scale) * (1 + 1e-9));
      }),
      randomRuns(300),
    );
  });

  test('from 1 ms to a minute, 160 buckets tell durations apart to 9 %', () => {
    const { scale } = snapshotOf([1, 60_000]);
    expect(2 ** (2 ** -scale) - 1).toBeCloseTo(0.0905, 4);
  });
});

/** Without the empty buckets at both ends. */
function trimmed({ offset, bucketCounts }: ExponentialHistogram['positive']) {
  const first = bucketCounts.findIndex((count) => count > 0);
  const last = bucketCounts.findLastIndex((count) => count > 0);
  return first < 0 ? [] : [offset + first, bucketCounts.slice(first, last + 1)];
}
