import {
  catchError,
  concatMap,
  defer,
  EMPTY,
  interval,
  map,
  merge,
  mergeMap,
  Observable,
  of,
  range,
  Subject,
  take,
  throwError,
  timer,
} from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  adaptiveBatch,
  type BreakerState,
  type CircuitBreaker,
  type CircuitBreakerOptions,
  circuitBreaker,
  createLedger,
  ExportError,
  exponentialBackoff,
  exportTo,
  type Failure,
  monotonicScheduler,
  type Outcome,
  type Response,
  retryWithBackoff,
  type Sink,
} from '../src/index.ts';
import { marbles } from '../src/testing/index.ts';
import { seededRandom } from '../test/support/random.ts';
import { letters, throwing } from './support.ts';

/** Open for 5, 10, 20 … milliseconds, from the first failure on. */
const AT_ONCE = {
  consecutiveFailures: 1,
  backoff: exponentialBackoff({ initialMillis: 5, maxMillis: 1_000, jitter: 'none' }),
} as const;

/** Waits of 3 milliseconds between attempts. */
const RETRY = { backoff: exponentialBackoff({ initialMillis: 3, maxMillis: 3, jitter: 'none' }) } as const;

const STATES: Readonly<Record<string, BreakerState>> = { c: 'closed', o: 'open', h: 'halfOpen' };
const LETTERS = letters('abfx');
const OUTCOMES = { o: 'delivered', x: 'retriesExhausted', e: 'expired', s: 'shutdown' };
const OPEN = { code: 'BREAKER_OPEN', failure: { kind: 'retryable' } };

const told = map(({ lost }: Outcome<unknown>) => lost[0]?.reason ?? 'delivered');

const failed = (failure: Failure) => new ExportError(failure, 'failed');

/** Subscribes at each of these milliseconds. What finds the breaker open is an `x`, and another error an `f`. */
function called(source: Observable<string>, ...atMillis: readonly number[]): Observable<string> {
  const letterOf = (error: { code?: string }) => of(error.code === 'BREAKER_OPEN' ? 'x' : 'f');
  return merge(...atMillis.map((at) => timer(at).pipe(mergeMap(() => source.pipe(catchError(letterOf))))));
}

function stateOf(breaker: CircuitBreaker): BreakerState | undefined {
  let now: BreakerState | undefined;
  breaker.state$.subscribe((state) => (now = state)).unsubscribe();
  return now;
}

/** One more call, which succeeds if it is let through. */
function stateAfterCall(breaker: CircuitBreaker): BreakerState | undefined {
  of('a')
    .pipe(breaker.protect())
    .subscribe({ error: () => {} });
  return stateOf(breaker);
}

/** Opens it, for five milliseconds. */
function trip(breaker: CircuitBreaker): void {
  throwError(() => 'no')
    .pipe(breaker.protect())
    .subscribe({ error: () => {} });
}

describe('circuitBreaker', () => {
  test('opens after a failure, probes, and ramps up what has waited', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions, expectAttempts, diagram }) => {
      diagram('circuitBreaker', {
        title: 'circuitBreaker: a failure opens it for 5 ms, c is the probe',
        results: ['outcomes', 'state$'],
      });
      const source = coldBatches('([a][b][c][d]|)');
      const subs = '              (^!)';
      const attempts = [
        '                         ^!',
        '                         ^!',
        '                         ------^---!',
        '                         ----------^---!',
        '                         ----------^---!',
        '                         --------------^---!',
      ];
      const expected = '          ----------o---(oo)(o|)';
      const states = '            co----h---c';
      const breaker = circuitBreaker(AT_ONCE);
      const backend = sink('-#', '-#', '----(r|)');
      const outcomes = source.pipe(exportTo(backend, { breaker, concurrency: 2, retry: RETRY }), told);
      expectObservable(outcomes).toBe(expected, OUTCOMES);
      expectObservable(breaker.state$, '^-----------------!').toBe(states, STATES);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['a', 'b', 'c', 'd', 'a', 'b']);
    }));

  test('beside a Retry-After the probe waits for the gate, too', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('[a]|');
      const subs = '              ^--!';
      const attempts = ['         ^!', '  ----------^-!'];
      const expected = '          ------------(o|)';
      const states = '            co--------h-c';
      const breaker = circuitBreaker(AT_ONCE);
      const backend = sink('-t', '--(r|)', { failures: { t: { kind: 'throttled', retryAfterMillis: 9 } } });
      expectObservable(source.pipe(exportTo(backend, { breaker, retry: RETRY }), told)).toBe(expected, OUTCOMES);
      expectObservable(breaker.state$, '^---------------!').toBe(states, STATES);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['a', 'a']);
    }));

  test('stays open for longer after each probe that fails, and closes when one succeeds', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('[a]|');
      const subs = '              ^--!';
      const attempts = ['         ^!', '------^!', '-----------------^!', '38ms ^-!'];
      const expected = '          40ms (o|)';
      const states = '            co----ho---------ho 19ms h-c';
      const breaker = circuitBreaker(AT_ONCE);
      const backend = sink('-#', '-#', '-#', '--(r|)');
      expectObservable(source.pipe(exportTo(backend, { breaker, retry: RETRY }), told)).toBe(expected, OUTCOMES);
      expectObservable(breaker.state$, '^ 50ms !').toBe(states, STATES);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['a', 'a', 'a', 'a']);
    }));

  test('several exports that share it are guarded together', () =>
    marbles(({ coldBatches, sink, expectOutcomes, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches(' [a]|');
      const later = coldBatches('  ---[b]|');
      const subs = '               ^--!';
      const attempts = ['          ^!'];
      const laterAttempts = ['     ------^!'];
      const expected = '           -x-|';
      const laterExpected = '      -------(o|)';
      const breaker = circuitBreaker(AT_ONCE);
      const [failing, working] = [sink('-#'), sink('-(r|)')];
      const once = exportTo(failing, { breaker, retry: { maxAttempts: 1 } });
      expectOutcomes(source.pipe(once)).toBe(expected, { x: { lost: { retriesExhausted: 'a' } } });
      expectOutcomes(later.pipe(exportTo(working, { breaker }))).toBe(laterExpected, { o: { delivered: 'b' } });
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(failing).toBe(attempts, ['a']);
      expectAttempts(working).toBe(laterAttempts, ['b']);
    }));

  test.each<[Failure['kind'] | 'no Failure', BreakerState, unknown]>([
    ['permanent', 'closed', failed({ kind: 'permanent' })],
    ['tooLarge', 'closed', failed({ kind: 'tooLarge' })],
    ['retryable', 'open', failed({ kind: 'retryable' })],
    ['throttled', 'open', failed({ kind: 'throttled', retryAfterMillis: 0 })],
    ['unknownOutcome', 'open', failed({ kind: 'unknownOutcome' })],
    ['no Failure', 'open', 'no'],
  ])('after an error that is %s it is %s', (_kind, state, error) => {
    const breaker = circuitBreaker(AT_ONCE);
    throwError(() => error)
      .pipe(breaker.protect())
      .subscribe({ error: () => {} });
    expect(stateOf(breaker)).toBe(state);
  });

  test('an attempt that times out opens it', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions }) => {
      const source = coldBatches('[a]|');
      const subs = '              ^--!';
      const expected = '          ----(u|)';
      const states = '            c---o';
      const breaker = circuitBreaker(AT_ONCE);
      const options = { breaker, attemptTimeoutMillis: 4, retry: { maxAttempts: 1 } };
      expectObservable(source.pipe(exportTo(sink('---'), options), told)).toBe(expected, { u: 'unconfirmed' });
      expectObservable(breaker.state$, '^------!').toBe(states, STATES);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('slow calls open it, and a slow probe keeps it open', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' ----(a|)', LETTERS);
      const subs = ['       ^---!', '----------^---!'];
      const expected = '    ----a-x-------a-(x|)';
      const states = '      c---o-----h---o';
      const breaker = circuitBreaker({ ...AT_ONCE, slowCallMillis: 3, minCalls: 1 });
      const calls = called(source.pipe(breaker.protect()), 0, 6, 10, 16);
      expectObservable(calls).toBe(expected, LETTERS);
      expectObservable(breaker.state$, '^-----------------!').toBe(states, STATES);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('a share of failures opens it, from minCalls on', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' (a|)', LETTERS);
      const failing = cold('#', LETTERS);
      const subs = ['       (^!)', ' --(^!)'];
      const expected = '    afaf(x|)';
      const breaker = circuitBreaker({ ...AT_ONCE, consecutiveFailures: 5, minCalls: 4 });
      let count = 0;
      const either = defer(() => (count++ % 2 === 0 ? source : failing));
      expectObservable(called(either.pipe(breaker.protect()), 0, 1, 2, 3, 4)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('a probe that is unsubscribed says nothing, and makes room for the next one', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' ----(a|)', LETTERS);
      const subs = ['       ------^-!', '---------^---!'];
      const probe = '       ------^-!';
      const expected = '    -------x-----(a|)';
      const states = '      o-----h------c';
      const breaker = circuitBreaker(AT_ONCE);
      trip(breaker);
      expectObservable(source.pipe(breaker.protect()), probe).toBe('');
      expectObservable(called(source.pipe(breaker.protect()), 7, 9)).toBe(expected, LETTERS);
      expectObservable(breaker.state$, '^-------------!').toBe(states, STATES);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('a source that is unsubscribed after a value has succeeded', () =>
    marbles(async ({ advanceBy }) => {
      const breaker = circuitBreaker(AT_ONCE);
      trip(breaker);
      await advanceBy(5);
      range(0, 9).pipe(breaker.protect(), take(1)).subscribe();
      expect(stateOf(breaker)).toBe('closed');
    }));

  test('with whenOpen wait, a source waits for its turn, and is ramped up', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' ----(a|)', LETTERS);
      const subs = ['       -----^---!', '---------^---!', '---------^---!', '-------------^---!'];
      const expected = '    ---------a---(aa)(a|)';
      const breaker = circuitBreaker(AT_ONCE);
      trip(breaker);
      expectObservable(called(source.pipe(breaker.protect({ whenOpen: 'wait' })), 0, 1, 2, 3)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('with whenOpen fail, everything passes once it is closed', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -(a|)', LETTERS);
      const subs = ['       ------^!', '--------^!', '--------^!', '--------^!', '--------^!'];
      const expected = '    -------a-(aaaa|)';
      const breaker = circuitBreaker(AT_ONCE);
      trip(breaker);
      expectObservable(called(source.pipe(breaker.protect()), 6, 8, 8, 8, 8)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('retryWithBackoff around it tries again until it is closed', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -(a|)', LETTERS);
      const subs = ['       ------^!'];
      const expected = '    -------(a|)';
      const breaker = circuitBreaker(AT_ONCE);
      trip(breaker);
      expectObservable(source.pipe(breaker.protect(), retryWithBackoff(RETRY))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test.each<[CircuitBreakerOptions, string]>([
    [{ consecutiveFailures: 0 }, 'circuitBreaker.consecutiveFailures must be a whole number from 1, or Infinity'],
    [{ failureRatio: 0 }, 'circuitBreaker.failureRatio must be a number from 0.01 to 1, but was given 0'],
    [{ slowRatio: 1.5 }, 'circuitBreaker.slowRatio must be a number from 0.01 to 1, but was given 1.5'],
    [{ slowCallMillis: 0 }, 'circuitBreaker.slowCallMillis must be a duration in milliseconds, from 1'],
    [{ minCalls: 0.5 }, 'circuitBreaker.minCalls must be a whole number from 1, or Infinity, but was given 0.5'],
    [{ windowMillis: 99 }, 'circuitBreaker.windowMillis must be a duration in milliseconds, from 100'],
    [{ maxProbes: 0 }, 'circuitBreaker.maxProbes must be a whole number from 1, but was given 0'],
    [{ backoff: {} as never }, 'circuitBreaker.backoff must be a backoff, as of exponentialBackoff()'],
    [{ random: 1 as never }, 'circuitBreaker.random must be a function'],
    [{ scheduler: {} as never }, 'circuitBreaker.scheduler must be an RxJS scheduler'],
    [{ maxProbe: 1 } as never, "did you mean 'maxProbes'?"],
  ])('refuses %o', (options, message) => {
    expect(() => circuitBreaker(options)).toThrow(message);
  });

  test('its operator and the stages that take it refuse what is not theirs', () => {
    const whenOpen = 'maybe' as 'wait';
    expect(() => circuitBreaker().protect({ whenOpen })).toThrow(
      "circuitBreaker.protect.whenOpen must be one of 'wait', 'fail', but was given \"maybe\"",
    );
    const sink: Sink<string> = { name: 'mine', export: () => EMPTY };
    expect(() => exportTo(sink, { breaker: {} as CircuitBreaker })).toThrow(
      'exportTo.breaker must be a circuit breaker, as of circuitBreaker(), but was given an empty object',
    );
  });
});

describe('circuitBreaker: the compulsory cases', () => {
  test('never: waits with the source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -');
      const subs = '        ^-----!';
      const expected = '    -------';
      expectObservable(source.pipe(circuitBreaker().protect()), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: completes, which is a success', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' --|');
      const subs = '        -----^-!';
      const expected = '    -------|';
      const states = '      o----h-c';
      const breaker = circuitBreaker(AT_ONCE);
      trip(breaker);
      expectObservable(source.pipe(breaker.protect({ whenOpen: 'wait' }))).toBe(expected);
      expectObservable(breaker.state$, '^--------!').toBe(states, STATES);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: comes through', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' --(a|)', LETTERS);
      const subs = '        ^-!';
      const expected = '    --(a|)';
      expectObservable(source.pipe(circuitBreaker().protect())).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: all of a source come through, and several sources at a time', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-b|', LETTERS);
      const subs = ['       ^---!', '-^---!'];
      const expected = '    -aabb|';
      expectObservable(called(source.pipe(circuitBreaker().protect()), 0, 1)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: that of the source opens it, and then it is BREAKER_OPEN', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -#');
      const subs = '        ^!';
      const expected = '    -#';
      const later = '       ---#';
      const breaker = circuitBreaker(AT_ONCE);
      const protectedSource = source.pipe(breaker.protect());
      const second = timer(3).pipe(mergeMap(() => protectedSource));
      expectObservable(protectedSource).toBe(expected, undefined, 'error');
      expectObservable(second).toBe(later, undefined, OPEN);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: ends the source, and says nothing about it', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -----#');
      const subs = '        ^--!';
      const expected = '    ----';
      const states = '      c';
      const breaker = circuitBreaker(AT_ONCE);
      expectObservable(source.pipe(breaker.protect()), subs).toBe(expected);
      expectObservable(breaker.state$, '^-----!').toBe(states, STATES);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: one that waits gives up its place, and no timer is left', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' (a|)', LETTERS);
      const subs: string[] = [];
      const unsub = '       ^--!';
      const expected = '    ----';
      const breaker = circuitBreaker(AT_ONCE);
      trip(breaker);
      expectObservable(source.pipe(breaker.protect({ whenOpen: 'wait' })), unsub).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('throwing callback: it is reported, and a backoff that throws is a second', () =>
    marbles(async ({ advanceBy }) => {
      const thrown: unknown[] = [];
      const onCallbackError = (error: unknown) => void thrown.push(error);
      const breaker = circuitBreaker({ ...AT_ONCE, backoff: { first: throwing }, onCallbackError });
      trip(breaker);
      expect(thrown[0]).toMatchObject({ message: 'mine' });
      await advanceBy(999);
      expect(stateAfterCall(breaker)).toBe('open');
      await advanceBy(1);
      expect(stateAfterCall(breaker)).toBe('closed');
    }));

  test.each([Number.NaN, -1, 2])('throwing callback: a random that returns %d is reported, and is 0.5', (odd) =>
    marbles(async ({ advanceBy }) => {
      const thrown: unknown[] = [];
      const backoff = exponentialBackoff({ initialMillis: 8, maxMillis: 8, jitter: 'full' });
      const onCallbackError = (error: unknown) => void thrown.push(error);
      const breaker = circuitBreaker({ ...AT_ONCE, backoff, random: () => odd, onCallbackError });
      trip(breaker);
      expect(thrown).toHaveLength(1);
      await advanceBy(4);
      expect(stateAfterCall(breaker)).toBe('closed');
    }),
  );

  test('synchronous re-entrancy: 5,000 that wait, and end at once, need no deep stack', () =>
    marbles(async ({ flush }) => {
      const breaker = circuitBreaker(AT_ONCE);
      trip(breaker);
      let ended = 0;
      const waiting = of('a').pipe(breaker.protect({ whenOpen: 'wait' }));
      for (let index = 0; index < 5_000; index += 1) waiting.subscribe({ complete: () => (ended += 1) });
      expect(ended).toBe(0);
      await flush();
      expect(ended).toBe(5_000);
    }));

  test('synchronous re-entrancy: who subscribes when it closes finds it closed', () =>
    marbles(async ({ flush }) => {
      const breaker = circuitBreaker(AT_ONCE);
      const values: string[] = [];
      const source = of('a').pipe(breaker.protect());
      trip(breaker);
      breaker.state$.subscribe((state) => {
        if (state === 'closed') source.subscribe((value) => values.push(value));
      });
      of('b')
        .pipe(breaker.protect({ whenOpen: 'wait' }))
        .subscribe();
      await flush();
      expect(values).toEqual(['a']);
    }));
});

describe('circuitBreaker: what an export loses while it is open', () => {
  test('nothing but what its limits say: the batches wait, and are lost as expired or retriesExhausted', () =>
    marbles(({ coldBatches, sink, onLoss, expectObservable, expectSubscriptions, expectLedger }) => {
      const source = coldBatches('[a]-[b]|');
      const subs = '              ^------!';
      const expected = '          20ms x---(e|)';
      const ledger = createLedger();
      const backoff = exponentialBackoff({ initialMillis: 1_000, maxMillis: 1_000, jitter: 'none' });
      const breaker = circuitBreaker({ ...AT_ONCE, backoff });
      const options = { breaker, ledger, onLoss, retry: { ...RETRY, maxElapsedMillis: 20 } };
      expectObservable(source.pipe(exportTo(sink('-#'), options), told)).toBe(expected, OUTCOMES);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectLedger(ledger, { accepted: 2, lost: { retriesExhausted: 'a', expired: 'b' } });
    }));

  test('at a shutdown, everything that waits is lost as shutdown', () =>
    marbles(({ coldBatches, sink, cold, onLoss, expectObservable, expectSubscriptions, expectLedger }) => {
      const source = coldBatches('[a][b]|');
      const subs = '              ^-----!';
      const stop = cold('         ---------x');
      const expected = '          ---------(ss|)';
      const ledger = createLedger();
      const backoff = exponentialBackoff({ initialMillis: 1_000, maxMillis: 1_000, jitter: 'none' });
      const breaker = circuitBreaker({ ...AT_ONCE, backoff });
      const options = { breaker, ledger, onLoss, retry: RETRY, stopWhen: stop };
      expectObservable(source.pipe(exportTo(sink('-#'), options), told)).toBe(expected, OUTCOMES);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectLedger(ledger, { accepted: 2, lost: { shutdown: 'ab' } });
    }));

  test.each([
    ['for long', () => 0.5],
    // The sum of 5 and 3.76 is rounded: the clock then stands before the end of the wait by less than its smallest step.
    ['for a time that no sum of numbers meets', () => 0.00376],
  ])('unsubscribed while it is open %s, it settles everything as unsubscribed, and leaves no timer', (_, random) =>
    marbles(({ coldBatches, sink, onLoss, expectObservable, expectSubscriptions, expectLedger }) => {
      const source = coldBatches('[a][b]---');
      const subs = '              ^-------!';
      const expected = '          ---------';
      const ledger = createLedger();
      const breaker = circuitBreaker({ ...AT_ONCE, backoff: exponentialBackoff(), random });
      const options = { breaker, ledger, onLoss, retry: RETRY };
      expectObservable(source.pipe(exportTo(sink('-#'), options), told), subs).toBe(expected, OUTCOMES);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectLedger(ledger, { accepted: 2, lost: { unsubscribed: 'ab' } });
    }),
  );
});

describe('circuitBreaker: a backend that is down for a minute', () => {
  /** 200 items a second for two minutes; every request takes 50 ms; the minute after the first ten seconds fails. */
  async function outage(breaker: CircuitBreaker | undefined) {
    const beganAt: number[] = [];
    const acceptedAt: number[] = [];
    const ledger = createLedger();
    const isDown = (at: number) => at >= 10_000 && at < 70_000;
    const sink: Sink<number> = {
      name: 'backend',
      export: () =>
        new Observable<Response>((subscriber) => {
          beganAt.push(monotonicScheduler.now());
          return timer(50)
            .pipe(
              concatMap(() => {
                const now = monotonicScheduler.now();
                if (isDown(now)) return throwError(() => failed({ kind: 'retryable' }));
                acceptedAt.push(now);
                return of({});
              }),
            )
            .subscribe(subscriber);
        }),
    };
    await marbles(async ({ flush }) => {
      interval(5)
        .pipe(
          take(24_000),
          adaptiveBatch({ maxExportBatchSize: 50, minExportBatchSize: 50, scheduledDelayMillis: 100, ledger }),
          exportTo(sink, { concurrency: 8, ledger, ...(breaker && { breaker }), random: () => 0.5 }),
        )
        .subscribe();
      await flush();
    });
    const between = (from: number, to: number) => beganAt.filter((at) => at >= from && at < to).length;
    const back = acceptedAt.find((at) => at >= 70_000) ?? 0;
    return { between, back, stats: ledger.stats() };
  }

  test('sees a handful of probes, and gets everything afterwards, ramped up', async () => {
    const { between, back, stats } = await outage(circuitBreaker({ random: () => 0.5 }));
    expect(stats).toMatchObject({ accepted: 24_000, delivered: 24_000, pending: 0 });
    // Six until five had failed; then probes after 0.75, 1.5, 3, 6, 12 and 22.5 s, of which the last finds the backend back.
    expect(between(10_000, 70_000)).toBe(6 + 5);
    expect(Math.round(back / 1_000)).toBe(79);
    // The probe alone, then two at a time, then four, then as many as the concurrency lets through.
    expect([between(back - 50, back), between(back, back + 50), between(back + 50, back + 100)]).toEqual([1, 2, 4]);
    expect(between(back, back + 1_000)).toBe(2 + 4 + 18 * 8);
  });

  test('without a breaker sees as many requests as retries are due', async () => {
    const { between } = await outage(undefined);
    expect(between(10_000, 70_000)).toBe(288);
  });
});

test('half open, no more probes are in flight than allowed, whatever comes and however it ends', async () => {
  await marbles(async ({ flush }) => {
    const random = seededRandom(13);
    const breaker = circuitBreaker({ ...AT_ONCE, maxProbes: 3 });
    let inFlight = 0;
    let most = 0;
    const call = new Observable<string>((subscriber) => {
      if (stateOf(breaker) !== 'halfOpen') return timer(1).subscribe({ complete: () => subscriber.error('no') });
      inFlight += 1;
      most = Math.max(most, inFlight);
      subscriber.add(() => (inFlight -= 1));
      const end = () => (random() < 0.5 ? subscriber.error('no') : subscriber.complete());
      return timer(random() * 30).subscribe(end);
    });
    const calls = new Subject<void>();
    const answers = calls.pipe(
      mergeMap(() => {
        const whenOpen = random() < 0.5 ? 'wait' : 'fail';
        return call.pipe(
          breaker.protect({ whenOpen }),
          catchError(() => EMPTY),
        );
      }),
    );
    answers.subscribe();
    interval(1)
      .pipe(take(5_000))
      .subscribe(() => calls.next());
    await flush();
    expect(most).toBe(3);
  });
});
