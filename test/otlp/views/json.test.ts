// Items of JSON in the usual form are read from the parsed objects, without the protobuf message that the JSON means: never with another
// verdict, or another value.

import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { estimateItemBytes } from '../../../src/flow/itemBytes.ts';
import { receivedBytes } from '../../../src/model/received.ts';
import { astronomy, dataFolder, pairs } from '../../support/data.ts';
import { scalarRules } from '../../support/receiverCases.ts';
import { fluentBitCases } from '../../support/verdicts.ts';
import { areViews, expectStrict, JSON_SIGNALS } from './jsonSignals.ts';

const [SPANS, LOGS, METRICS] = JSON_SIGNALS;
const folder = dataFolder();

/** Values that senders write, and values that none should. */
const VALUES = fc.constantFrom<unknown>(
  ...[null, true, false, 0, -0, 1, -1, 7.5, 255, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53, -(2 ** 53), 1e300, 5e-324],
  ...['', '0', '-0', '7', '-7', '7.0', '1e3', '007', '+7', ' 7', '2147483648', '4294967295', '4294967296', 'true'],
  ...['9007199254740993', '999999999999999999', '9223372036854775807', '9223372036854775808', '-9223372036854775808'],
  ...['1700000000123456789', '9999999999999999999', '18446744073709551615', '18446744073709551616', '123456789'],
  ...['NaN', 'Infinity', '-Infinity', 'inf', '1.5', 'SPAN_KIND_CLIENT', 'STATUS_CODE_ERROR', 'toString', '__proto__'],
  ...[
    'SEVERITY_NUMBER_WARN2',
    'AGGREGATION_TEMPORALITY_DELTA',
    'ab',
    'AQID',
    'AQI=',
    'AQ==',
    'A',
    'AQI',
    'A=B=',
    '_-8=',
  ],
  ...[
    '0123456789abcdef',
    '0123456789ABCDEF0123456789abcdef',
    '0123456789abcdeg',
    'abc',
    '\ud800',
    'a\udc00b',
    '\u{1f600}',
    'ключ',
  ],
  ...[
    [],
    {},
    [null],
    [{}],
    [[]],
    [1, 2],
    ['1', '2'],
    { values: [] },
    { values: null },
    { values: [{ intValue: '3' }, {}] },
  ],
  ...[
    { stringValue: 'x' },
    { intValue: 1, boolValue: true },
    { stringValueStrindex: 3 },
    { key: 'k', value: null },
    { key: null },
  ],
  ...[{ kvlistValue: { values: [{ key: 'a' }, { key: 'a', value: { doubleValue: 'NaN' } }] } }, { bytesValue: 'AQID' }],
);
const NAMES = fc.constantFrom(
  ...['unknown', 'constructor', '__proto__', 'key', 'value', 'keyStrindex', 'flags', 'kind', 'traceId', 'attributes'],
  ...[
    'stringValue',
    'intValue',
    'doubleValue',
    'arrayValue',
    'bytesValue',
    'asInt',
    'asDouble',
    'bucketCounts',
    'count',
  ],
);

/** One change, somewhere in the tree: of a value, of a name, or a field more. */
const CHANGE = fc.record({
  at: fc.nat(),
  what: fc.constantFrom('value', 'value', 'name', 'added', 'twice'),
  value: VALUES,
  name: NAMES,
});
type Change = typeof CHANGE extends fc.Arbitrary<infer Made> ? Made : never;

type Owner = Record<string, unknown>;

/** Where each value of the tree stands. */
function placesIn(json: unknown, places: [Owner, string][] = []): [Owner, string][] {
  if (typeof json !== 'object' || json === null) return places;
  for (const [name, value] of Object.entries(json)) {
    places.push([json as Owner, name]);
    placesIn(value, places);
  }
  return places;
}

function change(json: unknown, { at, what, value, name }: Change): void {
  const places = placesIn(json);
  const place = places[at % Math.max(1, places.length)];
  if (place === undefined) return;
  const [owner, present] = place;
  if (Array.isArray(owner) && what === 'twice') owner.push(structuredClone(owner[0]));
  else if (what === 'value' || Array.isArray(owner)) owner[present] = structuredClone(value);
  else define(owner, name, what === 'name' ? owner[present] : structuredClone(value));
  if (what === 'name' && !Array.isArray(owner)) delete owner[present];
}

/** Also `__proto__`, as `JSON.parse` makes it. */
function define(owner: Owner, name: string, value: unknown): void {
  Object.defineProperty(owner, name, { value, configurable: true, enumerable: true, writable: true });
}

describe.each(JSON_SIGNALS)('$name in JSON', (signal) => {
  const { any, toJson, viewJson, decode, encode } = signal;

  test('are views of the parsed objects, and hold what decoded ones hold', () => {
    let views = 0;
    let all = 0;
    fc.assert(
      fc.property(any, (items) => {
        const json = Buffer.from(toJson(items)).toString();
        all += 1;
        if (items.length === 0 || expectStrict(signal, json)) views += 1;
      }),
      { numRuns: 50 },
    );
    // The others have integers that are larger than most.
    expect(views / all).toBeGreaterThan(0.5);
  });

  test('have the strict verdict and values, whatever was changed in them', () => {
    let views = 0;
    fc.assert(
      fc.property(any, fc.array(CHANGE, { minLength: 1, maxLength: 3 }), (items, changes) => {
        const json: unknown = JSON.parse(Buffer.from(toJson(items)).toString());
        for (const one of changes) change(json, one);
        if (expectStrict(signal, JSON.stringify(json))) views += 1;
      }),
      { numRuns: 50 },
    );
    expect(views).toBeGreaterThan(0);
  });

  test('have them, whatever was changed in the text', () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.constantFrom(...'{}[]",:\\0e.-nx')), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(any, edits, (items, edited) => {
        const text = [...Buffer.from(toJson(items)).toString()];
        for (const [at, letter] of edited) text[at % text.length] = letter;
        expectStrict(signal, text.join(''));
      }),
      { numRuns: 60 },
    );
  });

  test('are bounded as decoded ones are', () => {
    const limits = fc.record({
      maxItems: fc.integer({ min: 1, max: 60 }),
      maxDecodedBytes: fc.integer({ min: 1, max: 50_000 }),
    });
    fc.assert(
      fc.property(
        any,
        limits,
        (items, given) => void expectStrict(signal, Buffer.from(toJson(items)).toString(), given),
      ),
      { numRuns: 50 },
    );
  });

  test('hold the same objects, in whatever order they are asked for, and cannot be changed', () => {
    fc.assert(
      fc.property(any, fc.array(fc.nat(), { minLength: 30, maxLength: 30 }), (items, order) => {
        const bytes = toJson(items);
        const views = viewJson(bytes) as Record<string, unknown>[];
        if (!areViews(views)) return;
        for (const [index, decoded] of decode(encode(views)).entries()) {
          const item = viewJson(bytes)[index] as Record<string, unknown>;
          const keys = Object.keys(decoded).filter((key) => key in item);
          const asked = order.map((number) => keys[number % keys.length] as string);
          const first = asked.map((key) => item[key]);
          for (const [at, key] of asked.entries()) expect(item[key]).toBe(first[at]);
          for (const value of first) expectFrozen(value);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('have about the size that decoded ones are estimated to have', () => {
    fc.assert(
      fc.property(any, (items) => {
        const views = viewJson(toJson(items));
        if (!areViews(views)) return;
        for (const [index, item] of signal.decodeJson(toJson(items)).entries()) {
          const bytes = receivedBytes(views[index] as object) as number;
          const estimate = estimateItemBytes(item);
          expect(Number.isInteger(bytes)).toBe(true);
          expect(bytes).toBeGreaterThan(estimate * 0.4 - 64);
          expect(bytes).toBeLessThan(estimate * 3 + 256);
        }
      }),
      { numRuns: 40 },
    );
  });
});

function expectFrozen(value: unknown): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  expect(value).toSatisfy(Object.isFrozen);
  for (const inner of Object.values(value)) expectFrozen(inner);
}

describe('JSON of other projects is read as the strict way reads it', () => {
  test('recorded requests, as views', () => {
    for (const { json } of pairs()) {
      const text = JSON.stringify(json);
      const isEmpty = SPANS.viewJson(text).length === 0;
      expect([text, expectStrict(SPANS, text) || isEmpty]).toEqual([text, true]);
    }
    let seen = 0;
    for (const twin of astronomy().twins()) {
      expect(expectStrict(SPANS, JSON.stringify(twin))).toBe(true);
      seen += 1;
      if (seen > 1) break;
    }
  });

  test('recorded requests, as their senders wrote them', () => {
    const files =
      folder === undefined ? [] : readdirSync(`${folder}/pairs`).filter((file) => file.endsWith('.input.json'));
    for (const file of files) expectStrict(SPANS, readFileSync(`${folder}/pairs/${file}`, 'utf8'));
  });

  test('the cases of Fluent Bit', () => {
    for (const [, json] of fluentBitCases('logs')) expectStrict(LOGS, json);
    for (const [, json] of fluentBitCases('metrics')) expectStrict(METRICS, json);
  });

  test('every scalar in every field', () => {
    const texts = Object.values(scalarRules()).flatMap((rules) => rules.map(([text]) => text.replace(/ \(.*\)$/, '')));
    for (const signal of JSON_SIGNALS)
      for (const text of [...new Set(texts)])
        for (const json of placed(signal === SPANS ? 'spans' : signal === LOGS ? 'logRecords' : 'metrics', text))
          expectStrict(signal, json);
  });
});

const FIELDS = {
  spans: [
    'traceId',
    'parentSpanId',
    'name',
    'kind',
    'startTimeUnixNano',
    'flags',
    'status',
    'attributes',
    'events',
    'links',
    'droppedLinksCount',
  ],
  logRecords: ['spanId', 'severityNumber', 'severityText', 'body', 'timeUnixNano', 'flags'],
  metrics: ['name', 'gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary', 'metadata'],
};
const INSIDE = {
  spans: (text: string) => [
    `"status":{"code":${text}}`,
    `"attributes":[{"key":${text}}]`,
    ...valuesOf(text).map((value) => `"attributes":[{"key":"k","value":${value}}]`),
  ],
  logRecords: (text: string) => valuesOf(text).map((value) => `"body":${value}`),
  metrics: (text: string) => [
    ...['asInt', 'asDouble', 'flags', 'timeUnixNano'].map((name) => `"sum":{"dataPoints":[{"${name}":${text}}]}`),
    ...['count', 'sum', 'bucketCounts', 'explicitBounds', 'max'].map(
      (name) => `"histogram":{"dataPoints":[{"${name}":${text}}]}`,
    ),
    ...['scale', 'zeroCount', 'positive', 'zeroThreshold'].map(
      (name) => `"exponentialHistogram":{"dataPoints":[{"${name}":${text}}]}`,
    ),
    ...['bucketCounts', 'explicitBounds'].map((name) => `"histogram":{"dataPoints":[{"${name}":[${text}]}]}`),
    ...['offset', 'bucketCounts'].map(
      (name) =>
        `"exponentialHistogram":{"dataPoints":[{"negative":{"${name}":${name === 'offset' ? text : `[${text}]`}}}]}`,
    ),
    `"sum":{"aggregationTemporality":${text},"isMonotonic":${text},"dataPoints":[{}]}`,
    `"summary":{"dataPoints":[{"quantileValues":[{"value":${text}}]}]}`,
    `"gauge":{"dataPoints":[{"exemplars":[{"asInt":${text},"traceId":""}]}]}`,
  ],
};

function valuesOf(text: string): string[] {
  const names = ['stringValue', 'intValue', 'doubleValue', 'boolValue', 'bytesValue', 'arrayValue', 'kvlistValue'];
  return [text, ...names.map((name) => `{"${name}":${text}}`), `{"arrayValue":{"values":[{"intValue":${text}}]}}`];
}

/** Requests of one item, which has the text as the value of a field. */
function placed(items: keyof typeof FIELDS, text: string): string[] {
  const [resources, scopes] = {
    spans: ['resourceSpans', 'scopeSpans'],
    logRecords: ['resourceLogs', 'scopeLogs'],
    metrics: ['resourceMetrics', 'scopeMetrics'],
  }[items] as [string, string];
  const fields = [...FIELDS[items].map((name) => `"${name}":${text}`), ...INSIDE[items](text)];
  return fields.map((one) => `{"${resources}":[{"${scopes}":[{"${items}":[{${one}}]}]}]}`);
}
