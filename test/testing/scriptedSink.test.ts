import { concatMap, map, Observable, of, retry, timeout, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type Batch, NO_HOLD } from '../../src/model/batch.ts';
import { ExportError, type Response, type Sink } from '../../src/model/sink.ts';
import { marbles } from '../../src/testing/index.ts';
import { failureOf } from './failureOf.ts';

const batch = <T>(...items: T[]): Batch<T> => ({ items, closedBy: 'count', bytes: 0, hold: () => NO_HOLD });
const letter = map(() => 'r');

describe('a scripted sink', () => {
  it('answers attempts in order, across batches', () =>
    marbles(({ spans, sink, expectObservable, expectAttempts }) => {
      const { a, b, c } = spans();
      const backend = sink('            --(r|)', '-(r|)', '(r|)');
      const attempts = ['               ^-!   ', '--^! ', '---(^!)'];
      const expected = '                --r(rr|)';
      const answers = of(batch(a, b), batch(b), batch(c)).pipe(concatMap((one) => backend.export(one)));
      expectObservable(answers.pipe(letter)).toBe(expected);
      expectAttempts(backend).toBe(attempts, ['ab', 'b', 'c']);
    }));

  it('fails, and answers the retry', () =>
    marbles(({ spans, sink, expectObservable, expectAttempts }) => {
      const backend = sink('            -#     ', '--(r|)');
      const attempts = ['               ^!     ', '------^-!'];
      const expected = '                --------(r|)';
      const asked = backend.export(batch(spans().a)).pipe(retry({ delay: () => timer(5) }), letter);
      expectObservable(asked).toBe(expected);
      expectAttempts(backend).toBe(attempts, ['a', 'a']);
    }));

  it('is aborted by unsubscribing', () =>
    marbles(({ spans, sink, flush, now, expectObservable, expectAttempts }) => {
      const backend = sink('            ----(r|)  ');
      const attempts = '                ^--!      ';
      const expected = '                ---#      ';
      expectObservable(backend.export(batch(spans().a)).pipe(timeout(3))).toBe(expected, undefined, {
        name: 'TimeoutError',
      });
      expectAttempts(backend).toBe(attempts);
      return flush().then(() => {
        expect(backend.attempts[0]?.end).toBe('aborted');
        expect(now()).toBe(3);
      });
    }));

  it('fails in the way of each letter', () =>
    marbles(({ spans, sink, expectObservable }) => {
      const custom = new RangeError('mine');
      const backend = sink('#', 't', 'p', 'l', 'u', 'x', 'w', '|', {
        failures: { x: custom },
        responses: { w: { rejected: 1 } },
      });
      const attempt = () => backend.export(batch(spans().a));
      expectObservable(attempt()).toBe('#', {}, { code: 'EXPORT_FAILED', failure: { kind: 'retryable' } });
      expectObservable(attempt()).toBe('#', {}, { failure: { kind: 'throttled', retryAfterMillis: 1_000 } });
      expectObservable(attempt()).toBe('#', {}, { failure: { kind: 'permanent' } });
      expectObservable(attempt()).toBe('#', {}, { failure: { kind: 'tooLarge' } });
      expectObservable(attempt()).toBe(
        '#',
        {},
        new ExportError({ kind: 'unknownOutcome' }, 'scripted: unknownOutcome'),
      );
      expectObservable(attempt()).toBe('#', {}, custom);
      expectObservable(attempt(), '^!').toBe('w', { w: { rejected: 1 } });
      expectObservable(attempt()).toBe('|');
    }));

  it('repeats its last marbles', () =>
    marbles(({ spans, sink, expectObservable, expectAttempts }) => {
      const backend = sink('-(r|)');
      const twice = of(batch(spans().a), batch(spans().b)).pipe(
        concatMap((one) => backend.export(one)),
        letter,
      );
      expectObservable(twice).toBe('-r(r|)');
      expectAttempts(backend).toBe(['^!', '-^!'], ['a', 'b']);
    }));

  it('fails the test at an attempt beyond the last marbles, with afterLast: "refuse"', async () => {
    const failure = failureOf(({ spans, sink, expectObservable }) => {
      const backend = sink('(r|)', { afterLast: 'refuse', name: 'once' });
      expectObservable(backend.export(batch(spans().a)).pipe(letter)).toBe('(r|)');
      expectObservable(backend.export(batch(spans().b))).toBe('#', {}, { failure: { kind: 'permanent' } });
    });
    expect(await failure).toBe('the sink once was asked for 1 attempts more than its script has marbles');
  });

  it('has a leak if an attempt is never aborted', async () => {
    const failure = failureOf(({ spans, sink, expectObservable }) => {
      const backend = sink('-----(r|)');
      const { a, b } = spans();
      const forgetful = new Observable<Response>((subscriber) => {
        backend.export(batch(a, b)).subscribe();
        subscriber.complete();
      });
      expectObservable(forgetful).toBe('|');
    });
    expect(await failure).toBe(
      'when the run was over, this was left behind\n\n  attempt 1 of the sink scripted [ab], subscribed at 0ms',
    );
    await marbles(
      ({ spans, sink, expectObservable }) => {
        sink('---').export(batch(spans().a)).subscribe();
        expectObservable(of('a')).toBe('(a|)');
      },
      { leaks: 'allow' },
    );
  });

  it('flushes and shuts down as drawn', () =>
    marbles(async ({ sink, now }) => {
      const backend = sink<number>('r', {
        name: 'primary',
        maxConcurrency: 1,
        attemptTimeoutMillis: 5,
        forceFlush: '---|',
        shutdown: '-#',
      });
      expect([backend.name, backend.maxConcurrency, backend.attemptTimeoutMillis]).toEqual(['primary', 1, 5]);
      const asSink: Sink<number> = backend;
      expect(asSink.name).toBe('primary');
      await backend.forceFlush();
      expect(now()).toBe(3);
      await expect(backend.shutdown()).rejects.toThrow('primary failed, as scripted');
      expect(now()).toBe(4);
      expect(backend.flushes).toEqual([0]);
      await sink('r').shutdown();
    }));

  it('refuses marbles without an answer', async () => {
    expect(await failureOf(({ sink }) => sink('--z'))).toBe("sink('--z'): z is no answer; they are # t p l u r and |");
    expect(await failureOf(({ sink }) => sink())).toBe(
      'sink.script must be at least one string of marbles, but was given an array of 0',
    );
  });
});
