import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Ids } from '../../src/otlp/cache/internedIds.ts';
import { hrTimeOf } from '../../src/otlp/traces/decode/hrTime.ts';

function readAll(texts: readonly string[]): string[] {
  const ids = new Ids();
  const bytes = Buffer.from(texts.join(''), 'hex');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  return texts.map((text) => {
    const start = at;
    at += text.length / 2;
    return ids.read(bytes, view, start, at);
  });
}

describe('Ids', () => {
  test('reads every id as it is, though many share a slot and a hash', () => {
    // Few words, so that ids come again, and differ in the order of their words alone: their hash is the same.
    const word = fc.constantFrom('00000000', '00000001', 'ffffffff', '80000000');
    const id = fc.oneof(...[2, 4, 3, 0].map((words) => fc.array(word, { minLength: words, maxLength: words })));
    fc.assert(
      fc.property(fc.array(id, { maxLength: 60 }), (words) => {
        const texts = words.map((each) => each.join(''));
        expect(readAll(texts)).toEqual(texts);
      }),
      { numRuns: 1_000 },
    );
  });

  test('tells ids apart that differ in one word, or in their length', () => {
    const zeros = '00000000';
    const ids = [
      zeros.repeat(2),
      ...[0, 8, 16, 24].map((at) => `${zeros.repeat(at / 8)}00000080${zeros.repeat(3 - at / 8)}`),
    ];
    for (const first of [...ids, zeros.repeat(4)]) {
      for (const second of [...ids, zeros.repeat(4)]) {
        const texts = [first, first, second, second, first];
        expect(readAll(texts)).toEqual(texts);
      }
    }
  });
});

describe('hrTimeOf', () => {
  test('is exact, whatever time came before', () => {
    const near = fc.tuple(fc.constantFrom(0n, 1n, 4n, 5n, 1_700_000_000n, 18_446_744_073n), fc.bigInt(-3n, 3n));
    const nanos = fc.oneof(
      fc.bigInt(0n, 2n ** 64n - 1n),
      near.map(([seconds, more]) => seconds * 1_000_000_000n + more),
      fc.bigInt(0n, 2n ** 32n).map((less) => 1_700_000_000_000_000_000n + less),
    );
    fc.assert(
      fc.property(fc.array(nanos, { maxLength: 20 }), (times) => {
        for (const time of times.filter((each) => each >= 0n)) {
          const expected = [Number(time / 1_000_000_000n), Number(time % 1_000_000_000n)];
          expect(hrTimeOf(Number(time & 0xffff_ffffn), Number(time >> 32n))).toEqual(expected);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
