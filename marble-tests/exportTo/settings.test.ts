import { BehaviorSubject, NEVER, type Observable, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createLedger, type ExportToChanges, exponentialBackoff, exportTo, type Sink } from '../../src/index.ts';
import { marbles } from '../../src/testing/index.ts';

const SILENT: Sink<string> = { name: 'silent', export: () => NEVER };

const WAITS = { backoff: exponentialBackoff({ initialMillis: 3, jitter: 'none' }) };

/** Exports whose settings are changed by hand. */
function live(options: object) {
  const ledger = createLedger();
  const settings$ = new Subject<ExportToChanges>();
  const told: string[] = [];
  const onCallbackError = (thrown: unknown) => void told.push((thrown as Error).message);
  const source = new Subject<string[]>();
  const subscription = source.pipe(exportTo(SILENT, { ...options, settings$, ledger, onCallbackError })).subscribe();
  return { ledger, settings$, told, source, subscription };
}

describe('exportTo: settings$', () => {
  test('a new concurrency holds at once', () => {
    const { ledger, settings$, source, subscription } = live({ concurrency: 1 });
    for (const item of 'abcd') source.next([item]);
    expect(ledger.stats()).toMatchObject({ running: 1, waiting: 3 });
    settings$.next({ concurrency: 3 });
    expect(ledger.stats()).toMatchObject({ running: 3, waiting: 1 });
    subscription.unsubscribe();
  });

  test('a new timeout holds from the next attempt on, also of a batch under way', () =>
    marbles(({ hot, hotBatches, sink, expectOutcomes, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches(' [a]--------------|');
      const settings$ = hot('    --t---------------', { t: { attemptTimeoutMillis: 2 } });
      const subs = '             ^----------------!';
      const attempts = ['        ^----!', '  --------^-!'];
      const expected = '         ----------x------|';
      const answers = sink('---------', '---------');
      const options = { settings$, attemptTimeoutMillis: 5, retry: { ...WAITS, maxAttempts: 2 } };
      expectOutcomes(source.pipe(exportTo(answers, options))).toBe(expected, { x: { lost: { unconfirmed: 'a' } } });
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(answers).toBe(attempts);
    }));

  test('a batch keeps the retry policy with which it was taken; what is left out of it stays as it is', () =>
    marbles(({ hot, hotBatches, sink, expectOutcomes, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches(' [a]-[b]-------|');
      const settings$ = hot('    -s-------------', { s: { retry: { maxAttempts: 1 } } });
      const subs = '             ^-------------!';
      const attempts = ['        ^-!', '      ----^!', '-----^!'];
      const expected = '         -----yo-------|';
      const answers = sink('--#', '-#', '-(r|)');
      const options = { settings$, retry: WAITS };
      expectOutcomes(source.pipe(exportTo(answers, options))).toBe(expected, {
        y: { lost: { retriesExhausted: 'b' }, attempts: 1 },
        o: { delivered: 'a', attempts: 2 },
      });
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(answers).toBe(attempts, ['a', 'b', 'a']);
    }));

  test('a batch that is sent in parts keeps its retry policy for all of them', () =>
    marbles(({ hot, hotBatches, sink, expectOutcomes, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches(' [ab]--------|');
      const settings$ = hot('    --s-----------', { s: { retry: { maxAttempts: 1 } } });
      const subs = '             ^-----------!';
      const attempts = ['        ^!', '      -^-!', '    ---^!', '   -------^!'];
      const expected = '         --------o---|';
      const answers = sink('-l', '--(r|)', '-#', '-(r|)');
      const options = { settings$, retry: WAITS };
      expectOutcomes(source.pipe(exportTo(answers, options))).toBe(expected, { o: { delivered: 'ab', attempts: 4 } });
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(answers).toBe(attempts, ['ab', 'a', 'b', 'b']);
    }));

  test('a change of which one value is wrong changes nothing, is told and is counted', () => {
    const { ledger, settings$, told, source, subscription } = live({ concurrency: 1 });
    settings$.next({ concurrency: 5, attemptTimeoutMillis: 0 });
    settings$.next({ concurrency: 5, retry: { maxAttempts: 0 } });
    settings$.next({ concurrency: 5, maxPendingItems: 3 } as never);
    settings$.next({ concurrency: 0 });
    for (const item of 'ab') source.next([item]);
    expect(ledger.stats()).toMatchObject({ running: 1, waiting: 1, callbackErrors: 4 });
    expect(told).toEqual([
      expect.stringContaining('exportTo.settings$.attemptTimeoutMillis must be a duration in milliseconds, from 1'),
      expect.stringContaining('exportTo.settings$.retry.maxAttempts must be a whole number from 1, or Infinity'),
      expect.stringContaining('exportTo.settings$.maxPendingItems must be one of the known options'),
      'exportTo.settings$.concurrency must be a whole number from 1, but was given 0',
    ]);
    subscription.unsubscribe();
  });

  test('the concurrency of an Observable is not changed, and other values are', () => {
    const { ledger, settings$, told, source, subscription } = live({ concurrency: new BehaviorSubject(1) });
    settings$.next({ concurrency: 2 });
    settings$.next({ attemptTimeoutMillis: 5_000 });
    for (const item of 'ab') source.next([item]);
    expect(ledger.stats()).toMatchObject({ running: 1, waiting: 1, callbackErrors: 1 });
    expect(told).toEqual([
      'exportTo.settings$.concurrency must be left out, because concurrency is no number and changes by itself, but was given 2',
    ]);
    subscription.unsubscribe();
  });

  test('has to be an Observable', () => {
    const settings$ = {} as Observable<ExportToChanges>;
    expect(() => exportTo(SILENT, { settings$ })).toThrow('exportTo.settings$ must be an Observable');
  });
});
