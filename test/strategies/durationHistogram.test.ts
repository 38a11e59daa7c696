import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DurationHistogram } from '../../src/strategies/durationHistogram.ts';
import { randomRuns } from '../support/randomRuns.ts';

function summaryOf(durations: readonly number[]) {
  const histogram = new DurationHistogram();
  for (const millis of durations) histogram.add(millis);
  return histogram.summary();
}

describe('DurationHistogram', () => {
  it('of nothing is all zeros', () => {
    expect(summaryOf([])).toEqual({ count: 0, mean: 0, p50: 0, p95: 0, p99: 0, max: 0 });
  });

  it('has quantiles that are at most 9 % too high, and never too low', () => {
    const durations = fc.array(fc.double({ min: 0.125, max: 4_000_000, noNaN: true }), { minLength: 1 });
    const holds = (given: number[]) => {
      const sorted = given.toSorted((one, other) => one - other);
      const summary = summaryOf(given);
      for (const [name, ratio] of [
        ['p50', 0.5],
        ['p95', 0.95],
        ['p99', 0.99],
      ] as const) {
        const exact = sorted[Math.ceil(ratio * sorted.length) - 1] as number;
        expect(summary[name]).toBeGreaterThanOrEqual(exact * (1 - 1e-12));
        expect(summary[name]).toBeLessThanOrEqual(exact * 1.0906);
      }
      expect(summary.max).toBe(sorted.at(-1));
      expect(summary.count).toBe(given.length);
    };
    fc.assert(fc.property(durations, holds), randomRuns(200));
  });

  it('takes what is below its first bucket and above its last one', () => {
    expect(summaryOf([0, 0, 0.001])).toMatchObject({ count: 3, p50: 0.001, max: 0.001 });
    const hours = 1e9;
    expect(summaryOf([hours]).max).toBe(hours);
    expect(summaryOf([hours]).p99).toBe(2 ** 22);
  });

  it('adds up to what one alone would have counted', () => {
    const [one, other] = [new DurationHistogram(), new DurationHistogram()];
    for (const millis of [1, 5, 9]) one.add(millis);
    for (const millis of [2, 700]) other.add(millis);
    one.addAll(other);
    expect(one.summary()).toEqual(summaryOf([1, 5, 9, 2, 700]));
  });
});
