import { describe, expect, test } from 'vitest';
import type { AttemptEnding } from '../../src/model/sink.ts';
import { DestinationHealth, MAX_FAILED_ATTEMPTS } from '../../src/strategies/destinationHealth.ts';

/** A destination at which these attempts have ended, one after another. */
function healthAfter(...endings: readonly AttemptEnding[]): DestinationHealth {
  const health = new DestinationHealth();
  for (const ending of endings) health.ended(health.begin(), { ending });
  return health;
}

const times = (count: number, ending: AttemptEnding) => Array.from({ length: count }, () => ending);
const FAILED = times(MAX_FAILED_ATTEMPTS, 'retryable');

describe('a destination', () => {
  test.each<[string, readonly AttemptEnding[], boolean]>([
    ['is not failing before the first attempt', [], false],
    ['is not failing after four failures in a row', times(4, 'retryable'), false],
    ['is failing after five', times(5, 'retryable'), true],
    [
      'is failing after five of whichever kind, refusals for good included',
      ['retryable', 'timedOut', 'unknownOutcome', 'throttled', 'permanent'],
      true,
    ],
    ['is not failing if one of them was accepted', [...times(4, 'timedOut'), 'accepted', 'timedOut'], false],
    [
      'is failing whatever was aborted or too large in between',
      [...times(4, 'timedOut'), 'cancelled', 'tooLarge', 'timedOut'],
      true,
    ],
    ['stays failing when attempts are aborted, or too large', [...FAILED, 'cancelled', 'tooLarge'], true],
    ['has recovered when the next attempt is accepted', [...FAILED, 'accepted'], false],
    ['begins to count anew then', [...FAILED, 'accepted', ...times(4, 'retryable')], false],
  ])('%s', (_title, endings, isFailing) => {
    expect(healthAfter(...endings).isFailing).toBe(isFailing);
  });

  test('is failing at once when it asks to be left alone', () => {
    const health = healthAfter('accepted');
    health.ended(health.begin(), { ending: 'throttled', retryAfterMillis: 1 });
    expect(health.isFailing).toBe(true);
  });

  test('has not recovered by what was in flight when it began to fail', () => {
    const health = new DestinationHealth();
    const early = health.begin();
    for (const ending of FAILED) health.ended(health.begin(), { ending });
    health.ended(early, { ending: 'accepted' });
    expect(health.isFailing).toBe(true);
    health.ended(health.begin(), { ending: 'accepted' });
    expect(health.isFailing).toBe(false);
  });

  test('has not recovered by what was in flight when it asked to be left alone once more', () => {
    const health = new DestinationHealth();
    health.ended(health.begin(), { ending: 'throttled', retryAfterMillis: 10 });
    const between = health.begin();
    health.ended(health.begin(), { ending: 'throttled', retryAfterMillis: 10 });
    health.ended(between, { ending: 'accepted' });
    expect(health.isFailing).toBe(true);
  });
});
