import { describe, expect, test } from 'vitest';
import { LearnedLimit } from '../../src/strategies/learnedLimit.ts';

/** Sends requests as large as the limit and the wish allow; what became of each, as sizes. */
function send(limit: LearnedLimit, requests: number, wish: number, takes: (size: number) => boolean) {
  const accepted: number[] = [];
  const refused: number[] = [];
  for (let request = 0; request < requests; request += 1) {
    const size = Math.min(wish, limit.size);
    if (takes(size)) {
      accepted.push(size);
      limit.accepted(size);
    } else {
      refused.push(size);
      limit.refused(size);
    }
  }
  return { accepted, refused };
}

describe('LearnedLimit', () => {
  test('is unlimited until a size is refused', () => {
    const limit = new LearnedLimit();
    expect(send(limit, 100, 5_000, () => true).refused).toEqual([]);
    expect(limit.size).toBe(Number.POSITIVE_INFINITY);
  });

  test('falls to half of each refused size', () => {
    const limit = new LearnedLimit();
    expect(send(limit, 3, 2_600, (size) => size <= 1_000)).toEqual({ accepted: [650], refused: [2_600, 1_300] });
  });

  test('a refused request that is larger than the present limit teaches nothing more', () => {
    const limit = new LearnedLimit();
    for (let inFlight = 0; inFlight < 8; inFlight += 1) limit.refused(2_000);
    expect(limit.size).toBe(1_000);
  });

  test('is raised carefully: few requests are refused, and most of what a backend takes is used', () => {
    const limit = new LearnedLimit();
    const { accepted, refused } = send(limit, 2_000, 2_600, (size) => size <= 1_000);
    expect(refused.length).toBeLessThanOrEqual(12);
    const mean = accepted.reduce((sum, size) => sum + size, 0) / accepted.length;
    expect(mean).toBeGreaterThanOrEqual(600);
  });

  test('is forgotten when the backend takes larger requests again', () => {
    const limit = new LearnedLimit();
    send(limit, 10, 2_600, (size) => size <= 1_000);
    expect(send(limit, 200, 2_600, () => true).accepted.at(-1)).toBe(2_600);
  });

  test('requests far below the limit do not raise it', () => {
    const limit = new LearnedLimit();
    limit.refused(2_000);
    for (let request = 0; request < 5_000; request += 1) limit.accepted(100);
    expect(limit.size).toBe(1_000);
  });

  test('a backend that hangs for a while teaches nothing about sizes', () => {
    const limit = new LearnedLimit();
    expect(send(limit, 8, 2_000, () => false).refused.at(-1)).toBeLessThan(20);
    const { accepted } = send(limit, 10, 2_000, () => true);
    expect(accepted.at(-1)).toBeGreaterThanOrEqual(1_000);
  });
});
