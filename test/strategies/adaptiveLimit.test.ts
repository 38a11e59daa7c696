import { describe, expect, test } from 'vitest';
import type { AttemptEnding } from '../../src/model/sink.ts';
import { AdaptiveLimit } from '../../src/strategies/adaptiveLimit.ts';
import { RefusalCeiling } from '../../src/strategies/refusalCeiling.ts';
import { RoundTripFloor, sizeClassOf } from '../../src/strategies/roundTripFloor.ts';

/** What a round of attempts is like: as many as the limit allows, that begin and end together. */
interface Round {
  /** How long they take. Default 100. */
  readonly millis?: number;
  readonly ending?: AttemptEnding;
  readonly items?: number;
  /** How many there are. Default: as many as the limit. */
  readonly attempts?: number;
  /** Of how many an answer comes. Default: of all. */
  readonly answered?: number;
}

/** A limit, and the time on its clock. */
class Trial {
  readonly limit: AdaptiveLimit;
  nowMillis = 0;

  constructor(initialLimit: number, maxLimit = 200) {
    this.limit = new AdaptiveLimit({ initialLimit, maxLimit });
  }

  /** Plays a round, and returns the limit after it. */
  round({
    millis = 100,
    ending = 'accepted',
    items = 1,
    attempts = this.limit.limit,
    answered = attempts,
  }: Round = {}): number {
    const startedAtMillis = this.nowMillis;
    this.nowMillis += millis;
    for (let count = 0; count < answered; count += 1)
      this.limit.ended({ ending, startedAtMillis, endedAtMillis: this.nowMillis, items, inFlight: attempts });
    return this.limit.limit;
  }

  rounds(count: number, round: Round | ((limit: number) => Round) = {}): number[] {
    return Array.from({ length: count }, () =>
      this.round(typeof round === 'function' ? round(this.limit.limit) : round),
    );
  }
}

/** A backend with workers: what is beyond their number waits. */
const workers =
  (count: number, serviceMillis = 100) =>
  (limit: number) => ({
    millis: serviceMillis * Math.max(1, limit / count),
  });

describe('AdaptiveLimit', () => {
  test('grows by one with each round trip that is no longer than the shortest', () => {
    const trial = new Trial(1);
    expect(trial.rounds(6)).toEqual([2, 3, 4, 5, 6, 7]);
  });

  test('does not grow when it is not used', () => {
    const trial = new Trial(8);
    expect(trial.rounds(20, { attempts: 7 }).at(-1)).toBe(8);
  });

  test('does not grow beyond its maximum', () => {
    const trial = new Trial(1, 3);
    expect(trial.rounds(6).at(-1)).toBe(3);
  });

  test('does not grow while the backend answers less than it is given', () => {
    const trial = new Trial(10);
    const before = trial.rounds(3, { answered: 7 }).at(-1);
    expect(trial.rounds(20, { answered: 7 }).at(-1)).toBe(before);
    expect(before).toBeLessThanOrEqual(11);
  });

  test.each([
    [8, 8, 11],
    [2, 2, 4],
    [64, 64, 67],
  ])('settles where up to two wait: %i workers', (count, least, most) => {
    const trial = new Trial(1);
    const limits = trial.rounds(200, workers(count)).slice(100);
    expect(Math.min(...limits)).toBeGreaterThanOrEqual(least);
    expect(Math.max(...limits)).toBeLessThanOrEqual(most);
  });

  test('shrinks by a quarter of what waits when far too many wait, and then by one', () => {
    const trial = new Trial(20);
    trial.rounds(2, { attempts: 10 });
    // Of 20, 15 wait: 4 fewer. Of 16, 11 wait: 3 fewer. Of 13, 8 do: 2 fewer.
    expect(trial.rounds(3, workers(5))).toEqual([16, 13, 11]);
    expect(trial.rounds(60, workers(5)).at(-1)).toBeLessThanOrEqual(7);
  });

  test('does not drift while a queue of ours stands', () => {
    const trial = new Trial(1);
    trial.rounds(100, workers(8));
    const limits = trial.rounds(2_000, workers(8));
    expect(Math.max(...limits)).toBeLessThanOrEqual(11);
  });

  test.each<AttemptEnding>(['retryable', 'throttled', 'unknownOutcome', 'timedOut'])(
    '%s leaves 0.7 of it, once for all that were in flight together',
    (ending) => {
      const trial = new Trial(20);
      expect(trial.round({ ending })).toBe(14);
    },
  );

  test('attempts that began before the decrease say nothing, those that began later do', () => {
    const { limit } = new Trial(20);
    const refused = { ending: 'retryable', items: 1, inFlight: 20 } as const;
    limit.ended({ ...refused, startedAtMillis: 0, endedAtMillis: 100 });
    limit.ended({ ...refused, startedAtMillis: 99, endedAtMillis: 199 });
    expect(limit.limit).toBe(14);
    limit.ended({ ...refused, startedAtMillis: 100, endedAtMillis: 200 });
    expect(limit.limit).toBe(9);
  });

  test.each<AttemptEnding>(['cancelled', 'permanent', 'tooLarge'])('%s is no signal', (ending) => {
    const trial = new Trial(8);
    trial.round();
    const before = trial.limit.limit;
    expect(trial.rounds(10, { ending, millis: 5_000 }).at(-1)).toBe(before);
    expect(trial.round()).toBe(before + 1);
  });

  test('is never less than 1', () => {
    const trial = new Trial(2);
    expect(trial.rounds(10, { ending: 'timedOut' }).at(-1)).toBe(1);
  });

  test('tries what was refused again after a while, longer each time', () => {
    const trial = new Trial(1);
    const roundsOf = (attempt: number) => ({ ending: attempt > 5 ? 'retryable' : 'accepted' }) as const;
    const refusedAt = trial
      .rounds(200, roundsOf)
      .flatMap((limit, round, all) => (limit < (all[round - 1] ?? 0) ? [round] : []));
    const between = refusedAt.slice(1).map((round, index) => round - (refusedAt[index] ?? 0));
    expect(between.slice(0, 4)).toEqual([...between.slice(0, 4)].sort((one, other) => one - other));
    expect(between[0]).toBeGreaterThan(4);
    expect(between.at(-1)).toBeGreaterThan(32);
    expect(trial.limit.limit).toBeGreaterThanOrEqual(4);
  });

  test('batches that take longer because they are larger are not queued', () => {
    const trial = new Trial(4);
    trial.rounds(5, { items: 100, millis: 100 });
    const before = trial.limit.limit;
    expect(trial.rounds(5, { items: 1_000, millis: 1_000 }).at(-1)).toBeGreaterThanOrEqual(before + 4);
    expect(trial.rounds(5, { items: 100, millis: 100 }).at(-1)).toBeGreaterThanOrEqual(before + 8);
  });

  test('batches that take longer than their size explains are', () => {
    const trial = new Trial(12);
    trial.rounds(5, { items: 100, millis: 100 });
    const before = trial.limit.limit;
    expect(trial.rounds(3, { items: 200, millis: 400 }).at(-1)).toBeLessThan(before);
  });

  test('a backend that has become slower for good is learnt anew, with one attempt at a time, and the limit grows again', () => {
    const trial = new Trial(1);
    trial.rounds(30);
    const slower = trial.rounds(140, { millis: 300 });
    expect(slower.slice(0, 20).at(-1)).toBeLessThan(10);
    expect(slower).toContain(1);
    expect(slower.at(-1)).toBeGreaterThan(20);
  });

  test('a queue of ours is not learnt as the round trip of a backend that has become slower', () => {
    const trial = new Trial(1);
    trial.rounds(100, workers(8));
    const limits = trial.rounds(3_000, workers(2));
    expect(limits.slice(30).filter((limit) => limit > 5)).toEqual([]);
  });

  test('a refusal while it learns anew ends that, and counts from where the limit was', () => {
    const trial = new Trial(1);
    trial.rounds(30);
    let before = trial.limit.limit;
    for (let round = 0; round < 200 && trial.limit.limit > 1; round += 1) {
      before = trial.limit.limit;
      trial.round({ millis: 300 });
    }
    expect(trial.limit.limit).toBe(1);
    expect(trial.round({ ending: 'retryable' })).toBe(Math.floor(before * 0.7));
  });

  test('attempts that take no time by the clock are fine', () => {
    const trial = new Trial(4);
    expect(trial.rounds(50, { millis: 0 }).every((limit) => limit >= 4 && limit <= 200)).toBe(true);
  });
});

describe('RoundTripFloor', () => {
  test('is infinite as long as nothing is known', () => {
    expect(new RoundTripFloor().of(sizeClassOf(1))).toBe(Number.POSITIVE_INFINITY);
  });

  test('a smaller batch takes no longer than a larger one, and a larger one at most proportionally longer', () => {
    const floor = new RoundTripFloor();
    floor.learn(sizeClassOf(256), 100);
    expect(floor.of(sizeClassOf(16))).toBe(100);
    expect(floor.of(sizeClassOf(1_024))).toBe(400);
    floor.learn(sizeClassOf(1_024), 150);
    expect(floor.of(sizeClassOf(1_024))).toBe(150);
    expect(floor.of(sizeClassOf(512))).toBe(150);
    expect(floor.of(sizeClassOf(256))).toBe(100);
  });

  test('keeps the lowest, and changes as a whole when the backend does', () => {
    const floor = new RoundTripFloor();
    floor.learn(sizeClassOf(1), 100);
    floor.learn(sizeClassOf(1), 200);
    floor.learn(sizeClassOf(16), 300);
    expect([floor.of(sizeClassOf(1)), floor.of(sizeClassOf(16))]).toEqual([100, 300]);
    floor.scale(2);
    expect([floor.of(sizeClassOf(1)), floor.of(sizeClassOf(16))]).toEqual([200, 600]);
  });
});

describe('RefusalCeiling', () => {
  /** How often it has to be asked until it allows a limit. */
  const waitsFor = (ceiling: RefusalCeiling, limit: number) => {
    let waits = 0;
    while (!ceiling.allows(limit) && waits < 1_000) waits += 1;
    return waits;
  };

  test('holds back nothing until something was refused, and nothing below that', () => {
    const ceiling = new RefusalCeiling();
    expect(waitsFor(ceiling, 100)).toBe(0);
    ceiling.refused(6);
    expect(waitsFor(ceiling, 5)).toBe(0);
  });

  test('waits for 4 round trips, and up to 32 when it is refused again and again', () => {
    const ceiling = new RefusalCeiling();
    const waits = Array.from({ length: 6 }, () => {
      ceiling.refused(6);
      return waitsFor(ceiling, 6);
    });
    expect(waits).toEqual([4, 8, 16, 32, 32, 32]);
  });

  test('a refusal below it starts anew: what was refused does not depend on how many are in flight', () => {
    const ceiling = new RefusalCeiling();
    for (let count = 0; count < 4; count += 1) ceiling.refused(6);
    ceiling.refused(3);
    expect(waitsFor(ceiling, 3)).toBe(4);
  });

  test('is gone once the limit was beyond it', () => {
    const ceiling = new RefusalCeiling();
    ceiling.refused(6);
    expect(waitsFor(ceiling, 6)).toBe(4);
    expect(waitsFor(ceiling, 7)).toBe(0);
    expect(waitsFor(ceiling, 8)).toBe(0);
    expect(waitsFor(ceiling, 6)).toBe(0);
  });
});
