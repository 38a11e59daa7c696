import { describe, expect, it } from 'vitest';
import { ConnectionRenewal } from '../../src/strategies/connectionRenewal.ts';

function renewal(random = () => 0, maxAgeMillis = 100_000) {
  return new ConnectionRenewal({ maxAgeMillis, random });
}

/** How many of the connections are replaced, each after one more refusal. */
function replaced(decided: ConnectionRenewal, count: number, isFirstRequest: boolean, nowMillis: number): number {
  return Array.from({ length: count }, () => decided.refused(isFirstRequest, nowMillis)).filter(Boolean).length;
}

describe('the age that a connection may reach', () => {
  it.each([
    [0, 100_000],
    [0.5, 90_000],
    [0.999_999, 80_000.02],
  ])('is 80 to 100 % of the maximum: random %d gives %d ms', (random, expected) => {
    expect(renewal(() => random).nextAgeMillis()).toBeCloseTo(expected, 1);
  });

  it('has no limit without a maximum', () => {
    expect(renewal(() => 0.9, Number.POSITIVE_INFINITY).nextAgeMillis()).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('a connection whose request was refused', () => {
  it('is replaced, as often as some requests succeed in between', () => {
    const decided = renewal();
    for (let round = 0; round < 1_000; round++) {
      expect(replaced(decided, 20, true, 0)).toBe(20);
      decided.answered();
    }
  });

  it('is replaced once per second after 20 new ones in a row were refused', () => {
    const decided = renewal();
    expect(replaced(decided, 100, true, 0)).toBe(20);
    expect(replaced(decided, 100, true, 999)).toBe(0);
    expect(replaced(decided, 100, true, 1_000)).toBe(1);
    expect(replaced(decided, 100, false, 2_000)).toBe(1);
  });

  it('says nothing about new ones if it had served another request', () => {
    expect(replaced(renewal(), 100, false, 0)).toBe(100);
  });
});
