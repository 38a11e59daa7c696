import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FloorShare } from '../../src/strategies/floorShare.ts';
import { randomRuns } from '../support/randomRuns.ts';

const turnsOf = (share: FloorShare, turns: number, waits: (input: number) => boolean) =>
  Array.from({ length: turns }, () => share.next(waits));

test('while all wait, each gets its floor, and the first one the rest', () => {
  // Two are due at the same time, so the second of them is always one turn late.
  const turns = turnsOf(new FloorShare(3, 0.1), 1_001, () => true);
  const counts = [0, 1, 2].map((input) => turns.filter((turn) => turn === input).length);
  expect(counts).toEqual([801, 100, 100]);
});

test('fractions that do not add up exactly cost nobody a turn', () => {
  expect(turnsOf(new FloorShare(2, 0.1), 10, () => true)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  const turns = turnsOf(new FloorShare(3, 1 / 3), 3_001, () => true);
  expect([0, 1, 2].map((input) => turns.filter((turn) => turn === input).length)).toEqual([1_001, 1_000, 1_000]);
});

test('an input that does not wait saves nothing for later', () => {
  const share = new FloorShare(2, 0.25);
  expect(turnsOf(share, 100, (input) => input === 0)).toEqual(new Array(100).fill(0));
  expect(turnsOf(share, 8, () => true)).toEqual([0, 0, 0, 1, 0, 0, 0, 1]);
});

test('turns that an input has because it is alone are not held against it', () => {
  const share = new FloorShare(2, 0.25);
  turnsOf(share, 100, (input) => input === 1);
  expect(turnsOf(share, 8, () => true)).toEqual([0, 0, 0, 1, 0, 0, 0, 1]);
});

test('nobody waits: nobody has a turn', () => {
  expect(new FloorShare(2, 0.5).next(() => false)).toBeUndefined();
});

test('the floor is kept over random schedules: who waits all along gets its share, less one turn for each other input', () => {
  const schedule = fc.record({
    inputs: fc.integer({ min: 2, max: 6 }),
    part: fc.double({ min: 0, max: 1, noNaN: true }), // of the largest floor
    waiting: fc.array(fc.nat(63), { minLength: 1, maxLength: 300 }), // bits: who waits at each turn
  });
  fc.assert(
    fc.property(schedule, ({ inputs, part, waiting }) => {
      const floorRatio = part / inputs;
      const share = new FloorShare(inputs, floorRatio);
      const spans = new Array<{ turns: number; own: number }>(inputs).fill({ turns: 0, own: 0 });
      for (const bits of waiting) {
        const waits = (input: number) => ((bits >> input) & 1) === 1;
        const turn = share.next(waits);
        if (turn !== undefined) expect(waits(turn)).toBe(true);
        else expect(spans.some((_, input) => waits(input))).toBe(false);
        for (const [input, { turns, own }] of spans.entries()) {
          const next = waits(input) ? { turns: turns + 1, own: own + (turn === input ? 1 : 0) } : { turns: 0, own: 0 };
          spans[input] = next;
          const promised = Math.floor(next.turns * floorRatio + 1e-9) - (inputs - 1);
          expect(next.own).toBeGreaterThanOrEqual(promised);
        }
      }
    }),
    randomRuns(500),
  );
});
