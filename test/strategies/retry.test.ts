import { describe, expect, test } from 'vitest';
import { ExportError, type Failure } from '../../src/model/sink.ts';
import { decideRetry, failureOf, type RetryDecision, type RetryState } from '../../src/strategies/retry.ts';

const LIMITS = { maxAttempts: 5, maxElapsedMillis: 60_000, maxRetryAfterMillis: 30_000 };
const STATE: RetryState = { attempts: 1, elapsedMillis: 0, backoffMillis: 500 };

const CASES: readonly [title: string, Failure, Partial<RetryState>, RetryDecision][] = [
  ['retryable waits for the backoff', { kind: 'retryable' }, {}, { kind: 'again', delayMillis: 500 }],
  ['unknownOutcome is sent again', { kind: 'unknownOutcome' }, {}, { kind: 'again', delayMillis: 500 }],
  ['permanent is over', { kind: 'permanent' }, {}, { kind: 'giveUp', because: 'permanent' }],
  ['tooLarge is over', { kind: 'tooLarge' }, {}, { kind: 'giveUp', because: 'permanent' }],
  ['a longer delay of the server counts', throttled(2_000), {}, { kind: 'again', delayMillis: 2_000 }],
  ['a shorter one does not', throttled(0), {}, { kind: 'again', delayMillis: 500 }],
  ['a day of it is capped', throttled(86_400_000), {}, { kind: 'again', delayMillis: 30_000 }],
  ['the last attempt was the last', { kind: 'retryable' }, { attempts: 5 }, { kind: 'giveUp', because: 'attempts' }],
  [
    'a wait that would end too late is not begun',
    { kind: 'retryable' },
    { elapsedMillis: 59_500 },
    { kind: 'giveUp', because: 'elapsed' },
  ],
  [
    'one that ends just in time is',
    { kind: 'retryable' },
    { elapsedMillis: 59_499 },
    { kind: 'again', delayMillis: 500 },
  ],
];

function throttled(retryAfterMillis: number): Failure {
  return { kind: 'throttled', retryAfterMillis };
}

describe('decideRetry', () => {
  test.each(CASES)('%s', (_title, failure, state, decision) => {
    expect(decideRetry(failure, { ...STATE, ...state }, LIMITS)).toEqual(decision);
  });
});

describe('failureOf', () => {
  test('an ExportError has its own failure', () => {
    expect(failureOf(new ExportError({ kind: 'permanent' }, 'no'))).toEqual({ kind: 'permanent' });
  });

  test('an error of another copy of the package has its own failure, too', () => {
    expect(failureOf({ failure: { kind: 'tooLarge' } })).toEqual({ kind: 'tooLarge' });
  });

  test.each([new Error('no'), 'text', null, undefined, { failure: { kind: 'odd' } }])(
    '%o may be tried again',
    (error) => {
      expect(failureOf(error)).toEqual({ kind: 'retryable' });
    },
  );
});
