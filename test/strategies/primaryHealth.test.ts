import { describe, expect, test } from 'vitest';
import type { AttemptEnding } from '../../src/model/sink.ts';
import { PrimaryHealth } from '../../src/strategies/primaryHealth.ts';

const LIMITS = { maxFailedAttempts: 3, probeIntervalMillis: 100 };

/** A primary at which these attempts have ended, one after another, at 0 ms. */
function primaryAfter(...endings: readonly AttemptEnding[]): PrimaryHealth {
  const health = new PrimaryHealth(LIMITS);
  for (const ending of endings) health.ended(health.next(0), { ending }, 0);
  return health;
}

const DOWN = ['retryable', 'timedOut', 'unknownOutcome'] as const;

describe('a primary', () => {
  test.each<[string, readonly AttemptEnding[], 'primary' | 'fallback']>([
    ['has not given up after fewer failures', ['retryable', 'timedOut'], 'primary'],
    ['has given up after three, of whichever kind', DOWN, 'fallback'],
    ['has not, if one was accepted in between', ['retryable', 'retryable', 'accepted', 'throttled'], 'primary'],
    [
      'has given up whatever was aborted or refused for good in between',
      ['retryable', 'cancelled', 'timedOut', 'permanent', 'tooLarge', 'throttled'],
      'fallback',
    ],
  ])('%s', (_title, endings, state) => {
    expect(primaryAfter(...endings).state).toBe(state);
  });

  test('that asks for more patience than the interval has given up at once, and is left alone for so long', () => {
    const health = new PrimaryHealth(LIMITS);
    health.ended(health.next(0), { ending: 'throttled', retryAfterMillis: 100 }, 0);
    expect(health.state).toBe('primary');
    health.ended(health.next(0), { ending: 'throttled', retryAfterMillis: 500 }, 0);
    expect(health.state).toBe('fallback');
    expect([health.next(499).to, health.next(500).to]).toEqual(['fallback', 'primary']);
  });

  test('is probed by one attempt at a time, once per interval', () => {
    const health = primaryAfter(...DOWN);
    expect(health.next(99).to).toBe('fallback');
    const probe = health.next(100);
    expect(probe).toMatchObject({ to: 'primary', isProbe: true });
    expect(health.next(250).to).toBe('fallback');
    health.ended(probe, { ending: 'retryable' }, 260);
    expect([health.next(359).to, health.next(360).to]).toEqual(['fallback', 'primary']);
  });

  test('is back when a probe was accepted, and not by anything else', () => {
    const health = primaryAfter(...DOWN);
    health.ended(health.next(100), { ending: 'permanent' }, 100);
    health.ended(health.next(150), { ending: 'accepted' }, 160);
    expect(health.state).toBe('fallback');
    health.ended(health.next(200), { ending: 'accepted' }, 210);
    expect(health.state).toBe('primary');
    expect(health.next(210)).toMatchObject({ to: 'primary', isProbe: false });
  });

  test('is probed again at once when a probe was aborted', () => {
    const health = primaryAfter(...DOWN);
    health.ended(health.next(100), { ending: 'cancelled' }, 110);
    expect(health.next(110).isProbe).toBe(true);
  });

  test('is not judged by attempts of an earlier turn', () => {
    const health = new PrimaryHealth(LIMITS);
    const early = Array.from({ length: 6 }, () => health.next(0));
    for (const route of early.slice(0, 3)) health.ended(route, { ending: 'retryable' }, 0);
    const [late] = early.slice(3);
    if (late !== undefined) health.ended(late, { ending: 'accepted' }, 50);
    expect(health.state).toBe('fallback');
    health.ended(health.next(100), { ending: 'accepted' }, 100);
    for (const route of early.slice(3)) health.ended(route, { ending: 'timedOut' }, 100);
    expect(health.state).toBe('primary');
  });
});
