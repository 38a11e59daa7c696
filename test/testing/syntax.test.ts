import { describe, expect, it } from 'vitest';
import { MarbleFailure } from '../../src/testing/index.ts';
import { parseMarbles, parseSubscription, parseTime } from '../../src/testing/marbles/syntax.ts';

const marksOf = (marbles: string) =>
  parseMarbles(marbles, 'expected').marks.map((mark) => {
    if (mark.kind === 'next') return `${mark.frame} ${mark.letter}`;
    return `${mark.frame} ${mark.kind === 'batch' ? `[${mark.letters.join('')}]` : mark.kind}`;
  });

describe('marbles', () => {
  it.each([
    ['-a-b-|', ['1 a', '3 b', '5 complete']],
    [' - a   - # ', ['1 a', '3 error']],
    ['(ab)c', ['0 a', '0 b', '4 c']],
    ['-(ab|)', ['1 a', '1 b', '1 complete']],
    ['--[abc]-d', ['2 [abc]', '8 d']],
    ['-([ab][c]|)', ['1 [ab]', '1 [c]', '1 complete']],
    ['10ms a 2s b 1m c', ['10 a', '2011 b', '62012 c']],
    ['1.5s a', ['1500 a']],
    ['a10ms', ['0 a', '1 1', '2 0', '3 m', '4 s']],
    ['10msa', ['0 1', '1 0', '2 m', '3 s', '4 a']],
    ['😀-é', ['0 😀', '2 é']],
    ['', []],
  ])('%j', (marbles, expected) => expect(marksOf(marbles)).toEqual(expected));

  it('are as long as their string', () => {
    expect(parseMarbles('-[ab]-', 'expected').frames).toBe(6);
    expect(parseMarbles('--^--a 10ms', 'hot')).toEqual({
      frames: 14,
      marks: [{ kind: 'next', frame: 3, letter: 'a' }],
    });
  });

  it.each([
    ['-(a', 'this ( is never closed', 1],
    ['[ab', 'this [ is never closed', 0],
    ['a)', 'no ( before it', 1],
    ['a]', 'no [ before it', 1],
    ['[]', 'a batch is never empty', 1],
    ['[a|]', 'a batch holds letters, not |', 2],
    ['((a))', 'a group holds no other group', 1],
    ['|a', 'nothing comes after the end', 1],
    ['(a|b)', 'nothing comes after the end', 3],
    ['a^', 'only a hot source and a subscription have ^', 1],
    ['a!', 'only a subscription has !', 1],
    ['(a 5ms b)', 'no time passes inside of brackets', 7],
  ])('%j is refused: %s', (marbles, rule, at) => {
    const message = `these marbles cannot be read: ${rule}\n\n  ${marbles}\n  ${' '.repeat(at)}^`;
    expect(() => parseMarbles(marbles, 'expected')).toThrow(new MarbleFailure(message));
  });
});

describe('subscriptions', () => {
  it.each([
    ['--^--!', 2, 5],
    ['^', 0, Number.POSITIVE_INFINITY],
    ['---!', Number.POSITIVE_INFINITY, 3],
    ['-(^!)', 1, 1],
    ['100ms ^ 2s !', 100, 2101],
  ])('%j', (marbles, subscribedFrame, unsubscribedFrame) => {
    expect(parseSubscription(marbles)).toEqual({ subscribedFrame, unsubscribedFrame });
  });

  it.each(['a', '^^', '^!!', '(^!'])('%j is refused', (marbles) => {
    expect(() => parseSubscription(marbles)).toThrow('these marbles cannot be read');
  });
});

it('a time is the frame of its |', () => {
  expect(parseTime('---|')).toBe(3);
  expect(parseTime('1s |')).toBe(1_000);
  expect(() => parseTime('---')).toThrow('a time ends with |');
});
