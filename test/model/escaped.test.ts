import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { escaped } from '../../src/model/escaped.ts';
import { randomRuns } from '../support/randomRuns.ts';

describe('a string from outside', () => {
  test.each([
    ['a line break', 'one\r\ntwo', String.raw`one\r\ntwo`],
    ['a tab', 'a\tb', String.raw`a\tb`],
    ['NUL, backspace and DEL', '\0\b\x7f', String.raw`\u0000\u0008\u007f`],
    ['a terminal escape', '\x1b[31mred', String.raw`\u001b[31mred`],
    ['a terminal escape of C1', '\x9b2J\x85', String.raw`\u009b2J\u0085`],
    ['line and paragraph separators', 'a\u2028b\u2029c', String.raw`a\u2028b\u2029c`],
    ['characters that turn the direction', '\u202eabc\u2066\u200f\u061c', String.raw`\u202eabc\u2066\u200f\u061c`],
    ['invisible characters', '\ufeff\u200b\u00ad\u{e0041}', String.raw`\ufeff\u200b\u00ad\u{e0041}`],
    ['lone surrogates', 'a\ud800b\udc00', String.raw`a\ud800b\udc00`],
  ])('has %s escaped', (_what, text, expected) => {
    expect(escaped(text)).toBe(expected);
  });

  test('stays as it is where it is printable, in any language', () => {
    const text = String.raw`C:\temp "Grüße" 日本語 👩‍👧 می‌خواهم 𝒳 50 %`;
    expect(escaped(text)).toBe(text);
  });

  test('is one line of printable, well-formed characters, and escaping it again changes nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const line = escaped(text);
        expect(line).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u);
        expect(line.isWellFormed()).toBe(true);
        expect(escaped(line)).toBe(line);
      }),
      randomRuns(100),
    );
  });
});
