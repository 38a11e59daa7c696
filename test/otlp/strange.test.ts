import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, test, vi } from 'vitest';
import { SpanflowError } from '../../src/errors.ts';
import { decodeTraces, encodeTraces } from '../../src/otlp/index.ts';
import type { AnyValueJson, SpanJson } from '../support/otlp-json.ts';
import { spansOf } from '../support/otlp-json.ts';
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

function throws(): never {
  throw new TypeError('the getter throws');
}

function within(levels: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = 'core';
  for (let level = 0; level < levels; level++) value = wrap(value);
  return value;
}

const circular: Attributes = { list: [] };
(circular.list as unknown[]).push(circular);

// Small in memory, 2^45 values on the wire.
const bomb = within(45, (inner) => [inner, inner]);

const revoked = Proxy.revocable({}, {});
revoked.revoke();

const unencodable: Record<string, [Partial<ReadableSpan>, RegExp]> = {
  'a circular value': [{ attributes: circular }, /attribute "list" is circular/],
  'a circular value in an event': [
    { events: [{ time: [1, 1], name: 'e', attributes: circular }] },
    /attribute "list" is circular/,
  ],
  '48 arrays in each other': [{ attributes: { a: within(48, (inner) => [inner]) } }, /"a" is nested too deep/],
  '32 objects in each other': [{ attributes: { a: within(32, (inner) => ({ inner })) } }, /"a" is nested too deep/],
  '100,000 arrays in each other': [{ attributes: { a: within(1e5, (inner) => [inner]) } }, /"a" is nested too deep/],
  'values that multiply': [{ attributes: { bomb } }, /more than 1048576 values/],
  'an endless sparse array': [{ attributes: { a: new Array(2 ** 32 - 1) } }, /more than 1048576 values/],
  'a trace id that is too short': [withContext({ traceId: 'abc' }), /traceId must be 32 hex digits, but is "abc"/],
  'a trace id with other letters': [withContext({ traceId: 'z'.repeat(32) }), /traceId must be 32 hex digits/],
  'a trace id that is no string': [withContext({ traceId: 7 }), /traceId must be 32 hex digits, but is 7/],
  'a span id that is too long': [withContext({ spanId: '1'.repeat(17) }), /spanId must be 16 hex digits/],
  'no span id': [withContext({ spanId: '' }), /spanId must be 16 hex digits, but is ""/],
  'a strange parent id': [
    { parentSpanContext: { traceId: '', spanId: 'x', traceFlags: 0 } },
    /parent's spanId must be 16 hex digits/,
  ],
  'a link to nowhere': [
    { links: [{ context: { traceId: '1', spanId: '', traceFlags: 0 } }] },
    /link's traceId must be 32 hex digits/,
  ],
  'a time that is not finite': [{ startTime: [Number.NaN, 0] }, /startTime is not finite/],
  'an endless time': [{ endTime: [Number.POSITIVE_INFINITY, 0] }, /endTime is not finite/],
  'a time before 1970': [{ startTime: [-1, 0] }, /startTime is before 1970/],
  'a time beyond 64 bits': [{ endTime: [18_446_744_074, 0] }, /endTime is beyond 64 bits/],
  'an event at no time': [{ events: [{ time: [0, Number.NaN], name: '' }] }, /event time is not finite/],
  'no context': [{ spanContext: throws }, /the getter throws/],
  'no resource': [{ resource: undefined as unknown as ReadableSpan['resource'] }, /undefined/],
  'a getter that throws': [Object.defineProperty({}, 'name', { enumerable: true, get: throws }), /the getter throws/],
  'an attribute that throws': [
    { attributes: Object.defineProperty({}, 'a', { enumerable: true, get: throws }) },
    /the/,
  ],
  'attributes that cannot be read at all': [{ attributes: revoked.proxy }, /revoked/],
  'a name that cannot be a string': [{ name: { toString: throws } as unknown as string }, /the getter throws/],
  'a resource with a circular value': [
    { resource: { ...spanWith().resource, attributes: circular } },
    /attribute "list" is circular/,
  ],
  'a scope that throws': [
    { instrumentationScope: Object.defineProperty({ name: '' }, 'version', { get: throws }) },
    /the getter throws/,
  ],
};

/** Not by spreading, which would run the getters. */
function strangeSpan(parts: Partial<ReadableSpan>): ReadableSpan {
  return Object.defineProperties(spanWith(), Object.getOwnPropertyDescriptors(parts));
}

describe.each(Object.entries(unencodable))('a span with %s', (_, [parts, reason]) => {
  test('is reported, and the rest goes out', () => {
    const strange = strangeSpan(parts);
    const onUnencodable = vi.fn<(span: ReadableSpan, error: SpanflowError) => void>();
    const bytes = encodeTraces([spanWith({ name: 'before' }), strange, spanWith({ name: 'after' })], { onUnencodable });
    expect([...spansOf(decodeRequest(bytes))].map(({ name }) => name)).toEqual(['before', 'after']);
    expect(onUnencodable.mock.calls).toHaveLength(1);
    expect(onUnencodable.mock.calls[0]?.[0]).toBe(strange);
    expect(onUnencodable.mock.calls[0]?.[1]).toMatchObject({ code: 'UNENCODABLE' });
  });

  test('leaves nothing behind where it is alone', () => {
    expect(encodeTraces([strangeSpan(parts)], { onUnencodable: () => {} })).toHaveLength(0);
  });

  test('is thrown by its number and name where nobody listens', () => {
    const encode = (): unknown => encodeTraces([spanWith(), strangeSpan(parts)]);
    expect(encode).toThrow(SpanflowError);
    expect(encode).toThrow(/^span 1\b/);
    expect(encode).toThrow(reason);
    expect(encode).toThrow(expect.objectContaining({ code: 'UNENCODABLE' }));
  });
});

describe('encodeTraces', () => {
  test('names the span in its error', () => {
    const span = spanWith({ name: 'GET /cart', startTime: [-1, 0] });
    expect(() => encodeTraces([span])).toThrow('span 0 "GET /cart" cannot be encoded: its startTime is before 1970');
  });

  test('goes on when the callback throws', () => {
    const bytes = encodeTraces([spanWith({ startTime: [-1, 0] }), spanWith()], { onUnencodable: throws });
    expect([...spansOf(decodeRequest(bytes))]).toHaveLength(1);
  });

  test('takes hostile things in place of spans one by one', () => {
    const hostile = [null, undefined, 7, 'span', revoked.proxy, {}, []] as unknown as ReadableSpan[];
    const onUnencodable = vi.fn();
    encodeTraces([...hostile, spanWith()], { onUnencodable });
    expect(onUnencodable).toHaveBeenCalledTimes(hostile.length);
  });

  test('refuses arguments of the wrong kind at the call', () => {
    const wrong = 'spans' as unknown as ReadableSpan[];
    expect(() => encodeTraces(wrong)).toThrow('encodeTraces.spans must be an array of spans, but was given "spans"');
    const options = { onUnencodable: 7 as unknown as () => void };
    expect(() => encodeTraces([], options)).toThrow('encodeTraces.onUnencodable must be a function, but was given 7');
  });

  test('makes an empty body of no spans', () => {
    expect(encodeTraces([])).toHaveLength(0);
    expect(decodeTraces(encodeTraces([]))).toEqual([]);
  });

  test('groups by resource and scope in the order of their first span', () => {
    const [one, two] = [spanWith().resource, { ...spanWith().resource, attributes: { n: 2 } }];
    const [a, b] = [{ name: 'a' }, { name: 'b' }];
    const order = [
      spanWith({ name: '1', resource: two, instrumentationScope: b }),
      spanWith({ name: '2', resource: one, instrumentationScope: a }),
      spanWith({ name: '3', resource: two, instrumentationScope: a }),
      spanWith({ name: '4', resource: two, instrumentationScope: b }),
    ];
    expect(sent(...order).map(({ name }) => name)).toEqual(['1', '4', '3', '2']);
    expect(decodeRequest(encodeTraces(order)).resourceSpans).toHaveLength(2);
  });

  test('leaves the arguments as they are', () => {
    const frozen = Object.freeze({ list: Object.freeze([1, Object.freeze({ a: 1 })]) });
    expect(() => encodeTraces(Object.freeze([Object.freeze(spanWith({ attributes: frozen }))]))).not.toThrow();
  });
});

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

  test('that is none becomes one', () => {
    const [span] = sent(spanWith({ name: 42 as unknown as string }));
    expect(span?.name).toBe('42');
  });
});
