import { describe, expect, test } from 'vitest';
import type { MetricDataPoint } from '../../../src/model/metricDataPoint.ts';
import { decodeMetrics, decodeMetricsJson, encodeMetricsJson, viewMetrics } from '../../../src/otlp/index.ts';
import { field } from '../../support/bombs.ts';
import { protobufjsPoints } from './oracle.ts';

type Json = Readonly<Record<string, unknown>>;

/** The points of one metric in OTLP/JSON, which is read as the protobuf message that it means. */
function held(metric: Json): MetricDataPoint[] {
  return decodeMetricsJson(JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] }));
}

/** The metrics that go out again. */
function again(points: readonly MetricDataPoint[]): Json[] {
  const { resourceMetrics } = JSON.parse(new TextDecoder().decode(encodeMetricsJson(points)));
  return resourceMetrics?.[0].scopeMetrics[0].metrics ?? [];
}

const gauge = (...dataPoints: Json[]) => ({ name: 'm', gauge: { dataPoints } });

// One test for each line of the table of data points in "What an item cannot hold" in src/otlp/README.md, in its order.
describe('what a data point cannot hold', () => {
  test('a metric without points, or without data, is not held', () => {
    for (const metric of [{ name: 'm' }, gauge(), { name: 'm', sum: {} }]) expect(held(metric)).toEqual([]);
  });

  test('data of several kinds in one metric is the last one', () => {
    const [sum, histogram] = [field(7, field(1), Buffer.of(0x18, 1)), field(9, field(1), field(1))];
    const points = decodeMetrics(field(1, field(2, field(2, sum, histogram))));
    expect(points.map(({ metric }) => metric.dataPointType)).toEqual([0, 0]);
    expect(points[0]?.metric).not.toHaveProperty('isMonotonic');
  });

  test('a gauge or sum of integers has the value type of integers, otherwise of doubles', () => {
    expect(held(gauge({ asInt: '7' }))[0]).toMatchObject({
      metric: { descriptor: { valueType: 0 } },
      point: { value: 7 },
    });
    expect(held(gauge({ asDouble: 7 }))[0]).toMatchObject({ metric: { descriptor: { valueType: 1 } } });
    expect(again(held(gauge({ asInt: '7' })))).toEqual([gauge({ asInt: '7' })]);
    expect(again(held(gauge({ asDouble: 7 })))).toEqual([gauge({ asDouble: 7 })]);
  });

  test('a number that is there as an integer and as a double is the last one', () => {
    const eight = (tag: number, value: number) => {
      const bytes = Buffer.alloc(9, tag);
      bytes.writeDoubleLE(value, 1);
      return bytes;
    };
    const point = [eight(0x31, 0), eight(0x21, 2.5)];
    const exemplar = [eight(0x31, 0), eight(0x19, 2.5)];
    const messages = [point, point.toReversed(), [field(5, ...exemplar)], [field(5, ...exemplar.toReversed())]];
    const valueTypes = messages.map((fields) => {
      const bytes = field(1, field(2, field(2, field(5, field(1, ...fields)))));
      const [decoded] = decodeMetrics(bytes);
      expect(decoded).toEqual(protobufjsPoints(bytes)[0]);
      expect(viewMetrics(bytes)[0]?.metric).toEqual(decoded?.metric);
      return decoded?.metric.descriptor.valueType;
    });
    expect(valueTypes).toEqual([1, 0, 1, 0]);
  });

  test('a whole double beside integers in one metric is an integer', () => {
    expect(again(held(gauge({ asInt: '7' }, { asDouble: 2 }, { asDouble: 2.5 })))).toEqual([
      gauge({ asInt: '7' }, { asInt: '2' }, { asDouble: 2.5 }),
    ]);
  });

  test('an integer beyond 2^53 is a bigint, and the same integer again', () => {
    const points = held(gauge({ asInt: '-9007199254740993' }));
    expect(points[0]?.point.value).toBe(-9007199254740993n);
    expect(again(points)).toEqual([gauge({ asInt: '-9007199254740993' })]);
  });

  test('a number point without a value is NaN with noRecordedValue', () => {
    for (const point of [{}, { flags: 1 }]) {
      const points = held(gauge(point));
      expect(points[0]?.point).toMatchObject({ value: Number.NaN, noRecordedValue: true });
      expect(again(points)).toEqual([gauge({ flags: 1 })]);
    }
  });

  test('a value of NaN beside the flag is absent, any other value stays', () => {
    expect(again(held(gauge({ flags: 1, asDouble: 'NaN' })))).toEqual([gauge({ flags: 1 })]);
    expect(again(held(gauge({ flags: 1, asDouble: 2.5 })))).toEqual([gauge({ asDouble: 2.5, flags: 1 })]);
  });

  test('flags above the lowest bit are not held', () => {
    expect(again(held(gauge({ flags: 0xffff_fffe, asInt: '1' })))).toEqual([gauge({ asInt: '1' })]);
  });

  test('an exemplar without a value has NaN', () => {
    expect(again(held(gauge({ asInt: '1', exemplars: [{}] })))).toEqual([
      gauge({ exemplars: [{ asDouble: 'NaN' }], asInt: '1' }),
    ]);
  });

  test('an id of an exemplar that has the wrong length is held as its digits, and cannot be sent again', () => {
    const points = held(gauge({ asInt: '1', exemplars: [{ traceId: '0102', spanId: '' }] }));
    expect(points[0]?.point.exemplars).toEqual([
      { timestamp: [0, 0], value: Number.NaN, filteredAttributes: {}, traceId: '0102' },
    ]);
    expect(() => again(points)).toThrow(expect.objectContaining({ code: 'UNENCODABLE' }));
  });

  test('a count beyond 2^53 is the nearest number below 2^64', () => {
    const histogram = (count: string, bucketCounts: string[]) => ({
      name: 'm',
      histogram: { dataPoints: [{ count, bucketCounts }] },
    });
    const points = held(histogram('9007199254740993', ['18446744073709551615']));
    expect(points[0]?.point.value).toMatchObject({ count: 2 ** 53, buckets: { counts: [2 ** 64 - 2048] } });
    expect(again(points)).toEqual([histogram('9007199254740992', ['18446744073709549568'])]);
  });

  test('buckets of an exponential histogram that are missing are empty ones', () => {
    const points = held({ name: 'm', exponentialHistogram: { dataPoints: [{ count: '1' }] } });
    expect(points[0]?.point.value).toMatchObject({
      scale: 0,
      positive: { offset: 0, bucketCounts: [] },
      negative: { offset: 0, bucketCounts: [] },
    });
    expect(again(points)).toEqual([
      { name: 'm', exponentialHistogram: { dataPoints: [{ count: '1', positive: {}, negative: {} }] } },
    ]);
  });

  test('a temporality that is absent or negative is -1, and one that is newer keeps its number', () => {
    const sum = (more: Json) => ({ name: 'm', sum: { dataPoints: [{ asInt: '1' }], ...more } });
    for (const more of [{}, { aggregationTemporality: 0 }, { aggregationTemporality: -7 }]) {
      expect(held(sum(more))[0]?.metric.aggregationTemporality).toBe(-1);
      expect(again(held(sum(more)))).toEqual([sum({})]);
    }
    expect(again(held(sum({ aggregationTemporality: 9 })))).toEqual([sum({ aggregationTemporality: 9 })]);
  });

  test('a time of 0, or none, is absent', () => {
    const points = held(gauge({ asInt: '1', startTimeUnixNano: '0' }));
    expect(points[0]?.point).toMatchObject({ startTime: [0, 0], endTime: [0, 0] });
    expect(again(points)).toEqual([gauge({ asInt: '1' })]);
  });

  test('numbers in fields of their own are packed', () => {
    const eight = (tag: number) => Buffer.concat([Buffer.of(tag), Buffer.from('000000000000f03f', 'hex')]);
    const point = field(1, eight(0x31), eight(0x31), eight(0x39));
    const points = decodeMetrics(field(1, field(2, field(2, field(9, point)))));
    expect(points[0]?.point.value).toMatchObject({
      buckets: { boundaries: [1], counts: [0x3ff0 * 2 ** 48, 0x3ff0 * 2 ** 48] },
    });
  });
});
