import assert from 'node:assert/strict';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { SpanflowError } from '../../src/model/errors.ts';
import { decodeTraces, decodeTracesJson, encodeTraces, encodeTracesJson } from '../../src/otlp/index.ts';
import { astronomy, pairs } from '../support/data.ts';
import { randomRuns } from '../support/randomRuns.ts';
import { generatedSpans, spanWith } from '../support/spans.ts';
import { decodeRequest } from '../support/wire.ts';
import { anySpans } from './arbitrary.ts';

const typed = expect.objectContaining({ name: 'SpanflowError', code: 'MALFORMED_MESSAGE' });

function parsed(spans: readonly ReadableSpan[]): unknown {
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(encodeTracesJson(spans)));
}

/** `JSON.stringify` has no sign for -0, proto3 JSON takes it as a string. */
function signedZeros(value: unknown): unknown {
  if (Object.is(value, -0)) return '-0';
  if (Array.isArray(value)) return value.map(signedZeros);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, signedZeros(inner)]));
}

/** What the independent reader of the wire says of the same spans, in canonical OTLP/JSON. */
function expectCanonical(spans: readonly ReadableSpan[]): void {
  assert.deepStrictEqual(parsed(spans), signedZeros(decodeRequest(encodeTraces(spans))));
}

describe('encodeTracesJson', () => {
  test('says in canonical OTLP/JSON what the binary form says: recorded spans', () => {
    let count = 0;
    for (const bytes of astronomy().requests()) if (count++ % 8 === 0) expectCanonical(decodeTraces(bytes));
  });

  test('says in canonical OTLP/JSON what the binary form says: generated spans', () => {
    for (let seed = 0; seed < 20; seed++) expectCanonical(generatedSpans({ seed, count: 50 }));
  });

  test('says in canonical OTLP/JSON what the binary form says: any spans', () => {
    fc.assert(fc.property(anySpans, expectCanonical), randomRuns(400));
  });

  test('writes what JSON has no form for as proto3 JSON has it', () => {
    const attributes = {
      nan: Number.NaN,
      inf: Number.NEGATIVE_INFINITY,
      zero: -0,
      big: 2n ** 62n,
      bytes: Uint8Array.of(251, 255),
    };
    const text = new TextDecoder().decode(encodeTracesJson([spanWith({ attributes: attributes as never })]));
    expect(text).toContain('{"key":"nan","value":{"doubleValue":"NaN"}}');
    expect(text).toContain('{"key":"inf","value":{"doubleValue":"-Infinity"}}');
    expect(text).toContain('{"key":"zero","value":{"doubleValue":"-0"}}');
    expect(text).toContain('{"key":"big","value":{"intValue":"4611686018427387904"}}');
    expect(text).toContain('{"key":"bytes","value":{"bytesValue":"+/8="}}');
    expect(text).toContain('"startTimeUnixNano":"1734093473340566001"');
  });

  test('escapes what must be escaped, and nothing of it twice', () => {
    const name = Array.from({ length: 0x100 }, (_, unit) => String.fromCharCode(unit))
      .join('')
      .repeat(50);
    expectCanonical([spanWith({ name: `${name}"\\\u2028\ud800🛒` })]);
  });

  test('makes an empty object of no spans, in memory of its own', () => {
    expect(parsed([])).toEqual({});
    const bytes = encodeTracesJson([spanWith()]);
    const copy = bytes.slice();
    expect(bytes.buffer.byteLength).toBe(bytes.length);
    encodeTracesJson([spanWith({ name: 'another' })]);
    expect(Buffer.compare(bytes, copy)).toBe(0);
  });

  test('tells of a span that cannot be encoded, as the binary form does', () => {
    const onUnencodable = vi.fn();
    const spans = [spanWith({ startTime: [-1, 0] }), spanWith({ name: 'stays' })];
    const decoded = decodeTracesJson(encodeTracesJson(spans, { onUnencodable }));
    expect(decoded.map(({ name }) => name)).toEqual(['stays']);
    expect(onUnencodable).toHaveBeenCalledTimes(1);
    expect(() => encodeTracesJson(spans)).toThrow(SpanflowError);
  });
});

describe('decodeTracesJson', () => {
  test('reads each recorded request as its binary twin is read', () => {
    const set = astronomy();
    const twins = set.twins();
    let count = 0;
    for (const bytes of set.requests()) {
      const twin = twins.next().value;
      if (count++ % 8 !== 0) continue;
      const ours = encodeTraces(decodeTracesJson(JSON.stringify(twin)));
      expect(Buffer.compare(ours, encodeTraces(decodeTraces(bytes)))).toBe(0);
    }
  });

  test('reads each of the pairs as its binary twin is read', () => {
    const onUnencodable = (): void => {};
    for (const { name, bytes, json } of pairs()) {
      const ours = encodeTraces(decodeTracesJson(JSON.stringify(json)), { onUnencodable });
      expect(Buffer.compare(ours, encodeTraces(decodeTraces(bytes), { onUnencodable })), name).toBe(0);
    }
  });

  test('gives any spans back as the binary form does, from text and from bytes', () => {
    fc.assert(
      fc.property(anySpans, (spans) => {
        const json = encodeTracesJson(spans);
        const expected = encodeTraces(decodeTraces(encodeTraces(spans)));
        expect(Buffer.compare(encodeTraces(decodeTracesJson(json)), expected)).toBe(0);
        expect(Buffer.compare(encodeTraces(decodeTracesJson(new TextDecoder().decode(json))), expected)).toBe(0);
      }),
      randomRuns(300),
    );
  });

  test('reads any integer exactly, as digits in a string or as a number', () => {
    fc.assert(
      fc.property(
        fc.bigInt(0n, 2n ** 64n - 1n),
        fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
        fc.nat(9),
        (time, int, zeros) => {
          for (const quote of ['"', '']) {
            const digits = `${quote === '"' ? '0'.repeat(Math.min(zeros, 20 - `${time}`.length)) : ''}${time}`;
            const attributes = `[{"key":"k","value":{"intValue":${quote}${int}${quote}}}]`;
            const span = `{"startTimeUnixNano":${quote}${digits}${quote},"attributes":${attributes}}`;
            const [read] = decodeTracesJson(`{"resourceSpans":[{"scopeSpans":[{"spans":[${span}]}]}]}`);
            expect(read?.startTime).toEqual([Number(time / 1_000_000_000n), Number(time % 1_000_000_000n)]);
            expect(BigInt(read?.attributes.k as number)).toBe(int);
          }
        },
      ),
      randomRuns(1000),
    );
  });

  test.each<[string, bigint, bigint]>([
    ['droppedAttributesCount', 0n, 2n ** 32n - 1n],
    ['flags', 0n, 2n ** 32n - 1n],
    ['endTimeUnixNano', 0n, 2n ** 64n - 1n],
  ])('takes %s from %d to %d, and nothing beyond', (name, least, most) => {
    const read = (value: bigint, quote: string): unknown =>
      decodeTracesJson(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"${name}":${quote}${value}${quote}}]}]}]}`);
    for (const quote of ['"', '']) {
      for (const value of [least, most]) expect(() => read(value, quote)).not.toThrow();
      for (const value of [least - 1n, most + 1n]) expect(() => read(value, quote)).toThrow(typed);
    }
  });

  test('leaves what was read as it is when something else is read', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const [one, other] = [spanWith({ name: 'one', attributes: { bytes } as never }), spanWith({ name: 'other' })];
    const read = decodeTracesJson(encodeTracesJson([one]));
    const before = encodeTraces(read);
    decodeTracesJson(encodeTracesJson([other, other, other]));
    expect(Buffer.compare(encodeTraces(read), before)).toBe(0);
    expect(read[0]?.attributes.bytes).toEqual(bytes);
  });

  test.each<[string, unknown]>([
    ['no text', 7],
    ['no text', null],
    ['no text', {}],
    ['no JSON', '{'],
    ['no UTF-8', Buffer.from('7b2261223a22ff227d', 'hex')],
    ['an array at the top', '[]'],
    ['null at the top', 'null'],
  ])('refuses %s: %j', (_, json) => {
    expect(() => decodeTracesJson(json as string)).toThrow(typed);
  });

  test('says where and what is wrong', () => {
    const json = '{"resourceSpans":[{},{"scopeSpans":[{"spans":[{"kind":true}]}]}]}';
    expect(() => decodeTracesJson(json)).toThrow(
      'the OTLP/JSON request is malformed: resourceSpans[1].scopeSpans[0].spans[0].kind must be an integer',
    );
  });
});
