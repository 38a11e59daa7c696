import {
  catchError,
  defer,
  EMPTY,
  map,
  merge,
  mergeMap,
  type Observable,
  of,
  range,
  Subject,
  throwError,
  timer,
} from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  boundedMergeMap,
  createLedger,
  exponentialBackoff,
  exportTo,
  monotonicScheduler,
  type Outcome,
  type RateLimit,
  type RateLimitOptions,
  type RateLimitState,
  rateLimit,
  type Sink,
} from '../src/index.ts';
import { marbles } from '../src/testing/index.ts';
import { letters, throwing } from './support.ts';

const LETTERS = letters('abcdefgh');
const OUTCOMES = { o: 'delivered', e: 'expired', s: 'shutdown', x: 'retriesExhausted' };

/** One every five milliseconds, and one at once. */
const EVERY_FIVE = { itemsPerSecond: 200, burstMillis: 5 } as const;

const told = map(({ lost }: Outcome<unknown>) => lost[0]?.reason ?? 'delivered');

/** Subscribes at each of these milliseconds. */
function called<T>(source: Observable<T>, ...atMillis: readonly number[]): Observable<T> {
  return merge(...atMillis.map((at) => timer(at).pipe(mergeMap(() => source))));
}

function stateOf(limit: RateLimit): RateLimitState | undefined {
  let now: RateLimitState | undefined;
  limit.state$.subscribe((state) => (now = state)).unsubscribe();
  return now;
}

describe('rateLimit', () => {
  test('a batch waits for its tokens; one that is larger than the burst passes alone and is paid back', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions, expectAttempts, diagram }) => {
      diagram('rateLimit', { title: 'rateLimit: an item a millisecond, 3 at once' });
      const source = coldBatches('([ab][cdefg][h]|)');
      const subs = '              (^!)';
      const attempts = ['         ^!', '  --^!', '-----^!'];
      const expected = '          -o-o--(o|)';
      const limit = rateLimit({ itemsPerSecond: 1_000, burstMillis: 3 });
      const backend = sink('      -(r|)');
      expectObservable(source.pipe(exportTo(backend, { rateLimit: limit }), told)).toBe(expected, OUTCOMES);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['ab', 'cdefg', 'h']);
    }));

  test('retries take tokens, too', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('[a]|');
      const subs = '              ^--!';
      const attempts = ['         ^!', '  -----^!'];
      const expected = '          ------(o|)';
      const backoff = exponentialBackoff({ initialMillis: 1, maxMillis: 1, jitter: 'none' });
      const backend = sink('-#', '-(r|)');
      const options = { rateLimit: rateLimit({ requestsPerSecond: 200, burstMillis: 5 }), retry: { backoff } };
      expectObservable(source.pipe(exportTo(backend, options), told)).toBe(expected, OUTCOMES);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['a', 'a']);
    }));

  test('a batch that waits for a slot has used up no token', () =>
    marbles(({ coldBatches, sink, expectSubscriptions, expectAttempts, expectObservable }) => {
      const source = coldBatches('([a][b]|)');
      const subs = '              (^!)';
      const attempts = ['         ^-------------!', '--------------^-------------!'];
      const other = '             ------(o|)';
      const limit = rateLimit(EVERY_FIVE);
      const slow = sink('--------------(r|)');
      const expected = '          --------------o-------------(o|)';
      const options = { rateLimit: limit, concurrency: 1 };
      expectObservable(source.pipe(exportTo(slow, options), told)).toBe(expected, OUTCOMES);
      // At 5 ms there is a token, which b does not hold.
      expectObservable(called(of('o').pipe(limit.protect()), 6)).toBe(other, { o: 'o' });
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(slow).toBe(attempts, ['a', 'b']);
    }));

  test('several exports share it, and take turns', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('([a][b][c]|)');
      const other = coldBatches(' ([d][e]|)');
      const subs = '              (^!)';
      const attempts = ['         ^!', '    -----^!', '---------------^!'];
      const otherAttempts = ['    ----------^!', '20ms ^!'];
      const expected = '          -o----o---------(o|)';
      const otherExpected = '     -----------o---------(o|)';
      const limit = rateLimit(EVERY_FIVE);
      const [one, two] = [sink('-(r|)'), sink('-(r|)')];
      expectObservable(source.pipe(exportTo(one, { rateLimit: limit }), told)).toBe(expected, OUTCOMES);
      expectObservable(other.pipe(exportTo(two, { rateLimit: limit }), told)).toBe(otherExpected, OUTCOMES);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(one).toBe(attempts, ['a', 'b', 'c']);
      expectAttempts(two).toBe(otherAttempts, ['d', 'e']);
    }));

  test('a large one is not overtaken by small ones that come later', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  (b|)', LETTERS);
      const subs = '         ----------(^!)';
      const small = cold('   (a|)', LETTERS);
      const expected = '     a---------ba(a|)';
      const limit = rateLimit({ itemsPerSecond: 1_000, burstMillis: 10 });
      const all = merge(
        called(small.pipe(limit.protect({ items: 10 })), 0),
        called(source.pipe(limit.protect({ items: 10 })), 1),
        called(small.pipe(limit.protect()), 2, 3),
      );
      expectObservable(all).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('a stream of items is shaped by a bounded queue in front of it', () =>
    marbles(({ hot, expectObservable, expectSubscriptions, expectLedger, onLoss }) => {
      const source = hot('  abc-d----|', LETTERS);
      const subs = '        ^--------!';
      const expected = '    a----b----(c|)';
      const ledger = createLedger();
      const limit = rateLimit(EVERY_FIVE);
      const options = { concurrency: 1, maxQueueSize: 1, ledger, onLoss };
      const shaped = source.pipe(boundedMergeMap((item: string) => of(item).pipe(limit.protect()), options));
      expectObservable(shaped.pipe(map(({ item }) => item))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectLedger(ledger, { accepted: 3, handedOn: 'abc', refused: { queueFull: 'd' } });
    }));

  test('over any time, no more passes than the rate and the burst allow', () =>
    marbles(async ({ flush }) => {
      const limit = rateLimit({ itemsPerSecond: 100, bytesPerSecond: 2_000, burstMillis: 500 });
      const passed: { at: number; items: number; bytes: number }[] = [];
      range(0, 400).subscribe((index) => {
        const size = { items: 1 + (index % 7), bytes: 10 + (index % 11) * 10 };
        timer(index % 300)
          .pipe(mergeMap(() => of(size).pipe(limit.protect(size))))
          .subscribe(() => passed.push({ at: monotonicScheduler.now(), ...size }));
      });
      await flush();
      expect(passed).toHaveLength(400);
      for (const [index, { at: from }] of passed.entries()) {
        for (let last = index; last < passed.length; last += 40) {
          const within = passed.slice(index, last + 1);
          const seconds = ((passed[last]?.at ?? 0) - from) / 1_000 + 0.001;
          const sum = (unit: 'items' | 'bytes') => within.reduce((total, one) => total + one[unit], 0);
          expect(sum('items')).toBeLessThanOrEqual(100 * (seconds + 0.5) + 0.01);
          expect(sum('bytes')).toBeLessThanOrEqual(2_000 * (seconds + 0.5) + 0.01);
        }
      }
    }));

  test('its state tells who waits and what is available', () =>
    marbles(async ({ advanceBy }) => {
      const limit = rateLimit({ itemsPerSecond: 1_000, burstMillis: 10 });
      const waiting: number[] = [];
      const watch = limit.state$.subscribe((state) => waiting.push(state.waiting));
      expect(stateOf(limit)).toEqual({ waiting: 0, available: { items: 10 } });
      of('a')
        .pipe(limit.protect({ items: 25 }))
        .subscribe();
      expect(stateOf(limit)).toEqual({ waiting: 0, available: { items: -15 } });
      of('b').pipe(limit.protect()).subscribe();
      expect(stateOf(limit)).toMatchObject({ waiting: 1 });
      await advanceBy(20);
      expect(stateOf(limit)).toEqual({ waiting: 0, available: { items: 4 } });
      watch.unsubscribe();
      expect([waiting[0], Math.max(...waiting), waiting.at(-1)]).toEqual([0, 1, 0]);
    }));

  test('an export with nothing in line, which only wants to know when it could go on, does not wait', () =>
    marbles(async ({ advanceBy, sink }) => {
      const limit = rateLimit({ requestsPerSecond: 1 });
      const batches = new Subject<string[]>();
      batches.pipe(exportTo(sink('-----(r|)'), { rateLimit: limit })).subscribe();
      batches.next(['a']);
      expect(stateOf(limit)).toEqual({ waiting: 0, available: { requests: 0 } });
      batches.next(['b']);
      expect(stateOf(limit)).toMatchObject({ waiting: 1 });
      await advanceBy(1_000);
      expect(stateOf(limit)).toMatchObject({ waiting: 0 });
    }));

  test.each<[RateLimitOptions, string]>([
    [{}, 'rateLimit.itemsPerSecond must be given, or else bytesPerSecond or requestsPerSecond'],
    [{ itemsPerSecond: 0 }, 'rateLimit.itemsPerSecond must be a number from 0.001, but was given 0'],
    [{ bytesPerSecond: Number.NaN }, 'rateLimit.bytesPerSecond must be a number from 0.001, but was given NaN'],
    [{ requestsPerSecond: -1 }, 'rateLimit.requestsPerSecond must be a number from 0.001, but was given -1'],
    [{ itemsPerSecond: 1, burstMillis: 0 }, 'rateLimit.burstMillis must be a duration in milliseconds, from 1'],
    [{ itemsPerSecond: 1, scheduler: {} as never }, 'rateLimit.scheduler must be an RxJS scheduler'],
    [{ itemPerSecond: 1 } as never, "did you mean 'itemsPerSecond'?"],
  ])('refuses %o', (options, message) => {
    expect(() => rateLimit(options)).toThrow(message);
  });

  test('its operator wants to be told the bytes that it counts', () => {
    expect(() => rateLimit({ bytesPerSecond: 5 }).protect()).toThrow(
      'rateLimit.protect.bytes must be a number from 0, but was given undefined',
    );
    expect(() => rateLimit({ itemsPerSecond: 5 }).protect({ items: -1 })).toThrow(
      'rateLimit.protect.items must be a number from 0, but was given -1',
    );
    const sink: Sink<string> = { name: 'mine', export: () => EMPTY };
    expect(() => exportTo(sink, { rateLimit: 5 as never })).toThrow(
      'exportTo.rateLimit must be a rate limit, as of rateLimit(), but was given 5',
    );
  });
});

describe('rateLimit: the compulsory cases', () => {
  test('never: waits with the source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -');
      const subs = '        ^-----!';
      const expected = '    -------';
      expectObservable(source.pipe(rateLimit(EVERY_FIVE).protect()), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: completes, and has taken its token', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' --|');
      const subs = ['       ^-!', '-----^-!'];
      const expected = '    -------|';
      expectObservable(called(source.pipe(rateLimit(EVERY_FIVE).protect()), 0, 1)).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: comes through', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' --(a|)', LETTERS);
      const subs = '        ^-!';
      const expected = '    --(a|)';
      expectObservable(source.pipe(rateLimit(EVERY_FIVE).protect())).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: a subscription counts, not its values', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' ab(c|)', LETTERS);
      const subs = ['       ^-!', '-----^-!', '----------^-!'];
      const expected = '    abc--abc--ab(c|)';
      expectObservable(called(source.pipe(rateLimit(EVERY_FIVE).protect()), 0, 1, 2)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: that of the source, and its token is spent', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -#', LETTERS);
      const subs = ['       ^!', '-----^!'];
      const expected = '    ------#';
      const limit = rateLimit(EVERY_FIVE);
      const first = source.pipe(
        limit.protect(),
        catchError(() => EMPTY),
      );
      const second = source.pipe(limit.protect());
      expectObservable(merge(first, second)).toBe(expected, undefined, 'error');
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: ends the source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -----#');
      const subs = '        ^--!';
      const expected = '    ----';
      expectObservable(source.pipe(rateLimit(EVERY_FIVE).protect()), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: one that waits gives up its place, and takes no token', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' (a|)', LETTERS);
      const subs = '        (^!)';
      const unsub = '       -^-!';
      const expected = '    -----(a|)';
      const limit = rateLimit(EVERY_FIVE);
      const given = cold('  (b|)', LETTERS).pipe(limit.protect({ items: 1 }));
      expectObservable(given, '^').toBe('(b|)', LETTERS);
      expectObservable(source.pipe(limit.protect({ items: 1 })), unsub).toBe('');
      expectObservable(timer(2).pipe(mergeMap(() => source.pipe(limit.protect())))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(`-----${subs}`);
    }));

  test('throwing callback: a state$ that is watched by one that throws holds nothing back', () =>
    marbles(async ({ flush }) => {
      const limit = rateLimit(EVERY_FIVE);
      let ended = 0;
      const failing = limit.state$.pipe(
        map(throwing),
        catchError(() => EMPTY),
      );
      failing.subscribe();
      for (let index = 0; index < 3; index += 1)
        throwError(throwing)
          .pipe(limit.protect())
          .subscribe({ error: () => (ended += 1) });
      await flush();
      expect(ended).toBe(3);
    }));

  test('synchronous re-entrancy: 5,000 that wait, and end at once, need no deep stack', () =>
    marbles(async ({ flush }) => {
      const limit = rateLimit({ itemsPerSecond: 1_000_000, burstMillis: 1 });
      let ended = 0;
      const next = () => {
        ended += 1;
        if (ended < 5_000) source.subscribe({ complete: next });
      };
      const source: Observable<string> = defer(() => of('a')).pipe(limit.protect({ items: 100 }));
      source.subscribe({ complete: next });
      await flush();
      expect(ended).toBe(5_000);
    }));
});

describe('rateLimit: what an export loses while it waits', () => {
  test.each([
    ['at its deadline, as expired', { retry: { maxElapsedMillis: 20 } }, 'e', 'expired'],
    ['at a shutdown, as shutdown', { stopWhen: timer(20) }, 's', 'shutdown'],
  ] as const)('%s', (_when, options, letter, reason) =>
    marbles(({ coldBatches, sink, onLoss, expectObservable, expectSubscriptions, expectLedger }) => {
      const source = coldBatches('([a][b]|)');
      const subs = '              (^!)';
      const expected = `          -o 18ms (${letter}|)`;
      const ledger = createLedger();
      const limit = rateLimit({ itemsPerSecond: 1 });
      const outcomes = source.pipe(exportTo(sink('-(r|)'), { ...options, rateLimit: limit, ledger, onLoss }), told);
      expectObservable(outcomes).toBe(expected, OUTCOMES);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectLedger(ledger, { accepted: 2, delivered: 'a', lost: { [reason]: 'b' } });
    }),
  );

  test('when it is unsubscribed, as unsubscribed, and no timer is left', () =>
    marbles(({ coldBatches, sink, onLoss, expectObservable, expectSubscriptions, expectLedger }) => {
      const source = coldBatches('[a][b]---');
      const subs = '              ^-------!';
      const expected = '          -o-------';
      const ledger = createLedger();
      const limit = rateLimit({ itemsPerSecond: 1 });
      const outcomes = source.pipe(exportTo(sink('-(r|)'), { rateLimit: limit, ledger, onLoss }), told);
      expectObservable(outcomes, subs).toBe(expected, OUTCOMES);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectLedger(ledger, { accepted: 2, delivered: 'a', lost: { unsubscribed: 'b' } });
    }));
});
