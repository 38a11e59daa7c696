import { describe, expect, test } from 'vitest';
import {
  adjustedCountOf,
  explicitRandomness,
  isSampled,
  KEEP_ALL,
  MIN_RATIO,
  randomnessOf,
  sampledEntry,
  thresholdIn,
  thresholdOf,
} from '../../src/strategies/consistentSampling.ts';
import { seededRandom } from '../support/random.ts';

/** The thresholds with 4 digits in the table of OpenTelemetry's specification, and the counts that it works out. */
const SPECIFIED = [
  [1, '0', 1],
  [1 / 2, '8', 2],
  [1 / 3, 'aaab', 3.00004577706569],
  [1 / 4, 'c', 4],
  [1 / 5, 'cccd', 5.0000762951094835],
  [1 / 8, 'e', 8],
  [1 / 10, 'e666', 9.99938968568813],
  [1 / 16, 'f', 16],
  [1 / 100, 'fd70a', 99.99771123402633],
  [1 / 1_000, 'ffbe77', 1000.012874769029],
  [1 / 10_000, 'fff9724', 9999.830725674266],
  [1 / 100_000, 'ffff583a', 99999.238556461],
  [1 / 1_000_000, 'ffffef39', 999992.38556461],
] as const;

describe('thresholdOf', () => {
  test.each(SPECIFIED)('%d is %s', (ratio, digits, count) => {
    const threshold = thresholdOf(ratio);
    expect(threshold).toBe(digits.padEnd(14, '0'));
    expect(adjustedCountOf(threshold)).toBeCloseTo(count, 4);
  });

  test('the least ratio rejects all traces but one of 2 ** 56', () => {
    expect(thresholdOf(MIN_RATIO)).toBe('f'.repeat(14));
    expect(isSampled('f'.repeat(14), thresholdOf(MIN_RATIO))).toBe(true);
  });

  test('a larger ratio never has a higher threshold, and keeps what a smaller one keeps', () => {
    const random = seededRandom(7);
    const ratios = Array.from({ length: 500 }, () => Math.max(MIN_RATIO, random() ** 6)).sort((a, b) => b - a);
    const thresholds = ratios.map(thresholdOf);
    expect(thresholds).toEqual(thresholds.toSorted());
    expect(thresholds.every((threshold) => /^[0-9a-f]{14}$/.test(threshold))).toBe(true);
  });
});

describe('the randomness of a trace', () => {
  test('is the last 56 bits of its id', () => {
    expect(randomnessOf('0123456789ABCDEF0123456789ABCDEF')).toBe('23456789abcdef');
  });

  test.each([
    ['rv:6e6d1a75832a2f', '6e6d1a75832a2f'],
    ['th:8;rv:6E6D1A75832A2F', '6e6d1a75832a2f'],
    ['rv:6e6d1a75832a2', undefined],
    ['rv:6e6d1a75832a2g', undefined],
    ['xrv:6e6d1a75832a2f', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%s says %s', (entry, randomness) => expect(explicitRandomness(entry)).toBe(randomness));
});

describe('thresholdIn', () => {
  test.each([
    ['th:0', '00000000000000'],
    ['th:8', '80000000000000'],
    ['rv:6e6d1a75832a2f;th:fd70a', 'fd70a000000000'],
    ['th:FD70A', 'fd70a000000000'],
    ['th:', undefined],
    ['th:123456789abcdef', undefined],
    ['th:g', undefined],
    [undefined, undefined],
  ])('%s says %s', (entry, threshold) => expect(thresholdIn(entry)).toBe(threshold));
});

describe('sampledEntry', () => {
  const R = 'c0000000000000';
  const long = `x:${'y'.repeat(240)}`;
  const cases: readonly [before: string | undefined, threshold: string, after: string | undefined, why: string][] = [
    [undefined, '80000000000000', 'th:8', 'a threshold is set'],
    ['rv:c0000000000000', '80000000000000', 'th:8;rv:c0000000000000', 'the identical rv goes on'],
    ['th:4', '80000000000000', 'th:8', 'it is raised'],
    ['th:c', '80000000000000', 'th:c', 'it is not lowered'],
    ['th:c', KEEP_ALL, 'th:c', 'what is certain to be kept is as likely as before'],
    [undefined, KEEP_ALL, undefined, 'and says nothing where nothing was said'],
    ['th:4', 'unknown', undefined, 'an unknown probability erases it'],
    ['p:8;th:4', 'unknown', 'p:8', 'and nothing else'],
    [undefined, 'unknown', undefined, 'there is nothing to erase'],
    ['th:d', '80000000000000', undefined, 'one that would have dropped this trace is inconsistent, and is erased'],
    [long, '80000000000001', long, 'a list of more than 256 characters is not written'],
  ];
  test.each(cases)('%s at %s becomes %s: %s', (before, threshold, after) => {
    expect(sampledEntry(before, R, threshold)).toBe(after);
  });
});
