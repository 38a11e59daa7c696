import { describe, expect, test } from 'vitest';
import type { AttemptEnding } from '../../src/model/sink.ts';
import { Breaker, type BreakerCall } from '../../src/strategies/breaker.ts';
import { SlidingCounts } from '../../src/strategies/slidingCounts.ts';
import { SlowStart } from '../../src/strategies/slowStart.ts';
import { healthOf, TripRule, type TripSettings } from '../../src/strategies/tripRule.ts';
import { seededRandom } from '../support/random.ts';

const SETTINGS: TripSettings = {
  consecutiveFailures: 3,
  failureRatio: 0.5,
  slowRatio: 0.5,
  slowCallMillis: 100,
  minCalls: 10,
  windowMillis: 1_000,
};

const breakerOf = (settings: Partial<TripSettings & { maxProbes: number }> = {}) => {
  const openings: boolean[] = [];
  const openMillis = (afterProbe: boolean) => {
    openings.push(afterProbe);
    return 100;
  };
  return { breaker: new Breaker({ ...SETTINGS, maxProbes: 2, ...settings, openMillis }), openings };
};

const FINE = { ending: 'accepted', durationMillis: 1 } as const;
const BAD = { ending: 'retryable', durationMillis: 1 } as const;
const SLOW = { ending: 'accepted', durationMillis: 101 } as const;

function trip(breaker: Breaker, now = 0): void {
  for (let count = 0; count < 3; count += 1) breaker.ended(breaker.begin(now), BAD, now);
}

describe('SlidingCounts', () => {
  test('counts what was within the window, to a tenth', () => {
    const counts = new SlidingCounts(1_000);
    counts.add({ calls: 1, failures: 1, slow: 0 }, 50);
    counts.add({ calls: 2, failures: 0, slow: 1 }, 60);
    counts.add({ calls: 4, failures: 0, slow: 0 }, 950);
    expect(counts.total(999)).toEqual({ calls: 7, failures: 1, slow: 1 });
    expect(counts.total(1_000).calls).toBe(4);
    expect(counts.total(1_900).calls).toBe(0);
    counts.add({ calls: 8, failures: 0, slow: 0 }, 1_050);
    expect(counts.total(1_050).calls).toBe(12);
    counts.clear();
    expect(counts.total(1_050).calls).toBe(0);
  });
});

describe('TripRule', () => {
  test.each<[AttemptEnding, string]>([
    ['accepted', 'success'],
    ['permanent', 'success'],
    ['tooLarge', 'success'],
    ['retryable', 'failure'],
    ['throttled', 'failure'],
    ['unknownOutcome', 'failure'],
    ['timedOut', 'failure'],
    ['cancelled', 'none'],
  ])('%s is a %s', (ending, health) => {
    expect(healthOf(ending)).toBe(health);
  });

  test('trips at failures in a row; a success between them begins anew, what was cancelled does not', () => {
    const rule = new TripRule(SETTINGS);
    const cancelled = { ending: 'cancelled', durationMillis: 1_000 } as const;
    expect([BAD, BAD, FINE, BAD, BAD, cancelled].map((result) => rule.trips(result, 0))).not.toContain(true);
    expect(rule.trips(BAD, 0)).toBe(true);
  });

  test.each([
    ['failures', BAD],
    ['slow calls', SLOW],
  ])('trips at a share of %s within the window, from minCalls on', (_what, result) => {
    const rule = new TripRule({ ...SETTINGS, consecutiveFailures: Number.POSITIVE_INFINITY });
    const results = [result, FINE, result, FINE, result, FINE, result, FINE, result];
    expect(results.map((one) => rule.trips(one, 10))).not.toContain(true);
    expect(rule.trips(FINE, 20)).toBe(true);
    expect(rule.trips(FINE, 1_500)).toBe(false);
  });
});

describe('SlowStart', () => {
  test('doubles what is in flight with each round trip, and ends with a success for which nothing waits', () => {
    const start = new SlowStart();
    start.start(1);
    const rounds: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      let begun = 0;
      while (start.admits && begun < 100) {
        start.begin();
        begun += 1;
      }
      rounds.push(begun);
      for (let ended = 0; ended < begun; ended += 1) start.ended('success', round < 4);
    }
    expect(rounds).toEqual([1, 2, 4, 8, 16, 100]);
  });

  test('a failure makes it one at a time again', () => {
    const start = new SlowStart();
    start.start(3);
    for (let count = 0; count < 3; count += 1) start.begin();
    expect(start.admits).toBe(false);
    start.ended('failure', true);
    expect(start.admits).toBe(false);
    start.ended('none', true);
    start.ended('none', true);
    expect(start.admits).toBe(true);
    start.begin();
    expect(start.admits).toBe(false);
  });
});

describe('Breaker', () => {
  test('admits nothing while it is open, then as many probes as allowed, and closes when they have succeeded', () => {
    const { breaker } = breakerOf();
    trip(breaker);
    expect([breaker.state, breaker.admits(99), breaker.admits(100)]).toEqual(['open', false, true]);
    const probes = [breaker.begin(100), breaker.begin(100)];
    expect([breaker.state, breaker.admits(100)]).toEqual(['halfOpen', false]);
    breaker.ended(probes[0] as BreakerCall, FINE, 110);
    expect(breaker.admits(110)).toBe(false);
    breaker.ended(probes[1] as BreakerCall, FINE, 110);
    expect([breaker.state, breaker.admits(110)]).toEqual(['closed', true]);
  });

  test('after it has closed, the failures of before are forgotten', () => {
    const { breaker } = breakerOf({ maxProbes: 1 });
    trip(breaker);
    breaker.ended(breaker.begin(100), FINE, 100);
    breaker.ended(breaker.begin(100), BAD, 100);
    breaker.ended(breaker.begin(100), BAD, 100);
    expect(breaker.state).toBe('closed');
  });

  test.each([
    ['fails', BAD],
    ['is slow', SLOW],
  ])('opens again, for longer, when a probe %s', (_how, result) => {
    const { breaker, openings } = breakerOf();
    trip(breaker);
    breaker.ended(breaker.begin(100), result, 150);
    expect([breaker.state, breaker.openUntilMillis]).toEqual(['open', 250]);
    expect(openings).toEqual([false, true]);
  });

  test('a probe that was cancelled makes room for another one', () => {
    const { breaker } = breakerOf({ maxProbes: 1 });
    trip(breaker);
    breaker.ended(breaker.begin(100), { ending: 'cancelled', durationMillis: 1 }, 101);
    expect([breaker.state, breaker.admits(101)]).toEqual(['halfOpen', true]);
  });

  test('a call that began before the present state does not count in it', () => {
    const { breaker } = breakerOf({ maxProbes: 1 });
    const early = [breaker.begin(0), breaker.begin(0), breaker.begin(0), breaker.begin(0)];
    trip(breaker);
    breaker.ended(early[0] as BreakerCall, FINE, 10);
    expect(breaker.state).toBe('open');
    const probe = breaker.begin(100);
    breaker.ended(early[1] as BreakerCall, BAD, 110);
    expect(breaker.state).toBe('halfOpen');
    breaker.ended(probe, FINE, 120);
    for (const call of early.slice(2)) breaker.ended(call, BAD, 130);
    expect(breaker.state).toBe('closed');
  });

  test('a probe that hangs from before counts among those in flight', () => {
    const { breaker } = breakerOf();
    trip(breaker);
    const hanging = breaker.begin(100);
    breaker.ended(breaker.begin(100), BAD, 110);
    breaker.begin(210);
    expect(breaker.admits(210)).toBe(false);
    breaker.ended(hanging, FINE, 220);
    expect([breaker.state, breaker.admits(220)]).toEqual(['halfOpen', true]);
  });

  test.each([1, 2, 5])('over random results, never more than %i probes are in flight', (maxProbes) => {
    const random = seededRandom(maxProbes);
    const { breaker } = breakerOf({ maxProbes });
    const calls: BreakerCall[] = [];
    const states = new Set<string>();
    for (let now = 0; now < 20_000; now += 1) {
      if (random() < 0.6 && breaker.admits(now)) calls.push(breaker.begin(now));
      else if (calls.length > 0) {
        const [call] = calls.splice(Math.floor(random() * calls.length), 1);
        const ending = random() < 0.6 ? 'accepted' : random() < 0.8 ? 'retryable' : 'cancelled';
        breaker.ended(call as BreakerCall, { ending, durationMillis: 1 }, now);
      }
      states.add(breaker.state);
      expect(calls.filter(({ isProbe }) => isProbe).length).toBeLessThanOrEqual(maxProbes);
    }
    expect(states.size).toBe(3);
  });
});
