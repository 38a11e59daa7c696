import assert from 'node:assert/strict';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeTraces, encodeTraces } from '../../src/otlp/index.ts';
import { randomRuns } from '../support/randomRuns.ts';
import { spanWith } from '../support/spans.ts';
import { delimited } from '../support/wireWriter.ts';
import { protobufjsSpans } from './oracleDecode.ts';

/** More often than a string has to come before it is kept. */
const OFTEN = 4;

function body(attributes: object, name = 'a span'): Uint8Array {
  return encodeTraces([spanWith({ name, attributes: attributes as never })]);
}

/** A body of one span with entries as they are given: the bytes of each `KeyValue`. */
function bodyOf(...entries: Buffer[]): Buffer {
  const attributes = entries.map((entry) => field(0x4a, entry));
  return field(0x0a, field(0x12, field(0x12, text(0x2a, 'by hand'), ...attributes)));
}

function field(tag: number, ...content: Buffer[]): Buffer {
  return Buffer.concat([Buffer.of(tag), delimited(Buffer.concat(content))]);
}

const text = (tag: number, value: string): Buffer => field(tag, Buffer.from(value));
const entry = (key: string, value: string): Buffer => Buffer.concat([text(0x0a, key), field(0x12, text(0x0a, value))]);

function attributesOf(bytes: Uint8Array): [string, unknown][] {
  return Object.entries(decodeTraces(bytes)[0]?.attributes ?? {});
}

/** The spans, or that the body was refused. */
function outcome(decode: (bytes: Uint8Array) => ReadableSpan[], bytes: Uint8Array): unknown {
  try {
    return decode(bytes).map(({ spanContext, ...rest }) => rest);
  } catch {
    return 'refused';
  }
}

function decodeOften(bytes: Uint8Array): void {
  for (let turn = 0; turn < OFTEN; turn++) decodeTraces(bytes);
}

describe('attributes that come again', () => {
  test('equal those of protobufjs, in any order, with any values, after any others', () => {
    const values = fc.constantFrom<unknown>('GET', 'POST', '', 200, 0, 0.5, true, false, ['a', 'b'], -0, Number.NaN);
    const keys = fc.constantFrom('method', 'route', 'status', '1', '__proto__', 'k', 'é', 'x'.repeat(130));
    const sets = fc.array(fc.tuple(keys, values), { maxLength: 6 });
    const often = fc.tuple(sets, fc.integer({ min: 1, max: OFTEN }));
    fc.assert(
      fc.property(fc.array(often, { minLength: 1, maxLength: 6 }), (turns) => {
        for (const [entries, count] of turns) {
          const bytes = body(Object.fromEntries(entries));
          for (let turn = 0; turn < count; turn++)
            assert.deepStrictEqual(outcome(decodeTraces, bytes), outcome(protobufjsSpans, bytes));
        }
      }),
      randomRuns(300),
    );
  });

  test('differ where any byte differs', () => {
    const valid = body({ 'http.method': 'GET', status: 200, ratio: 0.25, cached: true, tags: ['a'] });
    for (let at = 0; at < valid.length; at++) {
      for (const change of [1, 2, 0x7f, 0x80, 0xff]) {
        const bytes = valid.slice();
        bytes[at] = (bytes[at] as number) ^ change;
        decodeOften(valid);
        assert.deepStrictEqual(outcome(decodeTraces, bytes), outcome(protobufjsSpans, bytes), `${at} ^ ${change}`);
      }
    }
  });

  test('are refused where their span ends inside them', () => {
    const whole = bodyOf(entry('http.method', 'GET'));
    decodeOften(whole);
    // The attribute stands there in full, but the span that it belongs to ends one byte before.
    const cut = Buffer.from(whole);
    for (const at of [1, 3, 5]) cut[at] = (cut[at] as number) - 1;
    expect(outcome(protobufjsSpans, cut)).toBe('refused');
    expect(() => decodeTraces(cut)).toThrow('a length beyond the end of its message');
  });

  test('have the last key and the last value of an entry that has several', () => {
    const twice = Buffer.concat([entry('first', 'a'), entry('second', 'b')]);
    const valueFirst = Buffer.concat([field(0x12, text(0x0a, 'v')), text(0x0a, 'key after')]);
    const wide = Buffer.concat([Buffer.of(0x8a, 0x00), delimited(Buffer.from('wide tag')), field(0x12)]);
    for (const [bytes, expected] of [
      [bodyOf(twice), ['second', 'b']],
      [bodyOf(entry('first', 'a')), ['first', 'a']],
      [bodyOf(twice), ['second', 'b']],
      [bodyOf(valueFirst), ['key after', 'v']],
      [bodyOf(wide), ['wide tag', null]],
    ] as const) {
      for (let turn = 0; turn < OFTEN; turn++) expect(attributesOf(bytes)).toEqual([expected]);
    }
  });

  test('keep the sign of a zero after a zero of the other sign', () => {
    for (const [before, after] of [
      [0, -0],
      [-0, 0],
    ]) {
      decodeOften(body({ ratio: before }, `after ${before}`));
      for (let turn = 0; turn < OFTEN; turn++)
        expect(attributesOf(body({ ratio: after }, `after ${before}`))).toEqual([['ratio', after]]);
    }
  });

  test('share no array and no map', () => {
    const bytes = body({ list: ['a', 'b'], map: { a: 1 } });
    decodeOften(bytes);
    const { attributes } = decodeTraces(bytes)[0] as ReadableSpan;
    (attributes.list as string[]).push('changed');
    Object.assign(attributes.map as object, { a: 2 });
    expect(attributesOf(bytes)).toEqual([
      ['list', ['a', 'b']],
      ['map', { a: 1 }],
    ]);
  });

  test('hold no memory of the body that they came in', () => {
    const first = body({ 'http.method': 'GET', 'http.route': '/cart' }, 'kept');
    const again = first.slice();
    decodeOften(first);
    first.fill(0xff);
    expect(attributesOf(again)).toEqual([
      ['http.method', 'GET'],
      ['http.route', '/cart'],
    ]);
  });
});
