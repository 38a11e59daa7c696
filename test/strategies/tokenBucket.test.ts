import { describe, expect, test } from 'vitest';
import { Rate } from '../../src/strategies/rate.ts';
import { TokenBucket } from '../../src/strategies/tokenBucket.ts';
import { seededRandom } from '../support/random.ts';

describe('TokenBucket', () => {
  test('is full at first, and fills with time up to its capacity', () => {
    const bucket = new TokenBucket(10, 1_000);
    expect(bucket.available(500)).toBe(10);
    bucket.take(10, 500);
    expect([500, 503, 510, 600].map((now) => bucket.available(now))).toEqual([0, 3, 10, 10]);
  });

  test('more than it holds may be taken when it is full, and is paid back', () => {
    const bucket = new TokenBucket(10, 1_000);
    expect(bucket.has(25, 0)).toBe(true);
    bucket.take(25, 0);
    expect(bucket.available(0)).toBe(-15);
    expect(bucket.millisUntil(1, 0)).toBe(16);
    expect(bucket.millisUntil(25, 0)).toBe(25);
    expect([bucket.has(1, 15), bucket.has(1, 16), bucket.has(25, 24), bucket.has(25, 25)]).toEqual([
      false,
      true,
      false,
      true,
    ]);
  });

  test('what is added counts at once, up to the capacity', () => {
    const bucket = new TokenBucket(2, 0);
    bucket.take(2, 0);
    bucket.add(0.5, 1);
    expect([bucket.has(1, 1), bucket.millisUntil(1, 1)]).toEqual([false, Number.POSITIVE_INFINITY]);
    bucket.add(0.5, 2);
    expect([bucket.has(1, 2), bucket.millisUntil(1, 2)]).toEqual([true, 0]);
    bucket.add(9, 3);
    expect(bucket.available(3)).toBe(2);
  });

  test.each([0.001, 0.3, 7, 1_000 / 3, 1e9])('at %d a second, after the stated time there is enough', (perSecond) => {
    const random = seededRandom(perSecond);
    const bucket = new TokenBucket(perSecond, perSecond);
    let now = 0;
    for (let take = 0; take < 500; take += 1) {
      const count = random() * 2 * perSecond;
      now += bucket.millisUntil(count, now);
      expect(bucket.has(count, now)).toBe(true);
      bucket.take(count, now);
    }
  });

  test('a clock that goes back gives nothing', () => {
    const bucket = new TokenBucket(1, 1_000);
    bucket.take(1, 100);
    bucket.take(0, 50);
    expect(bucket.available(100)).toBe(0);
  });
});

describe('Rate', () => {
  test('admits what all of its units admit, and takes from all', () => {
    const rate = new Rate({ items: 10, bytes: 1_000, requests: 5 }, 1_000);
    expect(rate.available(0)).toEqual({ items: 10, bytes: 1_000, requests: 5 });
    rate.take({ items: 9, bytes: 100 }, 0);
    expect(rate.available(0)).toEqual({ items: 1, bytes: 900, requests: 4 });
    expect(rate.admits({ items: 1, bytes: 900 }, 0)).toBe(true);
    expect(rate.admits({ items: 2, bytes: 1 }, 0)).toBe(false);
    expect(rate.admits({ items: 1, bytes: 901 }, 0)).toBe(false);
    expect(rate.millisUntil({ items: 3, bytes: 910 }, 0)).toBe(200);
  });

  test('a rate below one in its burst admits one when it is full', () => {
    const rate = new Rate({ requests: 0.5 }, 1_000);
    const cost = { items: 1, bytes: 1 };
    expect(rate.admits(cost, 0)).toBe(true);
    rate.take(cost, 0);
    expect(rate.millisUntil(cost, 0)).toBe(2_000);
  });
});
