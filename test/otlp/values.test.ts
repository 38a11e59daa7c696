import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, test } from 'vitest';
import { decodeTraces, decodeTracesJson, encodeTraces, encodeTracesJson } from '../../src/otlp/index.ts';
import type { AnyValueJson, SpanJson } from '../support/otlpJson.ts';
import { spansOf } from '../support/otlpJson.ts';
import { spanWith } from '../support/spans.ts';
import { decodeRequest } from '../support/wire.ts';

function sent(...spans: ReadableSpan[]): SpanJson[] {
  return [...spansOf(decodeRequest(encodeTraces(spans)))];
}

function sentValue(value: unknown): AnyValueJson | undefined {
  return sent(spanWith({ attributes: { value } }))[0]?.attributes?.[0]?.value;
}

function withContext(context: object): Partial<ReadableSpan> {
  const whole = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1, ...context };
  return { spanContext: () => whole };
}

function within(levels: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = 'core';
  for (let level = 0; level < levels; level++) value = wrap(value);
  return value;
}

describe('a strange value', () => {
  test.each<[string, unknown, AnyValueJson]>([
    ['the number 5', 5, { intValue: '5' }],
    ['the largest safe integer', Number.MAX_SAFE_INTEGER, { intValue: '9007199254740991' }],
    ['an integer beyond it', 2 ** 53, { doubleValue: 2 ** 53 }],
    ['-0', -0, { doubleValue: -0 }],
    ['NaN', Number.NaN, { doubleValue: 'NaN' }],
    ['Infinity', Number.POSITIVE_INFINITY, { doubleValue: 'Infinity' }],
    ['a fraction', 0.1, { doubleValue: 0.1 }],
    ['the smallest int64', -(2n ** 63n), { intValue: '-9223372036854775808' }],
    ['the largest int64', 2n ** 63n - 1n, { intValue: '9223372036854775807' }],
    ['a bigint beyond int64', 2n ** 63n, { stringValue: '9223372036854775808' }],
    ['null', null, {}],
    ['undefined', undefined, {}],
    ['an empty string', '', { stringValue: '' }],
    ['lone surrogates', 'a\ud800b\udc00', { stringValue: 'a\ufffdb\ufffd' }],
    ['bytes', Uint8Array.of(0, 255), { bytesValue: 'AP8=' }],
    ['a Buffer', Buffer.from('hi'), { bytesValue: 'aGk=' }],
    ['no bytes', new Uint8Array(0), { bytesValue: '' }],
    ['an empty array', [], { arrayValue: {} }],
    ['an empty object', {}, { kvlistValue: {} }],
    ['an object without prototype', Object.create(null), { kvlistValue: {} }],
    [
      'an array with a hole',
      Object.assign(new Array(3), { 0: 1, 2: 2 }),
      { arrayValue: { values: [{ intValue: '1' }, {}, { intValue: '2' }] } },
    ],
  ])('%s arrives', (_, value, expected) => {
    expect(sentValue(value)).toStrictEqual(expected);
  });

  test('that is shared but not circular goes out each time', () => {
    const shared = { a: 1 };
    const json = { kvlistValue: { values: [{ key: 'a', value: { intValue: '1' } }] } };
    expect(sentValue([shared, shared])).toEqual({ arrayValue: { values: [json, json] } });
  });

  test('nested 47 arrays or 31 objects deep goes out', () => {
    expect(sentValue(within(47, (inner) => [inner]))).toHaveProperty('arrayValue');
    expect(sentValue(within(31, (inner) => ({ inner })))).toHaveProperty('kvlistValue');
    const attributes = { a: within(46, (inner) => [inner]) };
    const span = spanWith({ events: [{ time: [1, 1], name: 'e', attributes }] });
    expect(decodeTraces(encodeTraces([span]))[0]?.events[0]?.attributes).toEqual(attributes);
  });

  test.each<[string, unknown]>([
    ['a function', () => {}],
    ['a symbol', Symbol('s')],
    ['a Date', new Date()],
    ['a Map', new Map([[1, 2]])],
    ['a promise', Promise.resolve()],
    ['other typed arrays', new Float64Array(3)],
    ['an array with a function in it', [1, () => {}]],
    ['an object with a symbol in it', { a: { b: Symbol('s') } }],
  ])('that is %s is left out and counted', (_, value) => {
    const attributes = { before: 1, value, after: 2 };
    const events = [{ time: [1, 1] as [number, number], name: 'e', attributes }];
    const [span] = sent(spanWith({ attributes, events, droppedAttributesCount: 2 }));
    expect(span?.attributes?.map(({ key }) => key)).toEqual(['before', 'after']);
    expect(span?.droppedAttributesCount).toBe(3);
    expect(span?.events?.[0]?.droppedAttributesCount).toBe(1);
  });

  test('beyond 32 bits of count is counted no further', () => {
    const attributes = { value: () => {} };
    for (const droppedAttributesCount of [0xffff_ffff, Number.POSITIVE_INFINITY]) {
      expect(sent(spanWith({ attributes, droppedAttributesCount }))[0]?.droppedAttributesCount).toBe(0xffff_ffff);
    }
    for (const droppedAttributesCount of [-5, Number.NaN, 0]) {
      expect(sent(spanWith({ attributes, droppedAttributesCount }))[0]?.droppedAttributesCount).toBe(1);
    }
  });

  test('of a resource or a scope is counted there', () => {
    const resource = { ...spanWith().resource, attributes: { f: () => {}, ok: 1 } };
    const instrumentationScope = { name: 's', attributes: { f: () => {}, ok: 1 } };
    const request = decodeRequest(encodeTraces([spanWith({ resource, instrumentationScope })]));
    const [group] = request.resourceSpans ?? [];
    expect(group?.resource?.droppedAttributesCount).toBe(1);
    expect(group?.scopeSpans?.[0]?.scope).toMatchObject({ name: 's', droppedAttributesCount: 1 });
  });

  test('of two million characters, or 100,000 elements, goes out whole', () => {
    const attributes = { text: 'é'.repeat(2_000_000), list: Array.from({ length: 100_000 }, (_, index) => index) };
    expect(decodeTraces(encodeTraces([spanWith({ attributes })]))[0]?.attributes).toEqual(attributes);
  });
});

describe('the numbers of an array', () => {
  const ints = (...numbers: unknown[]) => numbers.map((value) => ({ intValue: `${value}` }));
  const doubles = (...numbers: unknown[]) => numbers.map((value) => ({ doubleValue: value }));

  test.each<[string, unknown[], object[]]>([
    ['integers', [1, -2, 0], ints(1, -2, 0)],
    ['a fraction and a whole number', [2.5, 1], doubles(2.5, 1)],
    ['whole numbers before a fraction', [0, 1, 2.5], doubles(0, 1, 2.5)],
    ['-0', [1, -0, 0], doubles(1, -0, 0)],
    ['what is no number', [1, Number.NaN, Number.NEGATIVE_INFINITY], doubles(1, 'NaN', '-Infinity')],
    ['a number beyond the safe ones', [1, 2 ** 53, Number.MAX_SAFE_INTEGER], doubles(1, 2 ** 53, 2 ** 53 - 1)],
    [
      'other values',
      ['a', 1, null, true, 2.5],
      [{ stringValue: 'a' }, { doubleValue: 1 }, {}, { boolValue: true }, { doubleValue: 2.5 }],
    ],
    ['bigints, which are int64', [1n, 2, 2.5], [...ints(1), ...doubles(2, 2.5)]],
    [
      'arrays, each by itself',
      [[1, 2], [1, 2.5], 3],
      [{ arrayValue: { values: ints(1, 2) } }, { arrayValue: { values: doubles(1, 2.5) } }, ...ints(3)],
    ],
    [
      'maps, whose values are no array',
      [{ a: 1, b: 2.5, c: [1, 0.5] }, 7],
      [
        {
          kvlistValue: {
            values: [
              { key: 'a', value: { intValue: '1' } },
              { key: 'b', value: { doubleValue: 2.5 } },
              { key: 'c', value: { arrayValue: { values: doubles(1, 0.5) } } },
            ],
          },
        },
        ...ints(7),
      ],
    ],
  ])('are of one type, in protobuf and in JSON: with %s', (_, list, values) => {
    const span = spanWith({ attributes: { value: list as never } });
    expect(sentValue(list)).toStrictEqual({ arrayValue: { values } });
    // JSON alone has no sign for -0.
    const json = JSON.parse(Buffer.from(encodeTracesJson([span])).toString());
    const said = json.resourceSpans[0].scopeSpans[0].spans[0].attributes[0].value.arrayValue.values;
    expect(said).toStrictEqual(
      values.map((value) =>
        Object.is((value as { doubleValue?: unknown }).doubleValue, -0) ? { doubleValue: '-0' } : value,
      ),
    );
    for (const [again] of [decodeTraces(encodeTraces([span])), decodeTracesJson(encodeTracesJson([span]))]) {
      expect(again?.attributes.value).toStrictEqual(list.map((item) => (item === 1n ? 1 : item)));
      expect(encodeTraces([again as typeof span])).toEqual(
        encodeTraces(decodeTraces(encodeTraces([again as typeof span]))),
      );
    }
  });

  test('of an event, a link and a resource are of one type too', () => {
    const attributes = { list: [1, 2.5] };
    const value = { arrayValue: { values: doubles(1, 2.5) } };
    const [group] =
      decodeRequest(
        encodeTraces([
          spanWith({
            events: [{ time: [1, 1], name: 'e', attributes }],
            links: [{ context: spanWith().spanContext(), attributes }],
            resource: { ...spanWith().resource, attributes: attributes as never },
          }),
        ]),
      ).resourceSpans ?? [];
    const span = group?.scopeSpans?.[0]?.spans?.[0];
    const owners = [span?.events?.[0], span?.links?.[0], group?.resource];
    expect(owners.map((owner) => owner?.attributes)).toEqual(owners.map(() => [{ key: 'list', value }]));
  });
});

describe('every string', () => {
  const lone = 'x\udfff';
  const mended = 'x\ufffd';

  test('with a lone surrogate is mended, wherever it is', () => {
    const attributes = { [lone]: { [lone]: [lone] } };
    const traceState = { serialize: () => lone };
    const span = spanWith({
      ...withContext({ traceState }),
      name: lone,
      status: { code: 2, message: lone },
      attributes,
      events: [{ time: [1, 1], name: lone, attributes }],
      instrumentationScope: { name: lone, version: lone, schemaUrl: lone },
      resource: { ...spanWith().resource, attributes, schemaUrl: lone },
    });
    const json = JSON.stringify(decodeRequest(encodeTraces([span])));
    // Three owners with three strings each, three of the scope, and five more: 17 places.
    expect(json.split(mended)).toHaveLength(17 + 1);
    expect(json.isWellFormed()).toBe(true);
  });

  test('a span name that is a number is encoded as a string', () => {
    const [span] = sent(spanWith({ name: 42 as unknown as string }));
    expect(span?.name).toBe('42');
  });
});
