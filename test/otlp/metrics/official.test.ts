import assert from 'node:assert/strict';
import { type Meter, ValueType } from '@opentelemetry/api';
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  AggregationType,
  MeterProvider,
  MetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  dataPointsOf,
  decodeMetrics,
  decodeMetricsJson,
  encodeMetrics,
  encodeMetricsJson,
  resourceMetricsOf,
} from '../../../src/otlp/index.ts';
import { metricsRequest } from '../../support/otlpSchema.ts';
import { randomRuns } from '../../support/randomRuns.ts';

class Collector extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

type Recorder = (meter: Meter) => void;

/** What the SDK collects of what is recorded, each function with a meter of its own. */
async function collected(temporality: AggregationTemporality, ...all: Recorder[]): Promise<ResourceMetrics> {
  const reader = new Collector({ aggregationTemporalitySelector: () => temporality });
  const provider = new MeterProvider({
    readers: [reader],
    resource: resourceFromAttributes({ 'service.name': 'shop', list: ['a', 'b'] }, { schemaUrl: 'https://schema' }),
    views: [
      { instrumentName: '*.exponential', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } },
      {
        instrumentName: '*.few',
        aggregation: {
          type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
          options: { boundaries: [], recordMinMax: false },
        },
      },
    ],
  });
  for (const [index, record] of all.entries())
    record(provider.getMeter(`meter ${index}`, '1.2.3', { schemaUrl: `https://scope/${index}` }));
  const { resourceMetrics, errors } = await reader.collect();
  expect(errors).toEqual([]);
  return resourceMetrics;
}

/** The message of the official serializer: without its explicit zeros, which proto3 leaves out. */
function officialMessage(collection: ResourceMetrics): Uint8Array {
  const bytes = ProtobufMetricsSerializer.serializeRequest(collection);
  assert.ok(bytes);
  return metricsRequest.encode(metricsRequest.decode(bytes));
}

/** Of a collection without points there is nothing to send, while the official one writes its resource. */
function expectOfficialBytes(collection: ResourceMetrics): void {
  const points = dataPointsOf(collection);
  const theirs = points.length === 0 ? Buffer.alloc(0) : officialMessage(withPoints(collection));
  expect(Buffer.from(encodeMetrics(points)).toString('hex')).toBe(Buffer.from(theirs).toString('hex'));
}

/** The SDK leaves out metrics without points, but not always scopes without metrics. */
function withPoints({ resource, scopeMetrics }: ResourceMetrics): ResourceMetrics {
  return { resource, scopeMetrics: scopeMetrics.filter(({ metrics }) => metrics.length > 0) };
}

const ATTRIBUTES = { route: '/cart', status: 200, ok: true, tags: ['a', 'b'], ratio: 0.5 };

/** One instrument of each kind, of both types of numbers. */
function everything(meter: Meter): void {
  for (const valueType of [ValueType.INT, ValueType.DOUBLE]) {
    const options = { valueType, unit: 'ms', description: 'Grüße 🛒' };
    const name = (kind: string) => `${ValueType[valueType].toLowerCase()}.${kind}`;
    const counter = meter.createCounter(name('counter'), options);
    const upDown = meter.createUpDownCounter(name('upDown'), { valueType });
    const gauge = meter.createGauge(name('gauge'), options);
    const histogram = meter.createHistogram(name('histogram'), options);
    const few = meter.createHistogram(name('few'), options);
    const exponential = meter.createHistogram(name('exponential'), options);
    for (const value of [0, 1, 2.5, 300, 12_345_678_901, 2 ** 53]) {
      counter.add(value, ATTRIBUTES);
      counter.add(value);
      upDown.add(-value, { route: '/' });
      gauge.record(-value, ATTRIBUTES);
      for (const of of [histogram, few, exponential]) of.record(value, { value: value % 3 });
    }
    meter.createObservableCounter(name('observableCounter')).addCallback((result) => result.observe(7, ATTRIBUTES));
    meter.createObservableUpDownCounter(name('observableUpDown')).addCallback((result) => result.observe(-7));
    meter.createObservableGauge(name('observableGauge'), options).addCallback((result) => result.observe(2 ** 40));
  }
}

/** A name that is taken, another one that has nothing to tell, and values at the edges. */
function strange(meter: Meter): void {
  meter.createCounter('silent');
  meter.createGauge('edges').record(Number.NEGATIVE_INFINITY, { which: 'infinite' });
  meter.createGauge('edges').record(-0, { which: 'negative zero' });
  meter.createGauge('edges').record(5e-324, { which: 'smallest' });
}

const TEMPORALITIES = [
  ['cumulative', AggregationTemporality.CUMULATIVE],
  ['delta', AggregationTemporality.DELTA],
] as const;

describe.each(TEMPORALITIES)('the official protobuf serializer, %s', (_, temporality) => {
  test('writes of all instruments of the SDK what ours writes, byte for byte', async () => {
    const collection = await collected(temporality, everything, strange);
    const types = collection.scopeMetrics.flatMap(({ metrics }) => metrics.map(({ dataPointType }) => dataPointType));
    expect(new Set(types)).toEqual(new Set([0, 1, 2, 3]));
    expectOfficialBytes(collection);
  });

  test('writes of any recordings what ours writes, byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRecordings, { maxLength: 3 }), async (recordings) =>
        expectOfficialBytes(await collected(temporality, ...recordings.map(recorder))),
      ),
      randomRuns(150),
    );
  });

  test('takes decoded points as its own', async () => {
    const bytes = encodeMetrics(dataPointsOf(await collected(temporality, everything, strange)));
    const again = resourceMetricsOf(decodeMetrics(bytes));
    expect(again).toHaveLength(1);
    assert.deepStrictEqual(Buffer.from(officialMessage(again[0] as ResourceMetrics)), Buffer.from(bytes));
  });
});

describe('the official JSON serializer', () => {
  test('writes what is read as the same points', async () => {
    // It has no form for infinities.
    const collection = await collected(AggregationTemporality.CUMULATIVE, everything);
    const bytes = JsonMetricsSerializer.serializeRequest(collection);
    assert.ok(bytes);
    assert.deepStrictEqual(encodeMetrics(decodeMetricsJson(bytes)), encodeMetrics(dataPointsOf(collection)));
  });

  test('writes what ours writes, but for explicit zeros and 64-bit integers without quotation marks', async () => {
    const collection = await collected(AggregationTemporality.DELTA, everything);
    const bytes = JsonMetricsSerializer.serializeRequest(collection);
    assert.ok(bytes);
    const parsed = (json: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(json));
    const ours = parsed(encodeMetricsJson(dataPointsOf(collection)));
    assert.deepStrictEqual(ours, canonical(parsed(bytes)));
  });
});

describe('a collection', () => {
  test('is its points and a collection again', async () => {
    const collection = withPoints(await collected(AggregationTemporality.CUMULATIVE, everything, strange));
    const points = dataPointsOf(collection);
    const of = ({ scopeMetrics }: Pick<ResourceMetrics, 'scopeMetrics'>) => scopeMetrics;
    expect(points.length).toBeGreaterThan(20);
    assert.deepStrictEqual(resourceMetricsOf(points).map(of as never), [of(collection)]);
    expect(resourceMetricsOf(points)[0]?.resource).toBe(collection.resource);
    expect(resourceMetricsOf([])).toEqual([]);
  });

  test('yields no point for a metric without points', () => {
    const metric = {
      descriptor: { name: 'silent', description: '', unit: '', valueType: 0 },
      dataPointType: 3,
      aggregationTemporality: 1,
    } as const;
    const resource = resourceFromAttributes({});
    const scopeMetrics = [{ scope: { name: 's' }, metrics: [{ ...metric, dataPoints: [] }] }];
    expect(dataPointsOf({ resource, scopeMetrics })).toEqual([]);
  });

  test('of points in any order has each metric once, and a bigint as the nearest number', () => {
    const [point] = dataPointsOf(resourceMetricsOf(decodeMetrics(beyondDoubles()))[0] as never);
    expect(point?.point.value).toBe(Number(2n ** 53n + 3n));
  });
});

function beyondDoubles(): Uint8Array {
  const point = '310300000000002000'; // as_int: 2^53 + 3
  const message = (tag: string, inner: string) => tag + (inner.length / 2).toString(16).padStart(2, '0') + inner;
  const gauge = message('2a', message('0a', point));
  return Buffer.from(message('0a', message('12', message('12', `0a016d${gauge}`))), 'hex');
}

/** Without what proto3 leaves out, and with 64 bits as strings. */
function canonical(value: unknown, name = ''): unknown {
  if (['intValue', 'asInt', 'count', 'zeroCount'].includes(name)) return `${value}`;
  if (name === 'bucketCounts') return (value as unknown[]).map(String);
  if (Array.isArray(value)) return value.map((item) => canonical(item));
  if (typeof value !== 'object' || value === null) return value;
  // It writes the schema URL of a resource into the resource, too, where OTLP has none.
  const isWrong = (key: string) => name === 'resource' && key === 'schemaUrl';
  const entries = Object.entries(value).filter(([key, inner]) => !isDefault(key, inner) && !isWrong(key));
  return Object.fromEntries(entries.map(([key, inner]) => [key, canonical(inner, key)]));
}

/** These say something even if they are 0. */
const ALWAYS: ReadonlySet<string> = new Set(['asInt', 'asDouble', 'sum', 'min', 'max', 'boolValue', 'intValue']);

function isDefault(key: string, value: unknown): boolean {
  if (ALWAYS.has(key)) return false;
  return value === 0 || value === '' || value === false || (Array.isArray(value) && value.length === 0);
}

interface Recording {
  readonly kind: 'counter' | 'upDown' | 'gauge' | 'histogram' | 'few' | 'exponential';
  readonly valueType: ValueType;
  readonly unit: string;
  readonly description: string;
  readonly values: [value: number, attributes: Record<string, never>][];
}

const text = fc.string({ unit: 'binary', maxLength: 20 });
// What both write alike. Ours also writes attributes beyond 2^53 exactly, arrays of one type of number, and an integer beyond 64 bits as
// a double, of which the official one keeps the lowest bits.
const attribute = fc.oneof(
  text,
  fc.maxSafeInteger(),
  fc.double().filter((number) => !Number.isInteger(number)),
  fc.boolean(),
  fc.array(text, { maxLength: 3 }),
);
const recording = fc.record({
  kind: fc.constantFrom('counter', 'upDown', 'gauge', 'histogram', 'few', 'exponential'),
  valueType: fc.constantFrom(ValueType.INT, ValueType.DOUBLE),
  unit: fc.string({ unit: 'grapheme-ascii', maxLength: 8 }),
  description: text,
  values: fc.array(
    fc.tuple(
      fc.oneof(fc.nat(1000), fc.maxSafeInteger(), fc.double({ noNaN: true, min: -(2 ** 60), max: 2 ** 60 })),
      fc.dictionary(text, attribute, { maxKeys: 4 }),
    ),
    { maxLength: 6 },
  ),
}) as unknown as fc.Arbitrary<Recording>;
const anyRecordings = fc.array(recording, { maxLength: 4 });

function recorder(recordings: readonly Recording[]): Recorder {
  return (meter) => {
    for (const [index, { kind, values, ...options }] of recordings.entries()) {
      const name = `instrument${index}.${kind}`;
      for (const [value, attributes] of values) {
        if (kind === 'counter') meter.createCounter(name, options).add(Math.abs(value), attributes);
        else if (kind === 'upDown') meter.createUpDownCounter(name, options).add(value, attributes);
        else if (kind === 'gauge') meter.createGauge(name, options).record(value, attributes);
        else meter.createHistogram(name, options).record(Math.abs(value), attributes);
      }
    }
  };
}
