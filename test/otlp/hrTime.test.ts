import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hrTimeOf } from '../../src/otlp/decode/hrTime.ts';
import { randomRuns } from '../support/randomRuns.ts';

describe('hrTimeOf', () => {
  test('is exact for every time of 64 bits', () => {
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
      randomRuns(1_000),
    );
  });
});
