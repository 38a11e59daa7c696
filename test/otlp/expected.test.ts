import assert from 'node:assert/strict';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ExpectedAttribute, expectedOf } from '../../src/otlp/cache/expectedAttribute.ts';
import { KnownBytes } from '../../src/otlp/cache/knownBytes.ts';
import { decodeTraces, encodeTraces } from '../../src/otlp/index.ts';
import { seeded, spanWith } from '../support/spans.ts';
import { delimited } from '../support/wireWriter.ts';
import { protobufjsSpans } from './oracleDecode.ts';

/** More often than a value has to come before it is expected. */
const OFTEN = 8;

function body(attributes: object, name = 'expected'): Uint8Array {
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

/** Or that it was refused. */
function outcome(decode: (bytes: Uint8Array) => ReadableSpan[], bytes: Uint8Array): unknown {
  try {
    return decode(bytes).map(({ spanContext, ...rest }) => rest);
  } catch {
    return 'refused';
  }
}

function train(bytes: Uint8Array): void {
  for (let turn = 0; turn < OFTEN; turn++) decodeTraces(bytes);
}

describe('attributes of which something is expected', () => {
  test('are what they are, in any order, with any values, whatever came before', () => {
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
      { numRuns: 300 },
    );
  });

  test('are not taken for what they are not, whichever byte is another', () => {
    const valid = body({ 'http.method': 'GET', status: 200, ratio: 0.25, cached: true, tags: ['a'] });
    for (let at = 0; at < valid.length; at++) {
      for (const change of [1, 2, 0x7f, 0x80, 0xff]) {
        const bytes = valid.slice();
        bytes[at] = (bytes[at] as number) ^ change;
        train(valid);
        assert.deepStrictEqual(outcome(decodeTraces, bytes), outcome(protobufjsSpans, bytes), `${at} ^ ${change}`);
      }
    }
  });

  test('are refused where the message ends inside them', () => {
    const whole = bodyOf(entry('http.method', 'GET'));
    train(whole);
    // The attribute stands there in full, but the span that it belongs to ends one byte before.
    const cut = Buffer.from(whole);
    for (const at of [1, 3, 5]) cut[at] = (cut[at] as number) - 1;
    expect(outcome(protobufjsSpans, cut)).toBe('refused');
    expect(() => decodeTraces(cut)).toThrow('a length beyond the end of its message');
  });

  test('have the last of several keys and values in one entry', () => {
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

  test('keep the sign of a zero, whichever sign came before', () => {
    for (const [before, after] of [
      [0, -0],
      [-0, 0],
    ]) {
      train(body({ ratio: before }, `after ${before}`));
      for (let turn = 0; turn < OFTEN; turn++)
        expect(attributesOf(body({ ratio: after }, `after ${before}`))).toEqual([['ratio', after]]);
    }
  });

  test('share no value that can be changed', () => {
    const bytes = body({ list: ['a', 'b'], map: { a: 1 } });
    train(bytes);
    const { attributes } = decodeTraces(bytes)[0] as ReadableSpan;
    (attributes.list as string[]).push('changed');
    Object.assign(attributes.map as object, { a: 2 });
    expect(attributesOf(bytes)).toEqual([
      ['list', ['a', 'b']],
      ['map', { a: 1 }],
    ]);
  });

  test('hold nothing of the bodies that they came in', () => {
    const first = body({ 'http.method': 'GET', 'http.route': '/cart' }, 'kept');
    const again = first.slice();
    train(first);
    first.fill(0xff);
    expect(attributesOf(again)).toEqual([
      ['http.method', 'GET'],
      ['http.route', '/cart'],
    ]);
  });
});

describe('what is expected', () => {
  const view = new DataView(new ArrayBuffer(8));
  const expected = () => new ExpectedAttribute('key', new KnownBytes(view, 0, 4));

  test('is a value that came several times in turn', () => {
    const attribute = expected();
    for (let turn = 0; turn < 3; turn++) attribute.found('a', view, 0, 8);
    expect(attribute.whole).toBeUndefined();
    for (let turn = 0; turn < OFTEN; turn++) attribute.found('a', view, 0, 8);
    expect(attribute).toMatchObject({ value: 'a', whole: { length: 8 } });
  });

  test('is looked for ever more seldom where values change, and found again when they come to rest', () => {
    const attribute = expected();
    for (let index = 0; index < 10_000; index++) attribute.found(`value ${index}`, view, 0, 8);
    for (let index = 0; index < 100; index++) attribute.found('calm', view, 0, 8);
    expect(attribute.whole).toBeUndefined();
    for (let index = 0; index < 2_000; index++) attribute.found('calm', view, 0, 8);
    expect(attribute.value).toBe('calm');
  });

  test('is known for nine in ten of attributes that mostly repeat', () => {
    const random = seeded(3);
    let seen = 0;
    const counted = new (class extends ExpectedAttribute {
      override found(...given: Parameters<ExpectedAttribute['found']>): void {
        seen += 1;
        super.found(...given);
      }
    })('k', new KnownBytes(view, 0, 4));
    for (let index = 0; index < 10_000; index++) {
      const value = random() < 0.95 ? 'usual' : `rare ${index}`;
      if (counted.value !== value) counted.found(value, view, 0, 8);
    }
    expect(seen).toBeLessThan(1_000);
  });

  test('stays what it is where another key stands there now and then, and changes with it where it goes on', () => {
    for (let turn = 0; turn < OFTEN; turn++) {
      decodeTraces(body({ usual: 1 }, 'optional'));
      decodeTraces(body({ [`rare ${turn}`]: 1 }, 'optional'));
    }
    expect(expectedOf('optional')[0]?.key).toBe('usual');
    for (let turn = 0; turn < 2; turn++) train(body({ other: 1 }, 'optional'));
    expect(expectedOf('optional')[0]).toMatchObject({ key: 'other', value: 1 });
  });

  test('is likewise for events, by their names', () => {
    const events = [{ time: [1, 0] as [number, number], name: 'an event', attributes: { 'exception.type': 'Error' } }];
    train(encodeTraces([spanWith({ events })]));
    expect(expectedOf('an event')).toMatchObject([{ key: 'exception.type', value: 'Error' }]);
  });

  test('is nothing that is long', () => {
    train(body({ ['k'.repeat(130)]: 1, 'behind it': 2 }, 'long key'));
    expect(expectedOf('long key')).toMatchObject([undefined, { key: 'behind it', value: 2 }]);
    train(body({ text: 'x'.repeat(130), 'behind it': 2 }, 'long value'));
    expect(expectedOf('long value')).toMatchObject([
      { key: 'text', value: undefined },
      { key: 'behind it', value: 2 },
    ]);
  });

  test('is remembered of a bounded number of names and attributes', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`attribute.${index}`, index]));
    train(body(many, 'many'));
    expect(expectedOf('many').length).toBe(32);
    const lists = new Set<object>();
    for (let index = 0; index < 100_000; index++) lists.add(expectedOf(`name ${index}`));
    expect(lists.size).toBeLessThan(10_000);
    train(body(many, 'many'));
    expect(attributesOf(body(many, 'many'))).toEqual(Object.entries(many));
  });
});
