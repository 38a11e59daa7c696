// What the JSON encoder remembers from span to span, and what it does with spans that cannot be encoded.

import assert from 'node:assert/strict';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeTracesJson, encodeTraces, encodeTracesJson } from '../../src/otlp/index.ts';
import { randomRuns } from '../support/randomRuns.ts';
import { generatedSpans, spanWith } from '../support/spans.ts';
import { decodeRequest } from '../support/wire.ts';
import { anySpans } from './arbitrary.ts';

function parsed(spans: readonly ReadableSpan[], onUnencodable?: () => void): unknown {
  const bytes = encodeTracesJson(spans, onUnencodable && { onUnencodable });
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
}

/** What the independent reader of the wire says of the same spans. */
function expectCanonical(spans: readonly ReadableSpan[]): void {
  assert.deepStrictEqual(parsed(spans), decodeRequest(encodeTraces(spans)));
}

function withContext(context: object): Partial<ReadableSpan> {
  const whole = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1, ...context };
  return { spanContext: () => whole };
}

function throws(): never {
  throw new TypeError('the getter throws');
}

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

const circular: Record<string, unknown> = {};
circular.self = [circular];

describe('a string in JSON', () => {
  test('is read back unchanged, for any length and any characters', () => {
    const text = fc.string({
      unit: fc.oneof(fc.constantFrom('a', '"', '\\', '\n', '\u007f', 'é', '\ud800', '🛒')),
      maxLength: 60,
    });
    fc.assert(
      fc.property(text, text, (key, value) => {
        const [read] = decodeTracesJson(encodeTracesJson([spanWith({ name: value, attributes: { [key]: value } })]));
        expect(read?.name).toBe(value.toWellFormed());
        expect(read?.attributes).toEqual({ [key.toWellFormed()]: value.toWellFormed() });
      }),
      randomRuns(1000),
    );
  });

  test('may be longer than all that was written before', () => {
    for (const value of ['x'.repeat(1e6), 'é'.repeat(1e6), '\u0000'.repeat(1e6), '🛒'.repeat(1e6)]) {
      const [read] = decodeTracesJson(encodeTracesJson([spanWith({ name: value, attributes: { value } })]));
      expect(read?.name === value && read.attributes.value === value).toBe(true);
    }
  });
});

describe('numbers in JSON', () => {
  test('are read back unchanged', () => {
    const number = fc.oneof(
      fc.double(),
      fc.integer(),
      fc.maxSafeInteger(),
      fc.constantFrom(0, -1, 1e9, 1e9 - 1, 2 ** 53, 1e21),
    );
    fc.assert(
      fc.property(fc.array(number, { maxLength: 5 }), (values) => {
        const attributes = { values, one: values[0] } as never;
        const [read] = decodeTracesJson(encodeTracesJson([spanWith({ attributes })]));
        expect(read?.attributes.values).toEqual(values);
        if (values.length > 0) expect(read?.attributes.one).toBe(values[0]);
      }),
      randomRuns(1000),
    );
  });

  test.each<[number, number]>([
    [0, 0],
    [0, 1],
    [1, 0],
    [999_999_999, 999_999_999],
    [1_000_000_000, 0],
    [1_000_000_000, 7],
    [9_999_999_999, 999_999_999],
    [10_000_000_000, 1],
    [18_446_744_073, 709_551_615],
    [5, -1],
    [5, 1e9],
    [5, 0.6],
  ])('are exact in the time [%d, %d]', (seconds, nanos) => {
    const time: [number, number] = [seconds, nanos];
    const later: [number, number] = [1_734_093_473, 5];
    expectCanonical([spanWith({ startTime: later, endTime: time }), spanWith({ startTime: time, endTime: later })]);
  });
});

describe('what comes again', () => {
  test('are ids, which are the same in either case, of a trace and of a parent', () => {
    const lower = 'abcdef0123456789abcdef0123456789';
    const ids = [lower, lower.toUpperCase(), lower, lower, '1'.repeat(32), lower, lower];
    const spans = ids.map((traceId, at) => {
      const parentSpanContext = { traceId, spanId: traceId.slice(at % 2, 16 + (at % 2)), traceFlags: 0 };
      return spanWith({ ...withContext({ traceId }), parentSpanContext });
    });
    expectCanonical(spans);
    const read = decodeTracesJson(encodeTracesJson(spans));
    expect(read.map((span) => span.spanContext().traceId)).toEqual(ids.map((id) => id.toLowerCase()));
  });

  test('is never taken from a span that was left out', () => {
    const trace = (digit: string): Partial<ReadableSpan> => withContext({ traceId: digit.repeat(32) });
    const bad: Partial<ReadableSpan> = { startTime: [-1, 0] };
    const good = [trace('a'), trace('b'), trace('b'), trace('a'), trace('a')].map((parts) => spanWith(parts));
    const [one, two, three, four, five] = good as [
      ReadableSpan,
      ReadableSpan,
      ReadableSpan,
      ReadableSpan,
      ReadableSpan,
    ];
    const withBad = [
      one,
      spanWith({ ...trace('b'), ...bad }),
      two,
      three,
      spanWith({ ...trace('a'), ...bad }),
      four,
      five,
    ];
    const text = JSON.stringify(parsed(withBad, () => {}));
    expect(decodeTracesJson(text).map((span) => span.spanContext().traceId[0])).toEqual(['a', 'b', 'b', 'a', 'a']);
  });

  test('are keys, texts and names, more than are remembered', () => {
    const spans = Array.from({ length: 1500 }, (_, at) =>
      spanWith({
        name: `name ${at % 100}`,
        attributes: { [`key ${at % 700}`]: `text ${at % 90}`, always: at % 3 === 0 },
      }),
    );
    expectCanonical(spans);
    expectCanonical(spans);
  });

  test('are resources and scopes, in turn, over more than one text of the request', () => {
    const { resource } = spanWith();
    const resources = Array.from({ length: 3 }, (_, n) => ({
      ...resource,
      attributes: { n },
      schemaUrl: n > 0 ? `é"${n}` : '',
    }));
    const scopes = Array.from({ length: 3 }, (_, n) => ({ name: `scope ${n}`, schemaUrl: n > 1 ? 'https://x/ü' : '' }));
    const spans = generatedSpans({ seed: 3, count: 900 }).map((span, at) =>
      Object.assign(Object.create(Object.getPrototypeOf(span)), span, {
        resource: resources[at % 3],
        instrumentationScope: scopes[Math.floor(at / (at < 450 ? 1 : 50)) % 3],
        ...(at % 7 === 0 && { startTime: [-1, 0] }),
      }),
    ) as ReadableSpan[];
    const good = spans.filter((_, at) => at % 7 !== 0);
    assert.deepStrictEqual(
      parsed(spans, () => {}),
      parsed(good),
    );
    const bytes = encodeTraces(good);
    expect(
      Buffer.compare(encodeTraces(decodeTracesJson(encodeTracesJson(spans, { onUnencodable: () => {} }))), bytes),
    ).toBe(0);
  });

  test('stays what it is, whatever is encoded afterwards', () => {
    fc.assert(
      fc.property(anySpans, anySpans, (spans, others) => {
        const bytes = encodeTracesJson(spans);
        const copy = bytes.slice();
        encodeTracesJson(others);
        expect(Buffer.compare(bytes, copy)).toBe(0);
        expect(Buffer.compare(encodeTracesJson(spans), copy)).toBe(0);
      }),
      randomRuns(200),
    );
  });

  test('is right where reading a span encodes other spans', () => {
    const inner = generatedSpans({ seed: 1, count: 20 });
    const expected = encodeTracesJson(inner);
    const bodies: Uint8Array[] = [];
    const attributes = Object.defineProperty({ before: 'x' }, 'late', {
      enumerable: true,
      get: () => bodies.push(encodeTracesJson(inner)),
    });
    const read = decodeTracesJson(encodeTracesJson([spanWith(), spanWith({ attributes }), spanWith()]));
    expect(read[1]?.attributes).toEqual({ before: 'x', late: 1 });
    expect(bodies).toEqual([expected]);
  });
});

const hostile: Record<string, Partial<ReadableSpan>> = {
  'a circular value': { attributes: circular as never },
  '48 arrays in each other': { attributes: { a: nested(48) } as never },
  'values without end': { attributes: { a: new Array(2 ** 32 - 1) } },
  'a text that multiplies': { attributes: { a: new Array(1000).fill('x'.repeat(1e6)) } },
  'a trace id that is too short': withContext({ traceId: 'abc' }),
  'a trace id of other digits': withContext({ traceId: '\u0130'.repeat(32) }),
  'a trace id that is no string': withContext({ traceId: 7 }),
  'no span id': withContext({ spanId: '' }),
  'a strange parent id': { parentSpanContext: { traceId: '', spanId: 'x', traceFlags: 0 } },
  'a link to nowhere': { links: [{ context: { traceId: '1', spanId: '', traceFlags: 0 } }] },
  'a time that is not finite': { startTime: [Number.NaN, 0] },
  'a time beyond 64 bits': { endTime: [18_446_744_074, 0] },
  'no context': { spanContext: throws },
  'no resource': { resource: undefined as never },
  'a resource with a circular value': { resource: { ...spanWith().resource, attributes: circular as never } },
  'a scope that throws': { instrumentationScope: Object.defineProperty({ name: '' }, 'version', { get: throws }) },
  'a schema url that is no text': { instrumentationScope: { name: '', schemaUrl: { toString: throws } as never } },
};

describe.each(Object.entries(hostile))('a span with %s', (_, parts) => {
  const strange = (): ReadableSpan => Object.defineProperties(spanWith(), Object.getOwnPropertyDescriptors(parts));

  test('is left out of JSON for the reason for which it is left out of the binary form', () => {
    const reasons = [encodeTraces, encodeTracesJson].map((encode) => {
      const said: string[] = [];
      const spans = [spanWith(), strange(), spanWith()];
      encode(spans, {
        onUnencodable: (span, error) => said.push(`${error.code} ${spans.indexOf(span)} ${error.message}`),
      });
      return said;
    });
    expect(reasons[1]).toEqual(reasons[0]);
    expect(reasons[1]).toHaveLength(1);
  });

  test('leaves nothing behind', () => {
    expect(parsed([strange()], () => {})).toEqual({});
    const { resource, instrumentationScope } = spanWith();
    const [before, after] = ['a', 'b'].map((name) => spanWith({ name, resource, instrumentationScope }));
    const spans = [before, strange(), after] as ReadableSpan[];
    expect(parsed(spans, () => {})).toEqual(parsed([before, after] as ReadableSpan[]));
  });
});
