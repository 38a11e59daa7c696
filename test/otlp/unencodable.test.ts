import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, test, vi } from 'vitest';
import { SpanflowError } from '../../src/model/errors.ts';
import { decodeTraces, encodeTraces } from '../../src/otlp/index.ts';
import type { SpanJson } from '../support/otlpJson.ts';
import { spansOf } from '../support/otlpJson.ts';
import { spanWith } from '../support/spans.ts';
import { decodeRequest } from '../support/wire.ts';

function sent(...spans: ReadableSpan[]): SpanJson[] {
  return [...spansOf(decodeRequest(encodeTraces(spans)))];
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

// Small in memory, 2^46 values on the wire.
const bomb = within(45, (inner) => [inner, inner]);

function endless<T>(item: T): T[] {
  const items = [item];
  items[Symbol.iterator] = function* () {
    for (;;) yield item;
  };
  return items;
}

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
  'values that multiply': [{ attributes: { bomb } }, /more than 262144 values/],
  'a long string that multiplies': [
    { attributes: { a: new Array(1000).fill('x'.repeat(1e6)) } },
    /values are longer than 67108864/,
  ],
  'long bytes that multiply': [{ attributes: { a: new Array(1000).fill(new Uint8Array(1e6)) } }, /are longer than/],
  'a long key that multiplies': [
    { attributes: { a: new Array(1000).fill({ ['k'.repeat(1e6)]: 1 }) } },
    /values are longer than 67108864/,
  ],
  'events without end': [{ events: endless({ time: [1, 1], name: 'e' }) }, /more than 262144 values/],
  'links without end': [{ links: endless({ context: spanWith().spanContext() }) }, /more than 262144 values/],
  'an endless sparse array': [{ attributes: { a: new Array(2 ** 32 - 1) } }, /more than 262144 values/],
  'an empty trace id': [withContext({ traceId: '' }), /traceId must be 32 hex digits, but is ""/],
  'an empty span id': [withContext({ spanId: '' }), /spanId must be 16 hex digits, but is ""/],
  'a trace id that is too short': [withContext({ traceId: 'abc' }), /traceId must be 32 hex digits, but is "abc"/],
  'a trace id of 31 digits': [withContext({ traceId: '1'.repeat(31) }), /traceId must be 32 hex digits/],
  'a trace id of 33 digits': [withContext({ traceId: '1'.repeat(33) }), /traceId must be 32 hex digits/],
  'a span id of 15 digits': [withContext({ spanId: '1'.repeat(15) }), /spanId must be 16 hex digits/],
  'a trace id with other letters': [withContext({ traceId: 'z'.repeat(32) }), /traceId must be 32 hex digits/],
  // Each of these characters is a digit, if one looks at its lowest seven bits alone.
  'a trace id of other digits': [withContext({ traceId: '\u0130'.repeat(32) }), /traceId must be 32 hex digits/],
  'a span id of other digits': [withContext({ spanId: `${'1'.repeat(15)}\u00b1` }), /spanId must be 16 hex digits/],
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

  test('leaves an empty body where it is the only span', () => {
    expect(encodeTraces([strangeSpan(parts)], { onUnencodable: () => {} })).toHaveLength(0);
  });

  test('without onUnencodable the call throws, naming the span by its number and the reason', () => {
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

  test('takes from one span no memory of another: what failed there may be fine here', () => {
    let reads = 0;
    const shared = {
      get late(): number {
        if (reads++ === 0) throws();
        return 1;
      },
    };
    const onUnencodable = vi.fn();
    const spans = [spanWith({ attributes: { shared } }), spanWith({ name: 'second', attributes: { shared } })];
    expect(decodeTraces(encodeTraces(spans, { onUnencodable })).map(({ name }) => name)).toEqual(['second']);
  });

  test('leaves the arguments as they are', () => {
    const frozen = Object.freeze({ list: Object.freeze([1, Object.freeze({ a: 1 })]) });
    expect(() => encodeTraces(Object.freeze([Object.freeze(spanWith({ attributes: frozen }))]))).not.toThrow();
  });
});

/** A value that takes this many messages inside its own: two for each array, three for an object. */
function messagesDeep(messages: number): unknown {
  const arrays = within(Math.floor((messages - (messages % 2) * 3) / 2), (inner) => [inner]);
  return messages % 2 === 0 ? arrays : { arrays };
}

describe('the limits of one span', () => {
  const { resource } = spanWith();

  test.each<[string, number, (attributes: Attributes) => Partial<ReadableSpan>]>([
    ['a resource', 96, (attributes) => ({ resource: { ...resource, attributes } })],
    ['a scope', 95, (attributes) => ({ instrumentationScope: Object.assign({ name: 's' }, { attributes }) })],
    ['a span', 95, (attributes) => ({ attributes })],
    ['an event', 94, (attributes) => ({ events: [{ time: [1, 1], name: 'e', attributes }] })],
    ['a link', 94, (attributes) => ({ links: [{ context: spanWith().spanContext(), attributes }] })],
  ])('are 100 messages in each other, so that the value of %s has %d', (_, most, parts) => {
    const onUnencodable = vi.fn();
    const fits = spanWith({ name: 'fits', ...parts({ a: messagesDeep(most) }) });
    const over = spanWith({ name: 'over', ...parts({ a: messagesDeep(most + 1) }) });
    const names = decodeTraces(encodeTraces([over, fits], { onUnencodable })).map(({ name }) => name);
    expect(names).toEqual(['fits']);
    expect(onUnencodable.mock.calls).toHaveLength(1);
  });

  test('are 262,144 values, for each span anew', () => {
    const fits = spanWith({ attributes: { a: new Array(262_143).fill(1) } });
    expect(decodeTraces(encodeTraces([fits, fits]))).toHaveLength(2);
    const over = spanWith({ attributes: { a: new Array(262_144).fill(1) } });
    expect(() => encodeTraces([over])).toThrow('more than 262144 values');
  });

  test('count the items of short arrays', () => {
    const texts = new Array(63).fill('x');
    const lists = Object.fromEntries(Array.from({ length: 4_096 }, (_, index) => [`list.${index}`, texts]));
    expect(decodeTraces(encodeTraces([spanWith({ attributes: lists })]))).toHaveLength(1);
    const over = spanWith({ attributes: { ...lists, 'list.0': [...texts, 'x'] } });
    expect(() => encodeTraces([over])).toThrow('more than 262144 values');
  });

  test.each([Number.NaN, -1e6])('hold for what follows an array that says it has %d items', (length) => {
    const lying = new Proxy([], { get: (array, key) => (key === 'length' ? length : Reflect.get(array, key)) });
    const span = spanWith({ attributes: { lying, many: Array(300_000).fill(1) } });
    expect(() => encodeTraces([span])).toThrow('262144 values');
  });

  test('end with an array that grows while it is read', () => {
    let length = 1;
    const growing = new Proxy(['x'], { get: (_, key) => (key === 'length' ? length++ : 'x') });
    expect(decodeTraces(encodeTraces([spanWith({ attributes: { growing } })]))).toHaveLength(1);
  });

  test('are 64 Mi characters, for each span anew', () => {
    const fits = spanWith({ attributes: { a: 'x'.repeat(64 * 1024 * 1024 - 1) } });
    expect(encodeTraces([fits, fits]).length).toBeGreaterThan(128 * 1024 * 1024);
    const over = spanWith({ attributes: { a: 'x'.repeat(64 * 1024 * 1024) } });
    expect(() => encodeTraces([over])).toThrow('values are longer than 67108864');
  });
});

describe('the options of encodeTraces', () => {
  test('are refused at the call if they are unknown, misspelt or no object', () => {
    expect(() => encodeTraces([], { onUnencodabel: () => {} } as never)).toThrow("did you mean 'onUnencodable'?");
    for (const options of [5, null, []])
      expect(() => encodeTraces([], options as never)).toThrow('encodeTraces options must be an object');
  });
});
