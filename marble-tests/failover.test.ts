import { defer, map, of, take, throwError, timer } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  ExportError,
  exponentialBackoff,
  exportTo,
  type Failure,
  failover,
  type Outcome,
  type Sink,
} from '../src/index.ts';
import { marbles } from '../src/testing/index.ts';

/** A wait of 1 millisecond between the attempts at a batch. */
const RETRY = { backoff: exponentialBackoff({ initialMillis: 1, maxMillis: 1, jitter: 'none' }) } as const;

const LETTERS = { o: 'delivered', p: 'permanent', f: 'fallback', b: 'primary' };

const told = map(({ lost }: Outcome<unknown>) => lost[0]?.reason ?? 'delivered');

describe('failover', () => {
  test('sends to the fallback after failures in a row, and back when a probe was accepted', () =>
    marbles(({ hotBatches, sink, expectObservable, expectSubscriptions, expectAttempts, diagram }) => {
      diagram('failover', {
        title: 'failover: maxFailedAttempts 2, probeIntervalMillis 11',
        results: ['result', 'state$'],
      });
      const source = hotBatches('[a]------[b]--[c]---[d]-|');
      const subs = '             ^-----------------------!';
      const onPrimary = ['       ^!', '       --^!', ' --------------^!', ' --------------------^!'];
      const onFallback = ['      ----^!', '   ---------^!'];
      const expected = '         -----o----o----o-----o--|';
      const states = '           b--f-----------b---------';
      const primary = sink('     -#', '-#', '-(r|)', '-(r|)', { name: 'primary' });
      const fallback = sink('    -(r|)', '-(r|)', { name: 'fallback' });
      const both = failover(primary, fallback, { maxFailedAttempts: 2, probeIntervalMillis: 11 });
      expectObservable(source.pipe(exportTo(both, { retry: RETRY }), told)).toBe(expected, LETTERS);
      expectObservable(both.state$, '^-----------------------!').toBe(states, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(primary).toBe(onPrimary, ['a', 'a', 'c', 'd']);
      expectAttempts(fallback).toBe(onFallback, ['a', 'b']);
    }));

  test('an attempt of unknown outcome at the primary that the fallback delivers is a possible duplicate', () =>
    marbles(({ hotBatches, sink, expectOutcomes, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches('[ab]---|');
      const subs = '             ^------!';
      const onPrimary = ['       ^!'];
      const onFallback = ['      --^!'];
      const expected = '         ---o---|';
      const [primary, fallback] = [sink('-u'), sink('-(r|)')];
      const both = failover(primary, fallback, { maxFailedAttempts: 1 });
      const outcome = { delivered: 2, possibleDuplicates: 2, attempts: 2 };
      expectOutcomes(source.pipe(exportTo(both, { retry: RETRY }))).toBe(expected, { o: outcome });
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(primary).toBe(onPrimary, ['ab']);
      expectAttempts(fallback).toBe(onFallback, ['ab']);
    }));

  test('an attempt that times out has failed, by the timeout of exportTo', () =>
    marbles(({ hotBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches('[a]-------|');
      const subs = '             ^---------!';
      const onPrimary = ['       ^---!'];
      const onFallback = ['      -----^!'];
      const expected = '         ------o---|';
      const [primary, fallback] = [sink('-'), sink('-(r|)')];
      const both = failover(primary, fallback, { maxFailedAttempts: 1 });
      const options = { attemptTimeoutMillis: 4, retry: RETRY };
      expectObservable(source.pipe(exportTo(both, options), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(primary).toBe(onPrimary, ['a']);
      expectAttempts(fallback).toBe(onFallback, ['a']);
    }));

  test('an attempt that is aborted for another reason says nothing', () =>
    marbles(({ hotBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches('[a]--------');
      const subs = '             ^--!       ';
      const onPrimary = ['       ^--!       '];
      const states = '           b----------';
      const expected = '         -----------';
      const primary = sink('     -');
      const both = failover(primary, sink('-(r|)'), { maxFailedAttempts: 1 });
      expectObservable(source.pipe(exportTo(both)), subs).toBe(expected);
      expectObservable(both.state$, '^---------!').toBe(states, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(primary).toBe(onPrimary, ['a']);
    }));

  test('what is refused for good is refused, and does not go elsewhere', () =>
    marbles(({ hotBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches('[a][b][c]|');
      const subs = '             ^--------!';
      const onPrimary = ['       ^!', '   ---^!', '  ------^!'];
      const expected = '         -p--p--p-|';
      const [primary, fallback] = [sink('-p'), sink('-(r|)')];
      const both = failover(primary, fallback, { maxFailedAttempts: 1 });
      expectObservable(source.pipe(exportTo(both, { retry: RETRY }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(primary).toBe(onPrimary, ['a', 'b', 'c']);
      expectAttempts(fallback).toBe([], []);
    }));

  test.each<[string, Failure, readonly string[], readonly string[]]>([
    ['a short Retry-After is waited for', { kind: 'throttled', retryAfterMillis: 5 }, ['^!', '------^!'], []],
    ['a long one hands over at once', { kind: 'throttled', retryAfterMillis: 50 }, ['^!'], ['--^!']],
  ])('%s', (_title, t, onPrimary, onFallback) =>
    marbles(({ hotBatches, sink, expectSubscriptions, expectAttempts, expectObservable }) => {
      const source = hotBatches('[a]-------|');
      const subs = '             ^---------!';
      const primary = sink('-t', '-(r|)', { failures: { t } });
      const fallback = sink('-(r|)');
      const both = failover(primary, fallback, { probeIntervalMillis: 10 });
      const outcomes = source.pipe(exportTo(both, { retry: RETRY }), told);
      expectObservable(outcomes).toBe(onFallback.length > 0 ? '---o------|' : '-------o--|', LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(primary).toBe([...onPrimary], ['a', 'a'].slice(0, onPrimary.length));
      expectAttempts(fallback).toBe([...onFallback], ['a'].slice(0, onFallback.length));
    }),
  );

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 31_536_000_000, -5])(
    'a Retry-After of %s ms does not take the primary away for good',
    (retryAfterMillis) =>
      marbles(async ({ flush }) => {
        let calls = 0;
        const primary: Sink<string> = {
          name: 'primary',
          export: () =>
            defer(() => {
              calls += 1;
              return calls > 1
                ? of({})
                : throwError(() => new ExportError({ kind: 'throttled', retryAfterMillis }, 'no'));
            }),
        };
        const both = failover(primary, { name: 'fallback', export: () => of({}) }, { maxFailedAttempts: 1 });
        timer(0, 60_000)
          .pipe(
            take(12),
            map(() => ['a']),
            exportTo(both, { retry: RETRY }),
          )
          .subscribe();
        await flush();
        expect(calls).toBeGreaterThan(1);
      }),
  );

  test('one probe at a time, once per interval, whatever comes meanwhile', () =>
    marbles(async ({ now, flush }) => {
      const beganAt: number[] = [];
      const down = () =>
        timer(5).pipe(
          map(() => {
            throw new Error('down');
          }),
        );
      const primary: Sink<string> = {
        name: 'primary',
        export: () =>
          defer(() => {
            beganAt.push(now());
            return down();
          }),
      };
      const fallback: Sink<string> = { name: 'fallback', export: () => of({}) };
      const both = failover(primary, fallback, { maxFailedAttempts: 1, probeIntervalMillis: 20 });
      timer(0, 2)
        .pipe(
          take(50),
          map((index) => [`item ${index}`]),
          exportTo(both, { retry: RETRY }),
        )
        .subscribe();
      await flush();
      // Three were in flight when the first failed, after 5 ms. A probe takes 5 ms as well, and the next attempt comes within 2 ms.
      expect(beganAt).toEqual([0, 2, 4, 26, 52, 78]);
    }));
});
