import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attributeOf } from '../../../src/model/attributeOf.ts';
import { changedSpan, withAttributes } from '../../../src/model/changedSpan.ts';
import { encodeLogs, encodeTraces, viewLogs, viewTraces } from '../../../src/otlp/index.ts';
import { field } from '../../support/bombs.ts';
import { spanWith } from '../../support/spans.ts';
import { anySpans } from '../arbitrary.ts';
import { anyRecords } from '../logs/arbitrary.ts';

type Item = { readonly attributes: Attributes };

const SIGNALS = [
  { name: 'spans', any: anySpans, encode: encodeTraces, view: viewTraces },
  { name: 'log records', any: anyRecords, encode: encodeLogs, view: viewLogs },
] as unknown as {
  name: string;
  any: fc.Arbitrary<Item[]>;
  encode: (items: Item[]) => Uint8Array;
  view: typeof viewTraces;
}[];

const ids = [field(1, Buffer.alloc(16, 1)), field(2, Buffer.alloc(8, 1))];
const text = (value: string | Buffer) => field(1, Buffer.from(value));
const attribute = (key: string, value: string | Buffer) => field(9, text(key), field(2, text(value)));
const bodyOf = (...fields: Buffer[]) => field(1, field(2, field(2, ...ids, ...fields)));
const received = (...fields: Buffer[]) => viewTraces(bodyOf(...fields))[0] as ReadableSpan;

describe.each(SIGNALS)('an attribute of received $name', ({ any, encode, view }) => {
  test('is what it is among all attributes, whatever has been read before', () => {
    fc.assert(
      fc.property(any, fc.string(), fc.boolean(), (items, other, isReadBefore) => {
        const bytes = encode(items);
        const all = view(bytes).map(({ attributes }) => attributes);
        for (const [index, item] of view(bytes).entries()) {
          if (isReadBefore) void item.attributes;
          const expected = all[index] as Attributes;
          for (const key of Object.keys(expected)) expect(attributeOf(item, key)).toEqual(expected[key]);
          if (!Object.hasOwn(expected, other)) expect(attributeOf(item, other)).toBeUndefined();
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('an attribute of a received span', () => {
  test('is read without the others, each time', () => {
    const bytes = Buffer.from(encodeTraces([spanWith({ attributes: { 'http.route': '/first', other: 'before' } })]));
    const [span] = viewTraces(bytes) as [ReadableSpan];
    expect(attributeOf(span, 'http.route')).toBe('/first');
    bytes.write('/FIRST', bytes.indexOf('/first'));
    bytes.write('BEFORE', bytes.indexOf('before'));
    expect(attributeOf(span, 'http.route')).toBe('/FIRST');
    expect(span.attributes).toEqual({ 'http.route': '/FIRST', other: 'BEFORE' });
    bytes.write('/again', bytes.indexOf('/FIRST'));
    expect(attributeOf(span, 'http.route')).toBe('/FIRST'); // now they are there
  });

  test('is the last one where several have the key', () => {
    expect(attributeOf(received(attribute('a', '1'), attribute('b', '2'), attribute('a', '3')), 'a')).toBe('3');
  });

  test('is the same list or map for everybody', () => {
    const [span] = viewTraces(encodeTraces([spanWith({ attributes: { list: [1, 2] } })])) as [ReadableSpan];
    expect(attributeOf(span, 'list')).toBe(span.attributes.list);
  });

  test.each<[string, Buffer[], unknown]>([
    ['a key behind its value', [field(9, field(2, text('1')), text('a'))], '1'],
    ['a key after another one', [field(9, text('b'), text('a'), field(2, text('1')))], '1'],
    ['a key that another one follows', [field(9, text('a'), text('b'), field(2, text('1')))], undefined],
    ['a key without a value', [field(9, text('a'))], null],
    ['an empty value', [field(9, text('a'), field(2))], null],
    ['two values', [field(9, text('a'), field(2, text('1')), field(2, text('2')))], '2'],
    ['a long value', [attribute('a', 'v'.repeat(70_000))], 'v'.repeat(70_000)],
    ['an odd attribute of another key before it', [field(9, field(2, text('1')), text('b')), attribute('a', '1')], '1'],
    ['fields of high numbers', [field(100, text('x')), field(3000, text('x')), attribute('a', '1')], '1'],
    ['a group before it', [Buffer.from([0xa3, 0x06, 0xa4, 0x06]), attribute('a', '1')], '1'],
  ])('with %s is what it is among all', (_, fields, expected) => {
    expect(attributeOf(received(...fields), 'a')).toEqual(expected);
    expect(received(...fields).attributes.a).toEqual(expected);
  });

  test('of a long key, a key that is not ASCII or an empty key is found', () => {
    for (const key of ['k'.repeat(300), 'k'.repeat(128), 'schlüssel', ''])
      expect(attributeOf(received(attribute(key, '1')), key)).toBe('1');
  });

  test('that is not UTF-8 is told of once', () => {
    let told = 0;
    const options = { onMalformedText: () => (told += 1) };
    const [span] = viewTraces(bodyOf(attribute('a', Buffer.from([0xff]))), options) as [ReadableSpan];
    expect([attributeOf(span, 'a'), attributeOf(span, 'a'), span.attributes.a]).toEqual(['\ufffd', '\ufffd', '\ufffd']);
    expect(told).toBe(1);
  });

  test('that was replaced is the new one', () => {
    const span = received(attribute('a', '1'), attribute('b', '2'));
    expect(attributeOf(Object.create(span, { attributes: { value: { a: 'new' } } }), 'a')).toBe('new');
    expect(attributeOf(withAttributes(span, { a: 'new' }), 'a')).toBe('new');
    expect(attributeOf(withAttributes(span, { a: 'new' }), 'b')).toBe('2');
    expect(attributeOf(changedSpan(span, { attributes: { a: 'new' } }), 'b')).toBeUndefined();
  });
});

test('an attribute of any other span is its own, and not what every object inherits', () => {
  const span = spanWith({ attributes: { a: 1 } });
  expect(['a', 'b', 'constructor'].map((key) => attributeOf(span, key))).toEqual([1, undefined, undefined]);
  expect(attributeOf(received(attribute('a', '1')), 'constructor')).toBeUndefined();
});
