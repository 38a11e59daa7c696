// The parts that need no socket.

import { describe, expect, test } from 'vitest';
import { BearerTokens } from '../../../src/inputs/otlpReceiver/admission/bearerTokens.ts';
import { BodyPace } from '../../../src/inputs/otlpReceiver/admission/bodyPace.ts';
import { ByteBudget, ByteLease } from '../../../src/inputs/otlpReceiver/admission/byteBudget.ts';
import { ReadingSlots, type Turn } from '../../../src/inputs/otlpReceiver/admission/readingSlots.ts';
import { FixedDelays } from '../../../src/inputs/shared/fixedDelays.ts';
import { monotonicScheduler } from '../../../src/internal/scheduler.ts';
import { virtualTime } from '../../../src/testing/index.ts';

describe('bearer tokens', () => {
  test('all of them are compared, whichever it is', () => {
    const tokens = new BearerTokens(['first-token-of-two', 'second-token-of-two']);
    expect(['first', 'second', 'third'].map((name) => tokens.admits(`Bearer ${name}-token-of-two`))).toEqual([
      true,
      true,
      false,
    ]);
    expect([undefined, '', 'Bearer', 'Bearer  '].map((header) => tokens.admits(header))).toEqual(Array(4).fill(false));
  });
});

describe('a budget of bytes', () => {
  test('is kept by all leases together, and given back once', () => {
    const [mine, all] = [new ByteBudget(10), new ByteBudget(15)];
    const [one, other] = [new ByteLease([mine, all]), new ByteLease([new ByteBudget(10), all])];
    expect([one.take(8), one.take(3), one.reach(10), other.take(6), other.take(5)]).toEqual([
      true,
      false,
      true,
      false,
      true,
    ]);
    expect(all.usedBytes).toBe(15);
    one.giveBack();
    one.giveBack();
    expect([mine.usedBytes, all.usedBytes]).toEqual([0, 5]);
    other.giveBack();
  });
});

describe('delays of one length', () => {
  test('end in the order of their beginnings, unless they are given up', () =>
    virtualTime(async ({ advanceBy }) => {
      const delays = new FixedDelays(monotonicScheduler, 10);
      const over: string[] = [];
      delays.begin(() => over.push('a'));
      await advanceBy(4);
      const giveUp = delays.begin(() => over.push('b'));
      delays.begin(() => over.push('c'));
      giveUp();
      await advanceBy(6);
      expect(over).toEqual(['a']);
      await advanceBy(4);
      expect(over).toEqual(['a', 'c']);
    }));
});

describe('the pace of bodies', () => {
  test('is looked at from the fifth second on, of each body by itself', () =>
    virtualTime(async ({ advanceBy }) => {
      const pace = new BodyPace(monotonicScheduler, 100);
      const slow: string[] = [];
      const unfollow = pace.follow({ receivedBytes: 499, onSlow: () => slow.push('slow') });
      const other = pace.follow({ receivedBytes: 1_000, onSlow: () => slow.push('fast') });
      await advanceBy(4_999);
      expect(slow).toEqual([]);
      await advanceBy(1);
      expect(slow).toEqual(['slow']);
      unfollow();
      other();
      await advanceBy(60_000);
      expect(slow).toEqual(['slow']);
    }));
});

describe('slots for reading', () => {
  const giveWay = () => {};

  function opened(count: number, maxWaiting: number) {
    const slots = new ReadingSlots(count, maxWaiting);
    const begun: string[] = [];
    /** `a2` is the second call of the connection `a`. */
    const take = (name: string) =>
      slots.take(name[0], {
        begin: () => begun.push(name),
        giveWay: () => {
          begun.push(`${name} gives way`);
          turns.get(name)?.end();
        },
      });
    const turns = new Map<string, Turn>();
    const takeAll = (...names: string[]) => {
      for (const name of names) turns.set(name, take(name) as Turn);
    };
    return { begun, turns, takeAll };
  }

  test('are given in the order of coming; who gives up waiting gets none', () => {
    const slots = new ReadingSlots(1, 2);
    const begun: string[] = [];
    const take = (name: string) => slots.take('', { begin: () => begun.push(name), giveWay });
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(take);
    expect([begun, d, a?.isWaiting, b?.isWaiting]).toEqual([['a'], undefined, false, true]);
    b?.end();
    a?.end();
    a?.end();
    expect(begun).toEqual(['a', 'c']);
    c?.end();
    take('e');
    expect(begun).toEqual(['a', 'c', 'e']);
  });

  test('go to the connection that holds the fewest, and of those to the one whose turn is longest ago', () => {
    const { begun, turns, takeAll } = opened(2, 10);
    takeAll('a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1');
    for (const ended of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2', 'a4']) turns.get(ended)?.end();
    expect(begun).toEqual(['a1', 'a2', 'b1', 'a3', 'c1', 'b2', 'a4']);
  });

  test('are claimed from the connection that holds at least two more, of the call that is read for the longest', () => {
    const { begun, turns, takeAll } = opened(4, 10);
    takeAll('a1', 'b1', 'b2', 'b3', 'c1', 'c2');
    turns.get('c1')?.claim();
    turns.get('c1')?.claim();
    turns.get('c2')?.claim();
    expect(begun).toEqual(['a1', 'b1', 'b2', 'b3', 'b1 gives way', 'c1']);
  });
});
