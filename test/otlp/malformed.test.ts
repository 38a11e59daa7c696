import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeTraces, encodeTraces } from '../../src/otlp/index.ts';
import { malformedBodies, wireCases } from '../support/data.ts';
import { randomRuns } from '../support/randomRuns.ts';
import { generatedSpans } from '../support/spans.ts';
import { NO_BYTES, verdictOf } from '../support/verdicts.ts';

const verdict = (bytes: Uint8Array) => verdictOf(() => decodeTraces(bytes));

describe('a malformed body', () => {
  test.each(malformedBodies())('with $name is refused by the typed error', ({ bytes }) => {
    expect(verdict(bytes)).toBe('reject');
    expect(verdict(new Uint8Array(bytes))).toBe('reject');
  });

  test('is refused with the reason and the place', () => {
    expect(() => decodeTraces(Buffer.from('0a0c120a12084a060a016b12010c', 'hex'))).toThrow(
      /^ExportTraceServiceRequest is malformed near byte \d+ of 14: /,
    );
  });

  test('that is not a Uint8Array is refused', () => {
    for (const wrong of NO_BYTES) expect(verdict(wrong)).toBe('reject');
  });
});

describe('the wire cases of other decoders', () => {
  // The reader is nowhere laxer than the table: what is left to applications (ids, their lengths) is told at encoding.
  test.each(wireCases())('$name: $expect', ({ bytes, expect: expected }) => {
    if (expected === 'app-level') expect(['accept', 'reject']).toContain(verdict(bytes));
    else expect(verdict(bytes)).toBe(expected.startsWith('reject') ? 'reject' : 'accept');
  });
});

describe('random bytes', () => {
  test('end in spans or in the typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        verdict(bytes);
      }),
      randomRuns(3000),
    );
  });

  test('inside a valid body end in spans or in the typed error', () => {
    const valid = encodeTraces(generatedSpans({ seed: 7, count: 5 }));
    const change = fc.tuple(fc.nat(valid.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(valid.length), (changes, length) => {
        const bytes = valid.slice();
        for (const [at, byte] of changes) bytes[at] = byte;
        verdict(bytes);
        verdict(bytes.subarray(0, length));
      }),
      randomRuns(2000),
    );
  });

  test('cut short anywhere end in spans or in the typed error', () => {
    const valid = encodeTraces(generatedSpans({ seed: 8, count: 3 }));
    for (let length = 0; length < valid.length; length++) verdict(valid.subarray(0, length));
    expect(verdict(valid.subarray(0, valid.length - 1))).toBe('reject');
  });
});

describe('nesting', () => {
  test('beyond 100 messages is refused, however deep', () => {
    for (const levels of [48, 1000, 20_000]) expect(verdict(nestedArrays(levels))).toBe('reject');
    expect(verdict(nestedArrays(47))).toBe('accept');
  });

  test('of groups is refused, however deep', () => {
    expect(verdict(new Uint8Array(1_000_000).fill(0x0b))).toBe('reject');
  });
});

/** A request with one attribute of arrays in arrays. */
function nestedArrays(levels: number): Uint8Array {
  let inner: Buffer = Buffer.from('0a0178', 'hex');
  for (let level = 0; level < levels; level++) inner = field(0x2a, field(0x0a, inner));
  return field(0x0a, field(0x12, field(0x12, field(0x4a, field(0x12, inner)))));
}

function field(tag: number, content: Buffer): Buffer {
  const length: number[] = [];
  let rest = content.length;
  for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Buffer.of(tag, ...length, rest), content]);
}
