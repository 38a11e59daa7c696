import { describe, expect, test } from 'vitest';
import type { AttemptEnding } from '../../src/model/sink.ts';
import { AdaptiveLimit } from '../../src/strategies/adaptiveLimit.ts';
import { BackgroundRefusals } from '../../src/strategies/backgroundRefusals.ts';
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
    expect(Math.min(...trial.rounds(3, { items: 200, millis: 400 }))).toBeLessThan(before);
  });

  test('a backend that is farther away for good is told from a queue: fewer attempts have no shorter round trips', () => {
    const trial = new Trial(8);
    trial.rounds(10, { millis: 20 });
    const before = trial.limit.limit;
    const farther = trial.rounds(6, { millis: 200 });
    expect(Math.min(...farther)).toBeGreaterThanOrEqual(before / 2);
    expect(farther.at(-1)).toBeGreaterThanOrEqual(before);
    expect(trial.rounds(5, { millis: 200 }).at(-1)).toBeGreaterThan(before);
  });

  test('while round trips still rise, nothing is told from them', () => {
    const trial = new Trial(8);
    trial.rounds(10, { millis: 20 });
    let millis = 20;
    const before = trial.limit.limit;
    const rising = trial.rounds(12, () => {
      millis *= 1.3;
      return { millis };
    });
    expect(rising).toEqual(rising.toSorted((a, b) => b - a));
    expect(rising.at(-1)).toBeLessThan(before / 2);
  });

  test('a queue of ours that is worked off more slowly still shrinks the limit', () => {
    const trial = new Trial(8);
    trial.rounds(20, workers(8));
    expect(trial.rounds(20, workers(2)).at(-1)).toBeLessThanOrEqual(5);
  });

  test('a queue of ours is not learnt as the round trip of a backend that has become slower', () => {
    const trial = new Trial(1);
    trial.rounds(100, workers(8));
    const limits = trial.rounds(3_000, workers(2));
    expect(limits.slice(30).filter((limit) => limit > 5)).toEqual([]);
  });

  test('a refusal while it learns anew ends that, and counts from where the limit was', () => {
    const trial = new Trial(8);
    trial.rounds(30, workers(8));
    let before = trial.limit.limit;
    for (let round = 0; round < 600 && trial.limit.limit > 1; round += 1) {
      before = trial.limit.limit;
      trial.round(workers(8)(before));
    }
    expect(trial.limit.limit).toBe(1);
    expect(trial.round({ ending: 'retryable' })).toBe(Math.floor(before * 0.7));
  });

  test('while it learns anew, attempts that began together with others do not count', () => {
    const trial = new Trial(8);
    trial.rounds(30, workers(8));
    for (let round = 0; round < 600 && trial.limit.limit > 1; round += 1) trial.round(workers(8)(trial.limit.limit));
    expect(trial.rounds(5, { attempts: 2 }).at(-1)).toBe(1);
    expect(trial.rounds(2).at(-1)).toBeGreaterThan(1);
  });

  describe('on a backend that refuses half of all, whatever the load', () => {
    /** As many as the limit are refused at once, one after another, and then as many accepted. */
    const half = (trial: Trial) => {
      refuse(trial, trial.limit.limit);
      return trial.round();
    };

    const refuse = (trial: Trial, count: number, ending: AttemptEnding = 'retryable', inFlight = trial.limit.limit) => {
      for (let refused = 0; refused < count; refused += 1) {
        const startedAtMillis = trial.nowMillis;
        trial.nowMillis += 0.01;
        trial.limit.ended({ ending, startedAtMillis, endedAtMillis: trial.nowMillis, items: 1, inFlight });
      }
      return trial.limit.limit;
    };

    /** A limit that has learnt it, and grown again. */
    const learnt = () => {
      const trial = new Trial(8);
      for (let round = 0; round < 80; round += 1) half(trial);
      // Alone, as when there is little to send.
      for (let round = 0; round < 20; round += 1) {
        refuse(trial, 1, 'retryable', 1);
        trial.round({ attempts: 1 });
      }
      return trial;
    };

    test('learns it at a limit of 1, and grows as ever', () => {
      const trial = new Trial(8);
      const limits = Array.from({ length: 80 }, () => half(trial));
      expect(limits.slice(0, 5)).toContain(1);
      expect(limits.at(-1)).toBeGreaterThan(8);
    });

    test('shrinks once more is refused than that', () => {
      const trial = learnt();
      const before = trial.limit.limit;
      expect(refuse(trial, before)).toBe(before);
      expect(refuse(trial, 4 * before)).toBeLessThan(before);
    });

    test.each<AttemptEnding>(['timedOut', 'throttled'])('%s is for the load: one is enough', (ending) => {
      const trial = learnt();
      const before = trial.limit.limit;
      expect(refuse(trial, 1, ending)).toBe(Math.floor(0.7 * before));
    });

    test('forgets it when the backend is well again: one refusal is enough', () => {
      const trial = learnt();
      trial.rounds(40);
      const before = trial.limit.limit;
      expect(refuse(trial, 1)).toBe(Math.floor(0.7 * before));
    });

    test('grows where refusals take as long as successes', () => {
      const trial = learnt();
      const before = trial.limit.limit;
      for (let round = 0; round < 5; round += 1) {
        const startedAtMillis = trial.nowMillis;
        const attempts = trial.limit.limit;
        const refused = {
          ending: 'retryable',
          startedAtMillis,
          endedAtMillis: startedAtMillis + 100,
          items: 1,
        } as const;
        for (let count = 0; count < attempts / 2; count += 1) trial.limit.ended({ ...refused, inFlight: attempts });
        trial.round({ attempts, answered: Math.ceil(attempts / 2) });
      }
      expect(trial.limit.limit).toBe(before + 5);
    });
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

describe('BackgroundRefusals', () => {
  /** Each success is followed by so many refusals, all of attempts that are alone. */
  const alone = (background: BackgroundRefusals, successes: number, refusals: number) => {
    for (let success = 0; success < successes; success += 1) {
      for (let refused = 0; refused < refusals; refused += 1) background.refusedAlone();
      background.acceptedAlone();
    }
    return background;
  };

  /** The share that is refused by chance: of so many attempts that chance has no room. */
  const ratioOf = (background: BackgroundRefusals) => {
    let refused = 0;
    while (!background.isExceeded(refused, 1e9)) refused += 1e6;
    return refused / 1e9;
  };

  test('one refusal is too many as long as nothing is known', () => {
    const background = new BackgroundRefusals();
    expect(background.isExceeded(0, 100)).toBe(false);
    expect(background.isExceeded(1, 100)).toBe(true);
  });

  test('learns the share within some ten attempts that are alone', () => {
    expect(ratioOf(alone(new BackgroundRefusals(), 5, 1))).toBeCloseTo(0.31, 1);
    expect(ratioOf(alone(new BackgroundRefusals(), 50, 1))).toBeCloseTo(0.48, 1);
    expect(ratioOf(alone(new BackgroundRefusals(), 50, 0))).toBeCloseTo(0, 1);
  });

  test('is exceeded three standard errors beyond it', () => {
    const background = alone(new BackgroundRefusals(), 50, 1);
    // A standard error of a half among 100 is 5 %.
    expect(background.isExceeded(62, 100)).toBe(false);
    expect(background.isExceeded(65, 100)).toBe(true);
  });

  test('is no more than 0.6', () => {
    expect(ratioOf(alone(new BackgroundRefusals(), 100, 4))).toBeCloseTo(0.6, 1);
    expect(alone(new BackgroundRefusals(), 100, 4).isExceeded(70, 100)).toBe(false);
    expect(alone(new BackgroundRefusals(), 100, 4).isExceeded(76, 100)).toBe(true);
  });

  test('an outage teaches nothing, and what was known before is forgotten after it', () => {
    const background = alone(new BackgroundRefusals(), 50, 1);
    for (let refused = 0; refused < 11; refused += 1) background.refusedAlone();
    expect(ratioOf(background)).toBeGreaterThan(0.4);
    background.acceptedAlone();
    expect(background.isExceeded(1, 100)).toBe(true);
  });

  test('ten refusals in a row are chance', () => {
    const background = alone(new BackgroundRefusals(), 50, 1);
    alone(background, 1, 10);
    expect(ratioOf(background)).toBeGreaterThan(0.5);
  });

  test('is lowered when clearly less is refused at any number in flight, and not by a round trip that is lucky', () => {
    const background = alone(new BackgroundRefusals(), 50, 1);
    background.seen(0, 20);
    expect(ratioOf(background)).toBeGreaterThan(0.45);
    for (let round = 0; round < 8; round += 1) background.seen(0, 16);
    expect(ratioOf(background)).toBeLessThan(0.25);
    for (let round = 0; round < 40; round += 1) background.seen(0, 16);
    expect(background.isExceeded(1, 16)).toBe(true);
  });

  test('is not raised by what is refused beside others', () => {
    const background = alone(new BackgroundRefusals(), 50, 0);
    for (let round = 0; round < 40; round += 1) background.seen(8, 16);
    expect(background.isExceeded(1, 16)).toBe(true);
  });

  test('what was refused less long ago does not lower what is learnt anew', () => {
    const background = new BackgroundRefusals();
    for (let round = 0; round < 40; round += 1) background.seen(0, 16);
    alone(background, 50, 1);
    background.seen(8, 16);
    expect(ratioOf(background)).toBeGreaterThan(0.45);
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
