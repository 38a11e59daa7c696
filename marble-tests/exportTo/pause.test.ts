import { BehaviorSubject, NEVER, type Observable, of, Subject, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  adaptiveBatch,
  createLedger,
  exponentialBackoff,
  exportTo,
  type FlushRequest,
  fixedSize,
} from '../../src/index.ts';
import { marbles } from '../../src/testing/index.ts';

/** `p` pauses, `r` resumes. */
const PAUSES = { p: true, r: false };

const ONE = { delivered: 1 };

describe('exportTo: a pause', () => {
  test('holds back each attempt that has not begun, and lets those in flight go on', () =>
    marbles(({ hot, hotBatches, sink, expectOutcomes, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches(' -[a]--[b]-[c]--------|');
      const pauseWhen = hot('    --p----------r---------', PAUSES);
      const subs = '             ^--------------------!';
      const paused = '           ^--------------------!';
      const attempts = ['        -^--!', '  -------------^--!', '-------------^--!'];
      const expected = '         ----o-----------(oo)-|';
      const answers = sink('---(r|)');
      expectOutcomes(source.pipe(exportTo(answers, { pauseWhen }))).toBe(expected, { o: ONE });
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(pauseWhen.subscriptions).toBe(paused);
      expectAttempts(answers).toBe(attempts, ['a', 'b', 'c']);
    }));

  test('begins before the first attempt where the Observable has a value at once', () =>
    marbles(({ hotBatches, sink, expectOutcomes, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches(' -[a]-----');
      const subs = '             ^-------!';
      const expected = '         ---------';
      const answers = sink('(r|)');
      const pauseWhen = new BehaviorSubject(true);
      expectOutcomes(source.pipe(exportTo(answers, { pauseWhen })), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(answers).toBe([]);
    }));

  test('holds back a retry whose wait is over, and its slot is free meanwhile', () =>
    marbles(({ hot, hotBatches, sink, expectOutcomes, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches(' [a]------------|');
      const pauseWhen = hot('    --p------r------', PAUSES);
      const subs = '             ^--------------!';
      const attempts = ['        ^!', '      ---------^!'];
      const expected = '         ----------o----|';
      const retry = { backoff: exponentialBackoff({ initialMillis: 3, jitter: 'none' }) };
      const answers = sink('-#', '-(r|)');
      expectOutcomes(source.pipe(exportTo(answers, { pauseWhen, retry }))).toBe(expected, { o: ONE });
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(answers).toBe(attempts);
    }));

  test('that is longer than the time for a batch loses the one that waits in it, as expired', () =>
    marbles(({ hot, hotBatches, sink, onLoss, expectOutcomes, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches(' -[a]--------|');
      const pauseWhen = hot('    p------------', PAUSES);
      const subs = '             ^-----------!';
      const expected = '         --------x---|';
      const answers = sink('(r|)');
      const options = { pauseWhen, retry: { maxElapsedMillis: 7 }, onLoss };
      expectOutcomes(source.pipe(exportTo(answers, options))).toBe(expected, { x: { lost: { expired: 'a' } } });
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(answers).toBe([]);
    }));

  test('keeps batches in the queue in front: one waits here, the next ones grow there', () =>
    marbles(({ hot, sink, expectOutcomes, expectSubscriptions, expectAttempts }) => {
      const source = hot('       abcdefghij--------|');
      const pauseWhen = hot('    p----------r-------', PAUSES);
      const subs = '             ^-----------------!';
      const attempts = ['        -----------^-!', '-----------^-!', '-----------^-!'];
      const expected = '         -------------(xyz)|';
      const batches = { maxExportBatchSize: 5, minExportBatchSize: 1, scheduledDelayMillis: 4 };
      const strategy = () => ({ size: 2, delayMillis: 4, left() {}, ended() {} });
      const answers = sink('--(r|)');
      const exported = source.pipe(adaptiveBatch({ ...batches, strategy }), exportTo(answers, { pauseWhen }));
      expectOutcomes(exported).toBe(expected, {
        x: { delivered: 2 },
        y: { delivered: 5 },
        z: { delivered: 3 },
      });
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(answers).toBe(attempts, ['ab', 'cdefg', 'hij']);
    }));

  test('of a source that has ended keeps the stream open until it is over', () =>
    marbles(({ hot, hotBatches, sink, expectOutcomes, expectSubscriptions }) => {
      const source = hotBatches(' -[a]|');
      const pauseWhen = hot('    p--------r', PAUSES);
      const subs = '             ^---!';
      const expected = '         ----------(o|)';
      expectOutcomes(source.pipe(exportTo(sink('-(r|)'), { pauseWhen }))).toBe(expected, { o: ONE });
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('is no obstacle to stopWhen and unsubscribing', async () => {
    const ledger = createLedger();
    await marbles(({ hotBatches, hot, sink, expectOutcomes, expectSubscriptions, expectAttempts }) => {
      const source = hotBatches(' -[a]---[b]---');
      const stopWhen = hot('     ----s--------', { s: 's' });
      const subs = '             ^----------!';
      const expected = '         ----x--x-----';
      const answers = sink('(r|)');
      const options = { pauseWhen: new BehaviorSubject(true), stopWhen, ledger };
      expectOutcomes(source.pipe(exportTo(answers, options)), subs).toBe(expected, { x: { lost: { shutdown: 1 } } });
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(answers).toBe([]);
    });
    expect(ledger.stats()).toMatchObject({ lost: { shutdown: 2 }, pending: 0, waiting: 0 });
  });

  test('a flush does not begin an attempt, and is answered when the pause is over', () => {
    const pauseWhen = new BehaviorSubject(true);
    const [source, flushWhen] = [new Subject<string>(), new Subject<FlushRequest>()];
    let answered = false;
    const settle = () => {
      answered = true;
    };
    const sink = { name: 'sink', export: () => of({}) };
    const batching = adaptiveBatch<string>({ strategy: fixedSize(), flushWhen });
    const subscription = source.pipe(batching, exportTo(sink, { pauseWhen })).subscribe();
    source.next('a');
    flushWhen.next({ urgency: { timeoutMillis: 1_000, isEnding: false }, hold: () => ({ settle }) });
    expect(answered).toBe(false);
    pauseWhen.next(false);
    expect(answered).toBe(true);
    subscription.unsubscribe();
  });

  test.each([
    ['ends', of(true), 0],
    ['fails', throwError(() => new Error('mine')), 1],
  ])('an Observable that %s leaves the last state', (_what, rest, errors) => {
    const ledger = createLedger();
    const told: unknown[] = [];
    const onCallbackError = (thrown: unknown) => void told.push(thrown);
    const pauseWhen = new Subject<boolean>();
    const source = new Subject<string[]>();
    const sink = { name: 'sink', export: () => of({}) };
    const subscription = source.pipe(exportTo(sink, { pauseWhen, ledger, onCallbackError })).subscribe();
    pauseWhen.next(true);
    rest.subscribe(pauseWhen);
    source.next(['a']);
    expect(ledger.stats()).toMatchObject({ attempts: 0, waiting: 1, callbackErrors: errors });
    expect(told).toHaveLength(errors);
    subscription.unsubscribe();
  });

  test('a value that is no boolean is reported, and changes nothing', () => {
    const told: unknown[] = [];
    const options = {
      pauseWhen: of<unknown>(1) as Observable<boolean>,
      onCallbackError: (thrown: unknown) => void told.push(thrown),
    };
    const ledger = createLedger();
    of(['a'])
      .pipe(exportTo({ name: 'sink', export: () => of({}) }, { ...options, ledger }))
      .subscribe();
    expect(ledger.stats()).toMatchObject({ delivered: 1, callbackErrors: 1 });
    expect(told).toMatchObject([
      { message: 'exportTo.pauseWhen must be an Observable of true and false, but was given 1' },
    ]);
  });

  test('has to be an Observable', () => {
    const sink = { name: 'sink', export: () => NEVER };
    expect(() => exportTo(sink, { pauseWhen: true as never })).toThrow('exportTo.pauseWhen must be an Observable');
  });
});
