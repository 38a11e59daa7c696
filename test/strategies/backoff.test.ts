import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Backoff, exponentialBackoff, type Jitter } from '../../src/strategies/backoff.ts';
import { randomRuns } from '../support/randomRuns.ts';

function delays(backoff: Backoff, count: number, random: () => number = () => 0): number[] {
  const steps: number[] = [];
  for (let step = backoff.first(random); steps.length < count; step = step.next()) steps.push(step.delayMillis);
  return steps;
}

describe('exponentialBackoff', () => {
  test('without jitter the wait doubles up to its maximum', () => {
    expect(delays(exponentialBackoff({ jitter: 'none' }), 8)).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
    ]);
  });

  test('the multiplier is the factor between waits', () => {
    const backoff = exponentialBackoff({ initialMillis: 100, multiplier: 10, maxMillis: 5_000, jitter: 'none' });
    expect(delays(backoff, 4)).toEqual([100, 1_000, 5_000, 5_000]);
  });

  test('full jitter lies between 0 and the wait', () => {
    expect(delays(exponentialBackoff({ jitter: 'full' }), 3, () => 0.5)).toEqual([250, 500, 1_000]);
  });

  test('equal jitter lies between half of the wait and the wait', () => {
    expect(delays(exponentialBackoff({ jitter: 'equal' }), 3, () => 0.5)).toEqual([375, 750, 1_500]);
  });

  test('decorrelated jitter lies between the first wait and three times the one before', () => {
    // 500 + ½ (1,500 − 500) = 1,000 · 500 + ½ (3,000 − 500) = 1,750 · 500 + ½ (5,250 − 500) = 2,875
    expect(delays(exponentialBackoff({ jitter: 'decorrelated' }), 3, () => 0.5)).toEqual([1_000, 1_750, 2_875]);
  });

  test('a step gives the same next step twice, with the same random', () => {
    const step = exponentialBackoff({ jitter: 'none' }).first(() => 0);
    expect(step.next().delayMillis).toBe(step.next().delayMillis);
  });

  test('no wait is below zero or above the maximum, with any jitter and any random', () => {
    const jitter = fc.constantFrom<Jitter>('none', 'full', 'equal', 'decorrelated');
    const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const options = fc.record({
      initialMillis: fc.integer({ min: 1, max: 5_000 }),
      multiplier: fc.double({ min: 1, max: 10, noNaN: true }),
      jitter,
    });
    fc.assert(
      fc.property(options, fc.array(unit, { minLength: 1 }), (given, chance) => {
        let drawn = 0;
        const random = () => chance[drawn++ % chance.length] as number;
        const maxMillis = given.initialMillis * 7;
        for (const delay of delays(exponentialBackoff({ ...given, maxMillis }), 20, random)) {
          expect(delay).toBeGreaterThanOrEqual(given.jitter === 'decorrelated' ? given.initialMillis : 0);
          expect(delay).toBeLessThanOrEqual(maxMillis);
        }
      }),
      randomRuns(100),
    );
  });

  test.each([
    [
      { initialMillis: 0 },
      'exponentialBackoff.initialMillis must be a duration in milliseconds, from 1 to 2147483647, but was given 0',
    ],
    [
      { maxMillis: 10 },
      'exponentialBackoff.maxMillis must be a duration in milliseconds, from 500 to 2147483647, but was given 10',
    ],
    [{ multiplier: 0.5 }, 'exponentialBackoff.multiplier must be a number from 1 to 10, but was given 0.5'],
    [
      { jitter: 'some' as Jitter },
      "exponentialBackoff.jitter must be one of 'none', 'full', 'equal', 'decorrelated', but was given \"some\"",
    ],
  ])('refuses %o', (options, message) => {
    expect(() => exponentialBackoff(options)).toThrow(message);
  });
});
