import {
  catchError,
  defer,
  EMPTY,
  interval,
  map,
  merge,
  mergeMap,
  Observable,
  of,
  take,
  throwError,
  timer,
} from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  createLedger,
  ExportError,
  exponentialBackoff,
  exportTo,
  monotonicScheduler,
  type Outcome,
  type Response,
  type RetryBudget,
  type RetryBudgetOptions,
  type RetryBudgetState,
  type RetryWithBackoffOptions,
  retryBudget,
  retryWithBackoff,
  type Sink,
} from '../src/index.ts';
import { marbles } from '../src/testing/index.ts';
import { seededRandom } from '../test/support/random.ts';
import { letters, throwing } from './support.ts';

const LETTERS = letters('ab');
const OUTCOMES = { o: 'delivered', x: 'retriesExhausted', s: 'shutdown', u: 'unsubscribed' };

/** Waits of a millisecond. */
const BACKOFF = exponentialBackoff({ initialMillis: 1, maxMillis: 1, jitter: 'none' });

/** One retry at once, and one every five milliseconds. */
const EVERY_FIVE = { ratio: 0, minRetriesPerSecond: 200, maxSavedRetries: 1 } as const;

/** One retry in all. */
const ONE = { ratio: 0, minRetriesPerSecond: 0, maxSavedRetries: 1 } as const;

const told = map(({ lost }: Outcome<unknown>) => lost[0]?.reason ?? 'delivered');

const retried = (budget: RetryBudget, options: RetryWithBackoffOptions = {}) =>
  retryWithBackoff<string>({ backoff: BACKOFF, budget, ...options });

function stateOf(budget: RetryBudget): RetryBudgetState | undefined {
  let now: RetryBudgetState | undefined;
  budget.state$.subscribe((state) => (now = state)).unsubscribe();
  return now;
}

describe('retryBudget', () => {
  test('a retry that finds the budget used up waits for it', () =>
    marbles(({ cold, expectObservable, expectSubscriptions, diagram }) => {
      diagram('retryBudget', { title: 'retryBudget: a retry at once, and one every 5 ms; backoffs of 1 ms' });
      const source = cold(' -#', LETTERS);
      const subs = ['       ^!', '    --^!', '    -------^!'];
      const expected = '    --------#';
      const budget = retryBudget({ ratio: 0, minRetriesPerSecond: 200, maxSavedRetries: 1 });
      const options = { backoff: BACKOFF, maxAttempts: 3, budget };
      expectObservable(source.pipe(retryWithBackoff(options))).toBe(expected, undefined, 'error');
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('each first attempt pays for a share of a retry', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -#', LETTERS);
      const fine = cold('   (a|)', LETTERS);
      const subs = ['       ^!', '--^!', '---------^!'];
      const expected = '    -----a---a#';
      const budget = retryBudget({ ...ONE, ratio: 0.5 });
      const others = merge(timer(5), timer(9)).pipe(mergeMap(() => fine.pipe(retried(budget))));
      const failing = source.pipe(retried(budget, { maxAttempts: 3 }));
      expectObservable(merge(failing, others)).toBe(expected, LETTERS, 'error');
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('retries that wait begin in the order in which they came', () =>
    marbles(async ({ flush }) => {
      const budget = retryBudget(EVERY_FIVE);
      const order: string[] = [];
      const failing = (name: string, after: number) =>
        timer(after).pipe(
          mergeMap(() => {
            let attempts = 0;
            return defer(() => {
              if (attempts++ > 0) order.push(name);
              return attempts > 1 ? of(name) : throwError(() => 'no');
            }).pipe(retried(budget));
          }),
        );
      merge(failing('a', 0), failing('b', 1), failing('c', 2), failing('d', 3)).subscribe();
      await flush();
      expect(order).toEqual(['a', 'b', 'c', 'd']);
    }));

  test('a retry that waits for it holds back no first attempt, and no slot', () =>
    marbles(({ coldBatches, sink, expectObservable, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('[a]--[b]|');
      const subs = '              ^-------!';
      const attempts = ['         ^!', '  --^!', '  -----^!', ' -------^!'];
      const expected = '          ------o-(o|)';
      const options = { concurrency: 1, retryBudget: retryBudget(EVERY_FIVE), retry: { backoff: BACKOFF } };
      const backend = sink('-#', '-#', '-(r|)');
      expectObservable(source.pipe(exportTo(backend, options), told)).toBe(expected, OUTCOMES);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['a', 'a', 'b', 'a']);
    }));

  test('a flush ends a backoff, and does not get past the budget', () =>
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold(' -#', LETTERS);
      const wakeWhen = hot('--x---x', { x: true });
      const subs = ['       ^!', '--^!', '-------^!'];
      const expected = '    --------#';
      const backoff = exponentialBackoff({ initialMillis: 1_000, maxMillis: 1_000, jitter: 'none' });
      const options = { backoff, wakeWhen, maxAttempts: 3 };
      expectObservable(source.pipe(retried(retryBudget(EVERY_FIVE), options))).toBe(expected, undefined, 'error');
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('a retry that still waits at its deadline fails with the error of its last attempt', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -#', LETTERS);
      const subs = ['       ^!', '--^!'];
      const expected = '    ---------#';
      const options = { maxElapsedMillis: 9 };
      expectObservable(source.pipe(retried(retryBudget(ONE), options))).toBe(expected, undefined, 'error');
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('its state tells how many retries wait and how many are available', () =>
    marbles(async ({ advanceBy, flush }) => {
      const budget = retryBudget({ ratio: 0, minRetriesPerSecond: 100, maxSavedRetries: 2 });
      const waiting: number[] = [];
      budget.state$.subscribe((state) => waiting.push(state.waiting));
      expect(stateOf(budget)).toEqual({ available: 2, waiting: 0 });
      let retries = 0;
      for (let index = 0; index < 4; index += 1) budget.whenAllowed(() => (retries += 1));
      expect(retries).toBe(2);
      expect(stateOf(budget)).toEqual({ available: 0, waiting: 2 });
      await advanceBy(10);
      expect(stateOf(budget)).toEqual({ available: 0, waiting: 1 });
      await flush();
      expect(retries).toBe(4);
      expect(waiting.at(-1)).toBe(0);
    }));

  test.each<[RetryBudgetOptions, string]>([
    [{ ratio: -0.1 }, 'retryBudget.ratio must be a number from 0 to 10, but was given -0.1'],
    [{ minRetriesPerSecond: Number.POSITIVE_INFINITY }, 'retryBudget.minRetriesPerSecond must be a number from 0'],
    [{ maxSavedRetries: 0 }, 'retryBudget.maxSavedRetries must be a whole number from 1, but was given 0'],
    [{ scheduler: {} as never }, 'retryBudget.scheduler must be an RxJS scheduler'],
    [{ ration: 1 } as never, "did you mean 'ratio'?"],
  ])('refuses %o', (options, message) => {
    expect(() => retryBudget(options)).toThrow(message);
  });

  test('the stages that take it refuse anything else', () => {
    const sink: Sink<string> = { name: 'mine', export: () => EMPTY };
    expect(() => exportTo(sink, { retryBudget: 0.2 as never })).toThrow(
      'exportTo.retryBudget must be a retry budget, as of retryBudget(), but was given 0.2',
    );
    expect(() => retryWithBackoff({ budget: {} as never })).toThrow(
      'retryWithBackoff.budget must be a retry budget, as of retryBudget()',
    );
  });
});

describe('retryBudget: the compulsory cases', () => {
  test('never: waits with the source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -', LETTERS);
      const subs = '        ^-----!';
      const expected = '    -------';
      expectObservable(source.pipe(retried(retryBudget(ONE))), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: completes', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' --|', LETTERS);
      const subs = '        ^-!';
      const expected = '    --|';
      expectObservable(source.pipe(retried(retryBudget(ONE)))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: a success needs no budget', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' --(a|)', LETTERS);
      const subs = '        ^-!';
      const expected = '    --(a|)';
      const budget = retryBudget(ONE);
      expectObservable(source.pipe(retried(budget))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expect(stateOf(budget)?.available).toBe(1);
    }));

  test('many: sources that share it have its retries together', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -#', LETTERS);
      const subs = ['       ^!', '^!', '--^!', '-------^!'];
      const expected = '    --------|';
      const budget = retryBudget(EVERY_FIVE);
      const failing = source.pipe(
        retried(budget, { maxAttempts: 2 }),
        catchError(() => EMPTY),
      );
      expectObservable(merge(failing, failing)).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: a permanent one takes nothing from it', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const error = new ExportError({ kind: 'permanent' }, 'no');
      const source = cold(' -#', LETTERS, error);
      const subs = '        ^!';
      const expected = '    -#';
      const budget = retryBudget(ONE);
      expectObservable(source.pipe(retried(budget))).toBe(expected, undefined, error);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expect(stateOf(budget)?.available).toBe(1);
    }));

  test('early unsubscribe: a retry that waits leaves no timer', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -#', LETTERS);
      const subs = ['       ^!', '--^!'];
      const unsub = '       ^----!';
      const expected = '    ------';
      const budget = retryBudget({ ...ONE, minRetriesPerSecond: 1 });
      expectObservable(source.pipe(retried(budget)), unsub).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: a retry that waits gives up its place, and takes nothing', () =>
    marbles(async ({ cold, expectObservable, expectSubscriptions, advanceBy, flush }) => {
      const source = cold(' -#', LETTERS);
      const subs = ['       ^!', '--^!'];
      const unsub = '       ^----!';
      const expected = '    ------';
      const budget = retryBudget(EVERY_FIVE);
      expectObservable(source.pipe(retried(budget)), unsub).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      await advanceBy(7);
      expect(stateOf(budget)).toEqual({ available: 1, waiting: 0 });
      await flush();
    }));

  test('throwing callback: a retry that throws when it begins is an error of its own stream', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -#', LETTERS);
      const subs = '        ^!';
      const expected = '    --#';
      let attempts = 0;
      const once = defer(() => (attempts++ === 0 ? source : throwing()));
      const budget = retryBudget(ONE);
      expectObservable(once.pipe(retried(budget, { maxAttempts: 2 }))).toBe(expected, undefined, new Error('mine'));
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('synchronous re-entrancy: 5,000 retries that are allowed at once need no deep stack', () =>
    marbles(async ({ flush }) => {
      const budget = retryBudget({ ...ONE, maxSavedRetries: 5_000, minRetriesPerSecond: 1_000_000 });
      for (let index = 0; index < 5_000; index += 1) budget.whenAllowed(() => {});
      let retries = 0;
      const next = () => {
        retries += 1;
        if (retries < 5_000) budget.whenAllowed(next);
      };
      budget.whenAllowed(next);
      await flush();
      expect(retries).toBe(5_000);
    }));
});

describe('retryBudget: what an export loses while a retry waits', () => {
  test.each([
    ['at its deadline, as retriesExhausted', { maxElapsedMillis: 20 }, undefined, 'x', 'retriesExhausted'],
    ['at a shutdown, as shutdown', {}, timer(20), 's', 'shutdown'],
  ] as const)('%s', (_when, retry, stopWhen, letter, reason) =>
    marbles(({ coldBatches, sink, onLoss, expectObservable, expectSubscriptions, expectLedger }) => {
      const source = coldBatches('[a]|');
      const subs = '              ^--!';
      const expected = `          20ms (${letter}|)`;
      const ledger = createLedger();
      const options = { retry: { ...retry, backoff: BACKOFF }, ...(stopWhen && { stopWhen }), ledger, onLoss };
      const outcomes = source.pipe(exportTo(sink('-#'), { ...options, retryBudget: retryBudget(ONE) }), told);
      expectObservable(outcomes).toBe(expected, OUTCOMES);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectLedger(ledger, { accepted: 1, lost: { [reason]: 'a' } });
    }),
  );
});

describe('retryBudget: half of all answers are failures, at random', () => {
  /** A hundred batches a second for ten seconds. */
  async function halfFails(budget: RetryBudget | undefined) {
    const random = seededRandom(13);
    const firstAt: number[] = [];
    const retriesAt: number[] = [];
    const seen = new Set<unknown>();
    const ledger = createLedger();
    const sink: Sink<number> = {
      name: 'backend',
      export: ({ items: [item] }) =>
        new Observable<Response>((subscriber) => {
          (seen.has(item) ? retriesAt : firstAt).push(monotonicScheduler.now());
          seen.add(item);
          const isFine = random() < 0.5;
          return timer(20)
            .pipe(mergeMap(() => (isFine ? of({}) : throwError(() => new ExportError({ kind: 'retryable' }, '503')))))
            .subscribe(subscriber);
        }),
    };
    await marbles(async ({ flush }) => {
      interval(10)
        .pipe(
          take(1_000),
          map((index) => [index]),
          exportTo(sink, { concurrency: 8, ledger, random, ...(budget && { retryBudget: budget }) }),
        )
        .subscribe();
      await flush();
    });
    const stats = ledger.stats();
    return { firstAt, retriesAt, stats, attemptsPerBatch: (firstAt.length + retriesAt.length) / stats.delivered };
  }

  test('everything is delivered, with 2 attempts for each batch, and the retries of any time are within the budget', async () => {
    const { firstAt, retriesAt, stats, attemptsPerBatch } = await halfFails(retryBudget());
    expect(stats).toMatchObject({ accepted: 1_000, delivered: 1_000, pending: 0 });
    expect(attemptsPerBatch).toBe(1.966);
    expect(Math.round(Math.max(...retriesAt) / 1_000)).toBe(93);
    const retriesUntil = (at: number) => retriesAt.filter((other) => other <= at).length;
    const firstUntil = (at: number) => firstAt.filter((other) => other <= at).length;
    for (const at of [...retriesAt, ...firstAt]) {
      expect(retriesUntil(at)).toBeLessThanOrEqual(100 + 0.2 * firstUntil(at) + (10 * at) / 1_000 + 0.01);
    }
    // While first attempts come: 100 + 200 + 100, instead of the 1,000 that would be needed.
    expect(retriesUntil(10_000)).toBe(393);
    // After them, ten a second.
    const later = retriesAt.filter((at) => at >= 12_000 && at < 22_000).length;
    expect(later).toBeGreaterThanOrEqual(99);
    expect(later).toBeLessThanOrEqual(101);
  });

  test('without a budget, the traffic of the first ten seconds is nearly doubled', async () => {
    const { retriesAt } = await halfFails(undefined);
    expect(retriesAt.filter((at) => at <= 10_000).length).toBe(919);
  });
});

test('a retry that is taken back leaves its turn to the next one', () => {
  const budget = retryBudget({ ...ONE, ratio: 1 });
  const begun: number[] = [];
  const [, takeBackSecond] = [1, 2, 3].map((index) => budget.whenAllowed(() => begun.push(index)));
  takeBackSecond?.();
  expect(begun).toEqual([1]);
  budget.firstAttempt();
  expect(begun).toEqual([1, 3]);
});
