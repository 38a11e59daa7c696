import { describe, expect, test, vi } from 'vitest';
import type { DataPoint, MetricDataPoint, MetricInfo } from '../../../src/model/metricDataPoint.ts';
import {
  type DecodeOptions,
  decodeMetrics,
  decodeMetricsJson,
  encodeMetrics,
  encodeMetricsJson,
} from '../../../src/otlp/index.ts';
import { field, metricBombs } from '../../support/bombs.ts';
import { dataPointWith, metricOfType, metricWith, VALUES } from '../../support/dataPoints.ts';

const POINTS = [
  dataPointWith(
    {
      attributes: { a: 1, list: [1, 2] },
      exemplars: [{ timestamp: [1, 1], value: 1, filteredAttributes: { b: 1 } }],
    },
    metricWith({ metadata: { c: 1 } }),
  ),
];
/** Resource, scope, metric, metadata, point; a, list and its two elements; exemplar and b. */
const ITEMS = 11;

const decoders = [
  { name: 'decodeMetrics', decode: (options: DecodeOptions) => decodeMetrics(encodeMetrics(POINTS), options) },
  {
    name: 'decodeMetricsJson',
    decode: (options: DecodeOptions) => decodeMetricsJson(encodeMetricsJson(POINTS), options),
  },
];

const tooLarge = expect.objectContaining({ name: 'SpanflowError', code: 'MESSAGE_TOO_LARGE' });

describe.each(decoders)('$name', ({ name, decode }) => {
  test('counts each object, attribute and element against maxItems', () => {
    expect(decode({ maxItems: ITEMS })).toHaveLength(1);
    expect(() => decode({ maxItems: ITEMS - 1 })).toThrow(tooLarge);
  });

  test('names maxDecodedBytes where the heap would exceed it', () => {
    expect(decode({ maxDecodedBytes: 10_000 })).toHaveLength(1);
    expect(() => decode({ maxDecodedBytes: 1_000 })).toThrow(/more than maxDecodedBytes 1000 bytes of heap/);
  });

  test.each([{ maxItems: 0 }, { maxDecodedBytes: '1' }, { maxPoints: 1 }])('refuses %o', (options) => {
    const [option] = Object.keys(options);
    const refused = expect.objectContaining({ code: 'INVALID_OPTION', option: `${name}.${option}` });
    expect(() => decode(options as never)).toThrow(refused);
  });
});

/** Numbers in a list are no items: each takes a byte of the message at least, and hardly more time. */
const ofNumbers = (name: string) => /counts|boundaries/.test(name);

describe('a small message that becomes a large one', () => {
  test.each(Object.entries(metricBombs))('%s is refused by the limits', (name, bomb) => {
    expect(() => decodeMetrics(bomb(60_000), { maxDecodedBytes: 2 ** 19 })).toThrow(tooLarge);
    if (!ofNumbers(name)) expect(() => decodeMetrics(bomb(3_000), { maxItems: 1_000 })).toThrow(tooLarge);
    decodeMetrics(bomb(3_000));
  });

  test('of 4 MiB of empty points is refused by default, in JSON too', () => {
    const points = field(1, field(2, field(2, field(5, Buffer.alloc(4 * 2 ** 20, Buffer.of(0x0a, 0))))));
    expect(() => decodeMetrics(points)).toThrow(tooLarge);
    const json = `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{}${',{}'.repeat(1_400_000)}]}}]}]}]}`;
    expect(() => decodeMetricsJson(json)).toThrow(tooLarge);
  });

  test('of empty metrics, which yield no point, is refused by both limits', () => {
    const metrics = field(1, field(2, Buffer.alloc(20_000, Buffer.of(0x12, 0))));
    expect(decodeMetrics(metrics)).toEqual([]);
    expect(() => decodeMetrics(metrics, { maxItems: 5_000 })).toThrow(tooLarge);
    expect(() => decodeMetrics(metrics, { maxDecodedBytes: 2 ** 19 })).toThrow(tooLarge);
  });
});

function within(levels: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = 'core';
  for (let level = 0; level < levels; level++) value = wrap(value);
  return value;
}

function throws(): never {
  throw new TypeError('the getter throws');
}

function endless<T>(item: T): T[] {
  const items = [item];
  items[Symbol.iterator] = function* () {
    for (;;) yield item;
  };
  return items;
}

const circular: unknown[] = [];
circular.push({ circular });
const attributes = { list: circular } as never;
const exemplar = { timestamp: [1, 1] as [number, number], value: 1, filteredAttributes: {} };
const histogram = VALUES[0] as object;
const exponential = VALUES[1] as object;

type Case = readonly [point: Partial<DataPoint>, reason: RegExp, metric?: MetricInfo];

const unencodable: Readonly<Record<string, Case>> = {
  'a circular attribute': [{ attributes }, /^point 0 "requests" cannot be encoded: its attribute "list" is circular/],
  'a circular attribute of an exemplar': [
    { exemplars: [{ ...exemplar, filteredAttributes: attributes }] },
    /attribute "list" is circular/,
  ],
  'circular metadata': [{}, /attribute "list" is circular/, metricWith({ metadata: attributes })],
  'attributes that are nested too deep': [
    { attributes: { a: within(47, (inner) => [inner]) as never } },
    /nested too deep/,
  ],
  'attributes that multiply': [
    { attributes: { a: within(45, (inner) => [inner, inner]) as never } },
    /more than 262144 values/,
  ],
  'exemplars without end': [{ exemplars: endless(exemplar) }, /more than 262144 values/],
  'quantiles without end': [
    { value: { count: 1, sum: 1, quantileValues: endless({ quantile: 0, value: 1 }) } },
    /more than 262144 values/,
    metricOfType(4),
  ],
  'more buckets than one point may have': [
    { value: { ...histogram, buckets: { boundaries: [], counts: new Array(262_145).fill(1) } } as never },
    /more than 262144 values/,
    metricOfType(0),
  ],
  'a start that is not finite': [{ startTime: [Number.NaN, 0] }, /startTime is not finite/],
  'an end before 1970': [{ endTime: [-1, 0] }, /endTime is before 1970/],
  'an exemplar at no time': [{ exemplars: [{ ...exemplar, timestamp: [0, Number.NaN] }] }, /exemplar's timestamp/],
  'an exemplar of a strange trace': [
    { exemplars: [{ ...exemplar, traceId: 'abc' }] },
    /exemplar's traceId must be 32 hex/,
  ],
  'an exemplar of a strange span': [
    { exemplars: [{ ...exemplar, spanId: 'z'.repeat(16) }] },
    /exemplar's spanId must be 16 hex/,
  ],
  'a value that is no number': [{ value: 'seven' as never }, /its values must be numbers, but one is "seven"/],
  'an absent value': [{ value: undefined as never }, /its values must be numbers, but one is undefined/],
  'a histogram for a gauge': [{ value: histogram as never }, /its values must be numbers/, metricOfType(2)],
  'a number for a histogram': [{ value: 7 }, /undefined/, metricOfType(0)],
  'a count that is a fraction': [
    { value: { ...histogram, count: 1.5 } as never },
    /its counts must be whole numbers from 0 to 2\^64, but one is 1.5/,
    metricOfType(0),
  ],
  'a count that is negative': [{ value: { ...histogram, count: -1 } as never }, /its counts must be/, metricOfType(0)],
  'a count of 2^64': [{ value: { ...histogram, count: 2 ** 64 } as never }, /its counts must be/, metricOfType(0)],
  'a bucket that counts nothing countable': [
    { value: { ...histogram, buckets: { boundaries: [], counts: [1, Number.NaN] } } as never },
    /its counts must be/,
    metricOfType(0),
  ],
  'a bucket of an exponential histogram that is negative': [
    { value: { ...exponential, positive: { offset: 0, bucketCounts: [-1] } } as never },
    /its counts must be/,
    metricOfType(1),
  ],
  'a boundary that is no number': [
    { value: { ...histogram, buckets: { boundaries: ['1'], counts: [] } } as never },
    /its boundaries must be numbers, but one is "1"/,
    metricOfType(0),
  ],
  'a sum that is no number': [
    { value: { ...histogram, sum: '1' } as never },
    /its values must be numbers/,
    metricOfType(0),
  ],
  'a scale beyond 32 bits': [
    { value: { ...exponential, scale: 2 ** 31 } as never },
    /its scale and offsets must be integers of 32 bits, but one is 2147483648/,
    metricOfType(1),
  ],
  'an offset that is a fraction': [
    { value: { ...exponential, negative: { offset: 0.5, bucketCounts: [] } } as never },
    /its scale and offsets must be/,
    metricOfType(1),
  ],
  'a type of points that is unknown': [{}, /dataPointType must be 0 to 4, but is 5/, metricOfType(5 as never)],
  'a metric that throws': [
    {},
    /the getter throws/,
    Object.defineProperty(metricWith(), 'aggregationTemporality', { get: throws }),
  ],
};

describe('a point that cannot be encoded', () => {
  test.each(Object.entries(unencodable))(
    'because of %s is told, and the others are sent',
    (_, [parts, reason, metric]) => {
      const wrong = dataPointWith(parts, metric);
      const right = dataPointWith({ value: 77 });
      expect(() => encodeMetrics([wrong])).toThrow(expect.objectContaining({ code: 'UNENCODABLE' }));
      expect(() => encodeMetrics([wrong])).toThrow(reason);
      const onUnencodable = vi.fn();
      const sent = decodeMetrics(encodeMetrics([wrong, right, wrong], { onUnencodable }));
      expect(sent.map(({ point }) => point.value)).toEqual([77]);
      expect(onUnencodable.mock.calls.map(([point]) => point === wrong)).toEqual([true, true]);
      expect(decodeMetricsJson(encodeMetricsJson([wrong, right], { onUnencodable }))).toHaveLength(1);
    },
  );

  test('may be anything', () => {
    const hostile = [null, undefined, 7, 'point', {}, []] as unknown as MetricDataPoint[];
    const onUnencodable = vi.fn();
    expect(decodeMetrics(encodeMetrics([...hostile, dataPointWith()], { onUnencodable }))).toHaveLength(1);
    expect(onUnencodable).toHaveBeenCalledTimes(hostile.length);
  });

  test.each([encodeMetrics, encodeMetricsJson])('is another thing than wrong arguments: %o', (encode) => {
    expect(() => encode('points' as never)).toThrow(`${encode.name}.points must be an array of points`);
    expect(() => encode([], { onUnencodabel: () => {} } as never)).toThrow("did you mean 'onUnencodable'?");
  });
});

describe('what just fits', () => {
  test.each<[string, number, (a: unknown) => MetricDataPoint]>([
    ['a point', 93, (a) => dataPointWith({ attributes: { a } as never })],
    ['an exemplar', 92, (a) => dataPointWith({ exemplars: [{ ...exemplar, filteredAttributes: { a } as never }] })],
    ['metadata', 95, (a) => dataPointWith({}, metricWith({ metadata: { a } as never }))],
  ])('are 100 messages in each other, so that the value of %s has %d', (_, most, pointOf) => {
    // Two messages for each array, three for a map.
    const deep = (messages: number) => {
      const arrays = within((messages - (messages % 2) * 3) / 2, (inner) => [inner]);
      return messages % 2 === 0 ? arrays : { arrays };
    };
    expect(decodeMetrics(encodeMetrics([pointOf(deep(most))]))).toHaveLength(1);
    expect(() => encodeMetrics([pointOf(deep(most + 1))])).toThrow(/nested too deep/);
  });

  test('is the same after a turn, in protobuf and in JSON', () => {
    const counts = Array.from({ length: 100_000 }, (_, index) => index * 1_000_003);
    const points = [
      dataPointWith(
        { value: { count: 1, buckets: { boundaries: counts.map((each) => each / 7), counts } } },
        metricOfType(0),
      ),
      dataPointWith(
        { value: { ...exponential, positive: { offset: -5, bucketCounts: counts } } as never },
        metricOfType(1),
      ),
      dataPointWith({ attributes: { text: 'x'.repeat(12 * 2 ** 20) } }),
    ];
    const bytes = encodeMetrics(points);
    expect(Buffer.compare(encodeMetrics(decodeMetrics(bytes)), bytes)).toBe(0);
    expect(Buffer.compare(encodeMetrics(decodeMetricsJson(encodeMetricsJson(points))), bytes)).toBe(0);
  });
});

describe('an attribute that has no OTLP form', () => {
  test('keeps its key, and has an empty value: points have no count of what is missing', () => {
    const strange = { a: 1, none: Symbol('no form'), when: new Date(0), deep: [() => {}], z: 'z' };
    const point = dataPointWith({
      attributes: strange as never,
      exemplars: [{ ...exemplar, filteredAttributes: strange as never }],
    });
    const held = { a: 1, none: null, when: null, deep: null, z: 'z' };
    expect(decodeMetrics(encodeMetrics([point]))).toMatchObject([
      { point: { attributes: held, exemplars: [{ filteredAttributes: held }] } },
    ]);
  });
});
