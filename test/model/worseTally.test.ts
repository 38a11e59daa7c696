import { describe, expect, test } from 'vitest';
import type { LossReason } from '../../src/model/tally.ts';
import { worseTally } from '../../src/model/worseTally.ts';

const end = (delivered: number, more: { rejected?: number; stored?: number; lost?: [LossReason, number][] } = {}) => {
  const { rejected = 0, stored = 0, lost = [] } = more;
  return { delivered, rejected, stored, lost: lost.map(([reason, count]) => ({ reason, count, stage: 's' })) };
};

describe('of two tallies of ten items, the worse one is', () => {
  test.each([
    [
      'a loss that may be tried again, before any for good',
      end(9, { lost: [['expired', 1]] }),
      end(0, { lost: [['permanent', 10]] }),
    ],
    ['a loss that may be tried again, before items taken out', end(5, { lost: [['queueFull', 5]] }), end(0)],
    [
      'of two such losses, the larger one',
      end(2, { lost: [['shutdown', 8]] }),
      end(3, { lost: [['retriesExhausted', 7]] }),
    ],
    ['a loss for good, before items taken out', end(7, { lost: [['tooLarge', 3]] }), end(0)],
    ['a rejection, before items taken out', end(9, { rejected: 1 }), end(0)],
    ['the one with more items taken out', end(3), end(10)],
    ['not one that is on disk', end(3), end(0, { stored: 4 })],
    ['not one whose losses are of no items', end(3), end(4, { lost: [['expired', 0]] })],
  ])('%s', (_, worse, better) => {
    expect([worseTally(worse, better), worseTally(better, worse), worseTally(undefined, better)]).toEqual([
      worse,
      worse,
      better,
    ]);
  });

  test('the first, where they are alike', () => {
    const [one, other] = [end(1, { rejected: 1 }), end(1, { lost: [['permanent', 1]] })];
    expect(worseTally(one, other)).toBe(one);
  });
});
