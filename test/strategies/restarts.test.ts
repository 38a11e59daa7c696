import { describe, expect, test } from 'vitest';
import { exponentialBackoff } from '../../src/index.ts';
import { Restarts } from '../../src/strategies/restarts.ts';

const throwing = () => {
  throw new Error('mine');
};

describe('Restarts', () => {
  test('another thread may be started at once, until one crashes before it has done anything', () => {
    const restarts = new Restarts(exponentialBackoff({ initialMillis: 100, jitter: 'none' }), Math.random);
    expect(restarts.waitMillis(0)).toBe(0);
    restarts.crashedAtStart(0);
    expect([restarts.waitMillis(0), restarts.waitMillis(60)]).toEqual([100, 40]);
    restarts.crashedAtStart(100);
    expect(restarts.waitMillis(100)).toBe(200);
    restarts.answered();
    expect(restarts.waitMillis(100)).toBe(0);
    restarts.crashedAtStart(200);
    expect(restarts.waitMillis(200)).toBe(100);
  });

  test.each([
    ['a backoff that throws', { first: throwing }, Math.random],
    ['one whose wait is no number', { first: () => ({ delayMillis: Number.NaN, next: throwing }) }, Math.random],
  ])('%s is no thread that is started again and again without a wait', (_, backoff, random) => {
    const restarts = new Restarts(backoff, random);
    restarts.crashedAtStart(0);
    expect(restarts.waitMillis(0)).toBe(1_000);
  });

  test('half of the jitter stands in for a random that throws', () => {
    const restarts = new Restarts(exponentialBackoff({ initialMillis: 100, jitter: 'full' }), throwing);
    restarts.crashedAtStart(0);
    expect(restarts.waitMillis(0)).toBe(50);
  });
});
