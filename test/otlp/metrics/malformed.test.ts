import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MetricInfo } from '../../../src/model/metricDataPoint.ts';
import { decodeMetrics, decodeMetricsJson, encodeMetrics } from '../../../src/otlp/index.ts';
import { field } from '../../support/bombs.ts';
import { dataPointWith, metricOfType, VALUES } from '../../support/dataPoints.ts';
import { randomRuns } from '../../support/randomRuns.ts';
import { collectorCases, fluentBitCases, NO_BYTES, verdictOf } from '../../support/verdicts.ts';

const verdict = (bytes: Uint8Array) => verdictOf(() => decodeMetrics(bytes));
const jsonVerdict = (json: string) => verdictOf(() => decodeMetricsJson(json));

const metric = (...fields: Buffer[]) => field(1, field(2, field(2, ...fields)));

/** Where messages of each kind stand in a metrics request, from the request down. */
const PATHS: Readonly<Record<string, readonly number[]>> = {
  ExportMetricsServiceRequest: [],
  ResourceMetrics: [1],
  Resource: [1, 1],
  EntityRef: [1, 1, 3],
  ScopeMetrics: [1, 2],
  InstrumentationScope: [1, 2, 1],
  Metric: [1, 2, 2],
  Gauge: [1, 2, 2, 5],
  Sum: [1, 2, 2, 7],
  Histogram: [1, 2, 2, 9],
  ExponentialHistogram: [1, 2, 2, 10],
  Summary: [1, 2, 2, 11],
  NumberDataPoint: [1, 2, 2, 5, 1],
  Exemplar: [1, 2, 2, 5, 1, 5],
  HistogramDataPoint: [1, 2, 2, 9, 1],
  ExponentialHistogramDataPoint: [1, 2, 2, 10, 1],
  ExponentialHistogramDataPointBuckets: [1, 2, 2, 10, 1, 8],
  SummaryDataPoint: [1, 2, 2, 11, 1],
  SummaryDataPointValueAtQuantile: [1, 2, 2, 11, 1, 6],
  KeyValue: [1, 2, 2, 5, 1, 7],
};

const TYPES: readonly MetricInfo['dataPointType'][] = [0, 1, 2, 3, 4];
const VALID = encodeMetrics(
  TYPES.map((type) => dataPointWith({ value: VALUES[type], attributes: { a: 'b' } }, metricOfType(type))),
);

describe('a malformed body', () => {
  test.each(collectorCases(PATHS))('with $name is refused by the typed error', ({ bytes }) => {
    expect(verdict(bytes)).toBe('reject');
  });

  test('is refused with the message, the reason and the place', () => {
    expect(() => decodeMetrics(metric(Buffer.from('0a016d2a7f', 'hex')))).toThrow(
      /^ExportMetricsServiceRequest is malformed near byte \d+ of \d+: /,
    );
  });

  test.each([
    ['counts', 9, field(6, Buffer.alloc(12))],
    ['boundaries', 9, field(7, Buffer.alloc(7))],
    ['counts of an exponential histogram', 10, field(8, field(2, Buffer.of(1, 0x80)))],
  ])('whose packed %s end inside a number is refused', (_, data, wrong) => {
    expect(verdict(metric(field(data, field(1, wrong))))).toBe('reject');
  });

  test('that is not a Uint8Array is refused', () => {
    for (const wrong of NO_BYTES) expect(verdict(wrong)).toBe('reject');
  });

  test('of random bytes ends in points or in the typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(5, 7, 9, 10, 11), (bytes, data) => {
        verdict(bytes);
        verdict(metric(field(data, field(1, bytes))));
      }),
      randomRuns(2000),
    );
  });

  test('that is cut short anywhere ends in points or in the typed error', () => {
    for (let length = 0; length < VALID.length; length++) verdict(VALID.subarray(0, length));
    expect(verdict(VALID.subarray(0, VALID.length - 1))).toBe('reject');
  });
});

/** Where Fluent Bit refuses what protobuf's JSON allows: something may always be absent. */
const STRICTER_THERE = new Set([
  'invalid_resource_metrics_missing',
  'invalid_scope_metrics_missing',
  'invalid_metrics_missing',
  'invalid_metric_name_missing',
  'missing_metric_type',
  'invalid_gauge_datapoints_missing',
  'invalid_sum_datapoints_missing',
  'invalid_histogram_datapoints_missing',
  'invalid_summary_datapoints_missing',
  'invalid_exponential_histogram_datapoints_missing',
]);
/** Where it drops points of which a number is none, and takes the rest. */
const LAXER_THERE = new Set(['valid_invalid_numeric_skips_points']);

describe('the recorded JSON cases of a receiver', () => {
  test.each(fluentBitCases('metrics'))('%s gets the verdict of proto3 JSON', (name, json, isRefused) => {
    const isWrong = LAXER_THERE.has(name) || (isRefused && !STRICTER_THERE.has(name));
    expect(jsonVerdict(json)).toBe(isWrong ? 'reject' : 'accept');
  });
});

describe('a JSON metric', () => {
  const json = (fields: string) => `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{${fields}}]}]}]}`;
  const point = (data: string, fields: string) => json(`"${data}":{"dataPoints":[{${fields}}]}`);
  const valueIn = (text: string) => decodeMetricsJson(text)[0]?.point.value;

  test.each<[string, unknown]>([
    ['"asInt":"-7"', -7],
    ['"asInt":7', 7],
    ['"asInt":"7e3"', 7000],
    ['"asInt":9223372036854775807', 9223372036854775807n],
    ['"asInt":"-9223372036854775808"', -9223372036854775808n],
    ['"asDouble":"NaN"', Number.NaN],
    ['"asDouble":"-Infinity"', Number.NEGATIVE_INFINITY],
    ['"asDouble":"-0"', -0],
    ['"asDouble":2', 2],
    ['"asDouble":"2.5"', 2.5],
    ['"asDouble":null,"asInt":3', 3],
  ])('with %s has that value', (text, value) => {
    expect(valueIn(point('gauge', text))).toBe(value);
  });

  test('has counts, scales and offsets as numbers or strings', () => {
    const sides = '"positive":{"offset":"-2","bucketCounts":["1",2,"4294967296"]},"negative":{"offset":3}';
    expect(
      valueIn(point('exponentialHistogram', `"count":7,"scale":-3,"zeroCount":"2",${sides},"min":"-Infinity"`)),
    ).toEqual({
      count: 7,
      scale: -3,
      zeroCount: 2,
      positive: { offset: -2, bucketCounts: [1, 2, 2 ** 32] },
      negative: { offset: 3, bucketCounts: [] },
      min: Number.NEGATIVE_INFINITY,
    });
  });

  test.each([
    ['"AGGREGATION_TEMPORALITY_DELTA"', 0],
    ['"AGGREGATION_TEMPORALITY_CUMULATIVE"', 1],
    ['"AGGREGATION_TEMPORALITY_UNSPECIFIED"', -1],
    ['2', 1],
    ['"2"', 1],
  ])('with the temporality %s has %d', (text, temporality) => {
    for (const data of ['sum', 'histogram', 'exponentialHistogram']) {
      const [read] = decodeMetricsJson(json(`"${data}":{"dataPoints":[{}],"aggregationTemporality":${text}}`));
      expect(read?.metric.aggregationTemporality).toBe(temporality);
    }
  });

  test('is refused with the place where it is wrong', () => {
    for (const [text, place] of [
      ['"gauge":{"dataPoints":[]},"name":"m","sum":{"dataPoints":[]}', ' must be one value only'],
      [
        '"gauge":{"dataPoints":[{"asInt":"1","timeUnixNano":"1","asDouble":1}]}',
        '.gauge.dataPoints[0] must be one value only',
      ],
      [
        '"gauge":{"dataPoints":[{"asInt":9223372036854775808}]}',
        '.gauge.dataPoints[0].asInt must be an integer from -',
      ],
      ['"gauge":{"dataPoints":[{"asInt":1.5}]}', '.gauge.dataPoints[0].asInt must be an integer from -'],
      ['"histogram":{"dataPoints":[{"count":-1}]}', '.histogram.dataPoints[0].count must be an integer from 0'],
      [
        '"histogram":{"dataPoints":[{"bucketCounts":[1,"x"]}]}',
        '.histogram.dataPoints[0].bucketCounts[1] must be an integer',
      ],
      [
        '"histogram":{"dataPoints":[{"explicitBounds":["x"]}]}',
        '.histogram.dataPoints[0].explicitBounds[0] must be a number',
      ],
      [
        '"exponentialHistogram":{"dataPoints":[{"scale":2147483648}]}',
        '.exponentialHistogram.dataPoints[0].scale must be',
      ],
    ] as const)
      expect(() => decodeMetricsJson(json(text))).toThrow(`resourceMetrics[0].scopeMetrics[0].metrics[0]${place}`);
  });
});
