import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { bufferCount, concatMap, EMPTY, retry } from 'rxjs';
import { describe, test } from 'vitest';
import { exponentialBackoff, exportTo, retryWithBackoff } from '../../src/index.ts';
import { marbles } from '../../src/testing/index.ts';
import { asBatch } from './support.ts';

/** Waits of 3, 6, 12 … milliseconds. */
const backoff = exponentialBackoff({ initialMillis: 3, maxMillis: 100, jitter: 'none' });

describe('retry, and retryWithBackoff or exportTo beside it', () => {
  test('on a hot stream it loses the batch that failed', () =>
    marbles(({ hot, sink, expectObservable, expectAttempts }) => {
      const source = hot('      -a-b------c-d--|');
      const lossy = ['          ---^!', '------------^!'];
      const outcomes = '        -------------r-|';
      const backend = sink<ReadableSpan>('-#', '-(r|)');
      const sent = concatMap((items: readonly ReadableSpan[]) => backend.export(asBatch(items)));
      expectObservable(source.pipe(bufferCount(2), sent, retry())).toBe(outcomes, { r: {} });
      expectAttempts(backend).toBe(lossy, ['ab', 'cd']);
    }));

  test('exportTo retries the batch, not the stream', () =>
    marbles(({ hot, sink, expectOutcomes, expectAttempts }) => {
      const source = hot('      -a-b------c-d--|');
      const attempts = ['       ---^!', '-------^!', '------------^!'];
      const outcomes = '        --------o----p-|';
      const backend = sink<ReadableSpan>('-#', '-(r|)');
      expectOutcomes(source.pipe(bufferCount(2), exportTo<ReadableSpan>(backend, { retry: { backoff } }))).toBe(
        outcomes,
        {
          o: { delivered: 'ab', attempts: 2 },
          p: { delivered: 'cd', attempts: 1 },
        },
      );
      expectAttempts(backend).toBe(attempts, ['ab', 'ab', 'cd']);
    }));

  test('without a delay it retries at once', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const [source, ours] = [cold('-#'), cold('-#')];
      const hammering = ['          ^!', '-^!', '--^!', '---^!'];
      const attempts = ['           ^!', '----^!'];
      const unsub = '               ^---!';
      expectObservable(source.pipe(retry()), unsub).toBe('----');
      expectObservable(ours.pipe(retryWithBackoff({ backoff })), '^----!').toBe('-----');
      expectSubscriptions(source.subscriptions).toBe(hammering);
      expectSubscriptions(ours.subscriptions).toBe(attempts);
    }));

  test('a delay that completes turns the failure into a normal completion', () =>
    marbles(({ cold, expectObservable }) => {
      const source = cold('  -#');
      const silent = '       -|';
      const expected = '     -#';
      expectObservable(source.pipe(retry({ delay: () => EMPTY }))).toBe(silent);
      expectObservable(source.pipe(retryWithBackoff({ maxAttempts: 1 }))).toBe(expected);
    }));
});
