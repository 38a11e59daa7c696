import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MetricDataPoint, MetricInfo } from '../../../src/model/metricDataPoint.ts';
import { decodeMetrics, decodeMetricsJson, encodeMetrics, encodeMetricsJson } from '../../../src/otlp/index.ts';
import { dataPointWith, metricOfType, VALUES } from '../../support/dataPoints.ts';
import { randomRuns } from '../../support/randomRuns.ts';
import { expectSameOfChanged } from '../../support/verdicts.ts';
import { anyPoints } from './arbitrary.ts';
import { protobufjsMetricBytes, protobufjsPoints } from './oracle.ts';

function expectSameBytes(points: readonly MetricDataPoint[]): void {
  expect(Buffer.from(encodeMetrics(points)).toString('hex')).toBe(
    Buffer.from(protobufjsMetricBytes(points)).toString('hex'),
  );
}

/** Every property, and which points share a resource, a scope or a metric. */
function expectSamePoints(bytes: Uint8Array): void {
  const ours = decodeMetrics(bytes);
  const theirs = protobufjsPoints(bytes);
  assert.deepStrictEqual(ours, theirs);
  assert.deepStrictEqual(sharing(ours), sharing(theirs));
}

function sharing(points: readonly MetricDataPoint[]): boolean[][] {
  return points.map(({ resource, scope, metric }, index) => {
    const before = points[index - 1];
    return [resource === before?.resource, scope === before?.scope, metric === before?.metric];
  });
}

const TYPES: readonly MetricInfo['dataPointType'][] = [0, 1, 2, 3, 4];
const ALL = TYPES.map((type) =>
  dataPointWith(
    {
      value: VALUES[type],
      attributes: { route: '/cart', status: 200 },
      ...(type === 4
        ? {}
        : { exemplars: [{ timestamp: [1, 2], value: 4.5, filteredAttributes: { a: 1 }, traceId: 'ab'.repeat(16) }] }),
    },
    metricOfType(type, { metadata: { source: 'test' } }),
  ),
);

describe('the encoder writes byte for byte what protobufjs writes', () => {
  test('for any points', () => {
    fc.assert(fc.property(anyPoints, expectSameBytes), randomRuns(600));
  });

  test('for a point of each kind', () => {
    for (const point of ALL) expectSameBytes([point]);
    expectSameBytes(ALL);
  });

  test('for points of several metrics in turn, of which each becomes one metric', () => {
    const metrics = Array.from({ length: 7 }, (_, index) =>
      metricOfType(3, {
        descriptor: { name: `m${index}`, description: 'd'.repeat(index * 40), unit: '1', valueType: 0 },
      }),
    );
    const points = Array.from({ length: 300 }, (_, index) => dataPointWith({ value: index }, metrics[(index * 5) % 7]));
    expectSameBytes(points);
    expect(new Set(decodeMetrics(encodeMetrics(points)).map(({ metric }) => metric)).size).toBe(7);
  });

  test.each([0, 1, 2, 10, 15, 16, 17, 126, 127, 128, 2047, 2048, 2049])('for %d buckets', (length) => {
    const counts = Array.from({ length }, (_, index) => index * index);
    const boundaries = counts.map((each) => each / 8);
    const side = { offset: -length, bucketCounts: counts };
    expectSameBytes([dataPointWith({ value: { count: 1, buckets: { boundaries, counts } } }, metricOfType(0))]);
    const value = { count: 1, scale: 20, zeroCount: 0, positive: side, negative: { ...side, offset: length } };
    expectSameBytes([dataPointWith({ value }, metricOfType(1)), dataPointWith({ value }, metricOfType(1))]);
  });

  test('for a metric whose length takes another byte, whatever is in it', () => {
    for (const count of [1, 2, 3, 4, 120, 500]) {
      const metric = metricOfType(2, { metadata: { m: 'x'.repeat(count) } });
      expectSameBytes(Array.from({ length: count }, () => dataPointWith({ value: 1 }, metric)));
    }
  });

  test('where the first point of a metric cannot be encoded: nothing is left of it', () => {
    const metric = metricOfType(3);
    const wrong = dataPointWith({ startTime: [Number.NaN, 0] }, metric);
    const right = dataPointWith({}, metric);
    const other = dataPointWith({}, metricOfType(2));
    const bytes = encodeMetrics([wrong, other, wrong, right, wrong], { onUnencodable: () => {} });
    expect(Buffer.compare(bytes, protobufjsMetricBytes([other, right]))).toBe(0);
    expect(encodeMetrics([wrong], { onUnencodable: () => {} })).toHaveLength(0);
  });
});

describe('the decoder reads what protobufjs reads', () => {
  test('in any points that were encoded', () => {
    fc.assert(
      fc.property(anyPoints, (points) => expectSamePoints(encodeMetrics(points))),
      randomRuns(500),
    );
  });

  test('in bodies with bytes changed, of which many are malformed', () => {
    const valid = encodeMetrics(ALL);
    expectSameOfChanged(valid, (bytes) => decodeMetrics(bytes), protobufjsPoints);
  });
});

describe('any points', () => {
  test('are the same bytes after one turn and after two', () => {
    fc.assert(
      fc.property(anyPoints, (points) => {
        const once = encodeMetrics(decodeMetrics(encodeMetrics(points)));
        expect(Buffer.compare(encodeMetrics(decodeMetrics(once)), once)).toBe(0);
      }),
      randomRuns(300),
    );
  });

  test('are in JSON what they are in protobuf', () => {
    fc.assert(
      fc.property(anyPoints, (points) => {
        const expected = encodeMetrics(decodeMetrics(encodeMetrics(points)));
        const json = encodeMetricsJson(points);
        expect(Buffer.compare(encodeMetrics(decodeMetricsJson(json)), expected)).toBe(0);
        expect(Buffer.compare(encodeMetrics(decodeMetricsJson(new TextDecoder().decode(json))), expected)).toBe(0);
      }),
      randomRuns(300),
    );
  });
});
