import { ValueType } from '@opentelemetry/api';
import { describe, expect, test } from 'vitest';
import type { PointValue } from '../../src/model/metricDataPoint.ts';
import {
  decodeLogs,
  decodeLogsJson,
  decodeMetrics,
  decodeMetricsJson,
  decodeTraces,
  decodeTracesJson,
  encodeLogs,
  encodeLogsJson,
  encodeMetrics,
  encodeMetricsJson,
  encodeTraces,
  encodeTracesJson,
} from '../../src/otlp/index.ts';
import { dataPointWith, metricOfType, metricWith } from '../support/dataPoints.ts';
import { logRecordWith } from '../support/logRecords.ts';
import { spanWith } from '../support/spans.ts';

type Point = ReturnType<typeof dataPointWith>;

/** The same in protobuf and in JSON. */
const spansOf = (span: ReturnType<typeof spanWith>) => [
  ...decodeTraces(encodeTraces([span])),
  ...decodeTracesJson(encodeTracesJson([span])),
];
const recordsOf = (record: ReturnType<typeof logRecordWith>) => [
  ...decodeLogs(encodeLogs([record])),
  ...decodeLogsJson(encodeLogsJson([record])),
];
const pointsOf = (point: Point) => [
  ...decodeMetrics(encodeMetrics([point])),
  ...decodeMetricsJson(encodeMetricsJson([point])),
];

/** As an attribute of each signal, and as a body. */
function expectSameValue(value: unknown): void {
  const attributes = { value } as never;
  const seen = [
    ...spansOf(spanWith({ attributes })).map((span) => span.attributes.value),
    ...recordsOf(logRecordWith({ attributes, body: value as never })).flatMap((record) => [
      record.attributes.value,
      record.body,
    ]),
    ...pointsOf(dataPointWith({ attributes })).map(({ point }) => point.attributes.value),
  ];
  expect(seen).toHaveLength(8);
  for (const each of seen) expect(each).toStrictEqual(value);
}

function metricOf(valueType: ValueType) {
  const { descriptor, ...rest } = metricWith();
  return { ...rest, descriptor: { ...descriptor, valueType } };
}

function expectSamePoint(valueType: ValueType, value: number | bigint): void {
  const exemplar = { timestamp: [1, 2], value, filteredAttributes: {} } as const;
  const [one, other, ...more] = pointsOf(dataPointWith({ value, exemplars: [exemplar] } as never, metricOf(valueType)));
  expect([one, other].map((each) => each?.point.value)).toStrictEqual([value, value]);
  expect([one, other].map((each) => each?.point.exemplars?.[0]?.value)).toStrictEqual([value, value]);
  expect([one, other].map((each) => each?.metric.descriptor.valueType)).toEqual([valueType, valueType]);
  expect(more).toEqual([]);
}

const WHOLE = [0, 1, -1, 2 ** 31, -(2 ** 32), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
const BEYOND = [2n ** 53n, -(2n ** 53n), 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];
const DOUBLES = [0.1, -1.5, -0, 5e-324, 1.7976931348623157e308, 2 ** 53 + 2, Infinity, -Infinity, Number.NaN];
const TEXTS = ['a', 'naïve 漢字 👩‍🚀', '\u0000\n"\\', 'x'.repeat(20_000)];

describe('a value that is encoded and decoded again is the same:', () => {
  test.each(WHOLE)('the integer %d', (value) => {
    expectSameValue(value);
    expectSamePoint(ValueType.INT, value);
  });

  test.each(BEYOND)('the integer %d, which no number holds', (value) => {
    expectSameValue(value);
    expectSamePoint(ValueType.INT, value);
  });

  test.each(DOUBLES)('the double %d', (value) => {
    expectSameValue(value);
    expectSamePoint(ValueType.DOUBLE, value);
    const histogram = {
      count: 2,
      sum: value,
      min: value,
      max: value,
      buckets: { boundaries: [value], counts: [1, 1] },
    };
    const summary = { count: 1, sum: value, quantileValues: [{ quantile: 0.5, value }] };
    for (const [type, whole] of [
      [0, histogram],
      [4, summary],
    ] as const) {
      const seen = pointsOf(dataPointWith({ value: whole as PointValue }, metricOfType(type)));
      expect(seen.map(({ point }) => point.value)).toStrictEqual([whole, whole]);
    }
  });

  test.each([1, -2, 2 ** 40])('the whole double %d of a metric of doubles', (value) => {
    expectSamePoint(ValueType.DOUBLE, value);
  });

  test.each([0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER])('the count %d', (count) => {
    const histogram = { count, sum: 1, buckets: { boundaries: [1], counts: [count, 0] } };
    const exponential = {
      ...{ count, sum: 1, scale: 0, zeroCount: count },
      ...{ positive: { offset: 0, bucketCounts: [count] }, negative: { offset: 0, bucketCounts: [] } },
    };
    const summary = { count, sum: 1, quantileValues: [] };
    for (const [type, value] of [
      [0, histogram],
      [1, exponential],
      [4, summary],
    ] as const) {
      const seen = pointsOf(dataPointWith({ value }, metricOfType(type)));
      expect(seen.map(({ point }) => point.value)).toStrictEqual([value, value]);
    }
  });

  test.each<[number, number]>([
    [1_734_093_473, 340_566_001],
    [1, 0],
    [0, 1],
    [18_446_744_073, 709_551_615],
  ])('the time of %d seconds and %d nanoseconds', (...time) => {
    const spans = spansOf(spanWith({ startTime: time, endTime: time }));
    const records = recordsOf(logRecordWith({ hrTime: time, hrTimeObserved: time }));
    const points = pointsOf(dataPointWith({ startTime: time, endTime: time }));
    const seen = [
      ...spans.flatMap(({ startTime, endTime }) => [startTime, endTime]),
      ...records.flatMap(({ hrTime, hrTimeObserved }) => [hrTime, hrTimeObserved]),
      ...points.flatMap(({ point: { startTime, endTime } }) => [startTime, endTime]),
    ];
    expect(seen).toEqual(Array.from({ length: 12 }, () => time));
  });

  test('the empty string', () => {
    expectSameValue('');
    const names = spansOf(spanWith({ name: '' })).map(({ name }) => name);
    const metric = metricWith({ descriptor: { name: '', description: '', unit: '', valueType: 0 } });
    const descriptors = pointsOf(dataPointWith({}, metric)).map((point) => point.metric.descriptor);
    expect([names, descriptors]).toMatchObject([
      ['', ''],
      [metric.descriptor, metric.descriptor],
    ]);
  });

  test.each(TEXTS)('the text %j', (text) => expectSameValue(text));

  test.each([[Uint8Array.of(0, 127, 255)], [new Uint8Array(0)], [[]], [{}], [null], [[null, '', {}, []]]])(
    '%j, without a type of its own in JavaScript',
    (value) => {
      const seen = [
        ...spansOf(spanWith({ attributes: { value } as never })).map(({ attributes }) => attributes.value),
        ...recordsOf(logRecordWith({ body: value as never })).map(({ body }) => body),
      ];
      for (const each of seen) expect(each).toEqual(value);
      expect(seen).toHaveLength(4);
    },
  );
});
