import { defer, Subject, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  ExportError,
  exponentialBackoff,
  type Failure,
  type RetryWithBackoffOptions,
  retryWithBackoff,
} from '../src/index.ts';
import { marbles } from '../src/testing/index.ts';
import { throwing } from './support.ts';

/** Waits of 3, 6, 12 … milliseconds. */
const BACKOFF = exponentialBackoff({ initialMillis: 3, maxMillis: 100, jitter: 'none' });

const failed = (failure: Failure) => new ExportError(failure, 'failed');

describe('retryWithBackoff', () => {
  test('subscribes again after a wait, and gives up after the last attempt', () =>
    marbles(({ cold, expectObservable, expectSubscriptions, diagram }) => {
      diagram('retryWithBackoff', { title: 'retryWithBackoff: maxAttempts 2, a wait of 3 ms' });
      const source = cold(' -#');
      const subs = ['       ^!', '    ----^!'];
      const expected = '    -----#';
      expectObservable(source.pipe(retryWithBackoff({ maxAttempts: 2, backoff: BACKOFF }))).toBe(
        expected,
        undefined,
        'error',
      );
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('the waits grow', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' #');
      const subs = ['       (^!)', '---(^!)', '---------(^!)'];
      const expected = '    ---------#';
      expectObservable(source.pipe(retryWithBackoff({ maxAttempts: 3, backoff: BACKOFF }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('a delay that the server asks for is kept when it is longer than the backoff', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -#', {}, failed({ kind: 'throttled', retryAfterMillis: 7 }));
      const subs = ['       ^!', '--------^!'];
      const expected = '    ---------#';
      expectObservable(source.pipe(retryWithBackoff({ maxAttempts: 2, backoff: BACKOFF }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('a long delay that the server asks for is capped', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -#', {}, failed({ kind: 'throttled', retryAfterMillis: 86_400_000 }));
      const subs = ['       ^!', '-----------^!'];
      const expected = '    ------------#';
      const options = { maxAttempts: 2, backoff: BACKOFF, maxRetryAfterMillis: 10 };
      expectObservable(source.pipe(retryWithBackoff(options))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('a wait that would end after maxElapsedMillis is not begun', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -#');
      const subs = ['       ^!', '    ----^!'];
      const expected = '    -----#';
      expectObservable(source.pipe(retryWithBackoff({ backoff: BACKOFF, maxElapsedMillis: 11 }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test.each([Number.NaN, -1, 2, Number.POSITIVE_INFINITY])(
    'a random that returns %d is reported, and 0.5 stands in for it',
    (odd) =>
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const source = cold(' -#');
        const subs = ['       ^!', '---^!'];
        const expected = '    ----#';
        const backoff = exponentialBackoff({ initialMillis: 4, maxMillis: 4, jitter: 'full' });
        expectObservable(source.pipe(retryWithBackoff({ maxAttempts: 2, backoff, random: () => odd }))).toBe(expected);
        expectSubscriptions(source.subscriptions).toBe(subs);
      }),
  );

  test('a classify that unsubscribes ends the retries', () =>
    marbles(async ({ flush }) => {
      const source = new Subject();
      const classify = (): Failure => {
        subscription.unsubscribe();
        return { kind: 'retryable' };
      };
      const subscription = source.pipe(retryWithBackoff({ classify })).subscribe({ error: () => {} });
      source.error('no');
      await flush();
      expect(subscription.closed).toBe(true);
    }));

  test.each([
    [{ maxAttempts: 0 }, 'retryWithBackoff.maxAttempts must be a whole number from 1, or Infinity, but was given 0'],
    [
      { maxElapsedMillis: -1 },
      'retryWithBackoff.maxElapsedMillis must be a duration in milliseconds, from 0 to 2147483647, or Infinity',
    ],
    [
      { maxRetryAfterMillis: Number.POSITIVE_INFINITY },
      'retryWithBackoff.maxRetryAfterMillis must be a duration in milliseconds, from 0',
    ],
    [
      { processHold: 'always' },
      "retryWithBackoff.processHold must be one of 'whileWaiting', 'never', but was given \"always\"",
    ],
    [{ backoff: {} }, 'retryWithBackoff.backoff must be a backoff, as of exponentialBackoff()'],
    [{ classify: 'all' }, 'retryWithBackoff.classify must be a function, but was given "all"'],
  ])('refuses %o', (options, message) => {
    expect(() => retryWithBackoff(options as RetryWithBackoffOptions)).toThrow(message);
  });
});

describe('retryWithBackoff: the compulsory cases', () => {
  test('never: waits with the source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -');
      const subs = '        ^-----!';
      const expected = '    -------';
      expectObservable(source.pipe(retryWithBackoff()), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: completes', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' --|');
      const subs = '        ^-!';
      const expected = '    --|';
      expectObservable(source.pipe(retryWithBackoff())).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: comes through from the attempt that succeeds', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const failing = cold('-#');
      const source = cold(' --(a|)');
      const failed = '      ^!';
      const subs = '        ----^-!';
      const expected = '    ------(a|)';
      let attempts = 0;
      const attempt = defer(() => (attempts++ === 0 ? failing : source));
      expectObservable(attempt.pipe(retryWithBackoff({ backoff: BACKOFF }))).toBe(expected);
      expectSubscriptions(failing.subscriptions).toBe(failed);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: values come through, also those of an attempt that fails', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-b#');
      const subs = ['       ^---!', ' -------^---!'];
      const expected = '    -a-b----a-b#';
      expectObservable(source.pipe(retryWithBackoff({ maxAttempts: 2, backoff: BACKOFF }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: a permanent one is not tried again', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const error = failed({ kind: 'permanent' });
      const source = cold(' -#', {}, error);
      const subs = '        ^!';
      const expected = '    -#';
      expectObservable(source.pipe(retryWithBackoff({ backoff: BACKOFF }))).toBe(expected, undefined, error);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: ends the attempt', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -----#');
      const subs = '        ^--!';
      const expected = '    ----';
      expectObservable(source.pipe(retryWithBackoff({ backoff: BACKOFF })), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: during a wait it makes no further attempt', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -#');
      const subs = '        ^!';
      const unsub = '       ^--!';
      const expected = '    ----';
      expectObservable(source.pipe(retryWithBackoff({ backoff: BACKOFF })), unsub).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('throwing callback: the retries go on; classify counts as retryable, the backoff as one second', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -#');
      const subs = ['       ^!', '    - 1s ^!'];
      const expected = '    - 1s -#';
      const options = {
        maxAttempts: 2,
        backoff: { first: throwing },
        classify: throwing,
        onRetry: throwing,
        random: throwing,
      };
      expectObservable(source.pipe(retryWithBackoff(options))).toBe(expected, undefined, 'error');
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('synchronous re-entrancy: a source that fails at once needs no deep stack, and every attempt is reported', () =>
    marbles(async ({ flush }) => {
      const told: number[] = [];
      let error: unknown;
      const backoff = exponentialBackoff({ initialMillis: 1, maxMillis: 1, jitter: 'none' });
      const onRetry = ({ attempts }: { attempts: number }) => told.push(attempts);
      throwError(() => 'no')
        .pipe(retryWithBackoff({ maxAttempts: 5_000, backoff, onRetry }))
        .subscribe({ error: (thrown) => (error = thrown) });
      await flush();
      expect(error).toBe('no');
      expect(told).toHaveLength(4_999);
    }));
});
