import { describe, expect, test } from 'vitest';
import type { AttemptEnding } from '../../src/model/sink.ts';
import { AimdLimit } from '../../src/strategies/aimdLimit.ts';

const SETTINGS = { initialLimit: 10, maxLimit: 12, decreaseRatio: 0.9 };

function ended(limit: AimdLimit, ending: AttemptEnding, inFlight: number, startedAtMillis = 0, endedAtMillis = 100) {
  limit.ended({ ending, inFlight, items: 1, startedAtMillis, endedAtMillis });
  return limit.limit;
}

describe('AimdLimit', () => {
  test('grows by one with each success at half of it or more, up to its maximum', () => {
    const limit = new AimdLimit(SETTINGS);
    expect(ended(limit, 'accepted', 4)).toBe(10);
    expect(ended(limit, 'accepted', 5)).toBe(11);
    expect(ended(limit, 'accepted', 11)).toBe(12);
    expect(ended(limit, 'accepted', 12)).toBe(12);
  });

  test.each<AttemptEnding>(['retryable', 'throttled', 'unknownOutcome', 'timedOut'])(
    'shrinks after %s, once for all that were in flight together',
    (ending) => {
      const limit = new AimdLimit(SETTINGS);
      expect(ended(limit, ending, 10)).toBe(9);
      expect(ended(limit, ending, 10, 99, 199)).toBe(9);
      expect(ended(limit, ending, 9, 100, 200)).toBe(8);
    },
  );

  test.each<AttemptEnding>(['cancelled', 'permanent', 'tooLarge'])('%s is no signal', (ending) => {
    expect(ended(new AimdLimit(SETTINGS), ending, 10)).toBe(10);
  });

  test('is never less than 1', () => {
    const limit = new AimdLimit({ ...SETTINGS, initialLimit: 1, decreaseRatio: 0.1 });
    expect(ended(limit, 'timedOut', 1)).toBe(1);
  });
});
