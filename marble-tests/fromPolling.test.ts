import { merge, Subject, take } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  createLedger,
  exponentialBackoff,
  type Fetch,
  type FromPollingOptions,
  fromPolling,
  mergeByPriority,
} from '../src/index.ts';
import { marbles } from '../src/testing/index.ts';
import { drawnGate, letters, throwing } from './support.ts';

const LETTERS = letters('abcdefghxo');

/** The calls: the letter that will be answered, `f` for one that will fail, and `x` when a call is aborted. */
const calling = () => new Subject<string>();

/** Answers with one letter after the other, each 2 ms after the call. */
function answering(text: string, calls = calling()): Fetch<string> {
  const rest = [...text];
  return async ({ signal }) => {
    const letter = rest.shift() as string;
    calls.next(letter);
    signal.addEventListener('abort', () => calls.next('x'));
    await new Promise((resolve) => setTimeout(resolve, 2));
    if (letter === 'f') throw new Error('no answer');
    return letter;
  };
}

const BACKOFF = exponentialBackoff({ initialMillis: 4, jitter: 'none' });

describe('fromPolling', () => {
  test('calls at intervals, and not while the gate is closed', () =>
    marbles(({ hot, expectObservable, expectSubscriptions, diagram }) => {
      const title = 'fromPolling: every 4 ms, each call takes 2 ms; the gate is closed at x and opened at o';
      diagram('fromPolling', { title, sources: ['gate'], results: ['asked for', 'result'] });
      const gate = hot('    -----x-----o--|', LETTERS);
      const subs = '        ^-------------!';
      const until = '       ^-------------!';
      const called = '      a---b------c---';
      const expected = '    --a---b------c-';
      const calls = calling();
      expectObservable(calls).toBe(called, LETTERS);
      const options = { everyMillis: 4, gate: drawnGate(gate) };
      expectObservable(fromPolling(answering('abcd', calls), options), until).toBe(expected, LETTERS);
      expectSubscriptions(gate.subscriptions).toBe(subs);
    }));

  test('a call that takes longer than the interval delays the next one: calls never overlap', () =>
    marbles(({ expectObservable }) => {
      const until = '     ^------!';
      const called = '    a-b-c-dx';
      const expected = '  --a-b-c-';
      const calls = calling();
      expectObservable(calls).toBe(called, LETTERS);
      expectObservable(fromPolling(answering('abcd', calls), { everyMillis: 1 }), until).toBe(expected, LETTERS);
    }));

  test('waits longer after each failure, and is told; after a success the rhythm is the old one', async () => {
    const told: unknown[] = [];
    await marbles(({ expectObservable }) => {
      const until = '     ^----------------------!';
      const called = '    f-----f---------a--b--cx';
      const expected = '  ------------------a--b--';
      const calls = calling();
      const onFetchError = (thrown: unknown, failures: number) => told.push([(thrown as Error).message, failures]);
      const polled = fromPolling(answering('ffabc', calls), { everyMillis: 3, backoff: BACKOFF, onFetchError });
      expectObservable(calls).toBe(called, LETTERS);
      expectObservable(polled, until).toBe(expected, LETTERS);
    });
    expect(told).toEqual([
      ['no answer', 1],
      ['no answer', 2],
    ]);
  });

  test('a call that takes too long is aborted, and has failed', async () => {
    const told: unknown[] = [];
    await marbles(({ expectObservable }) => {
      const until = '     ^----------!';
      const called = '    ax---bx-----';
      const expected = '  ------------';
      const calls = calling();
      const onFetchError = (thrown: unknown) => told.push((thrown as { code: string }).code);
      const options = { everyMillis: 1, timeoutMillis: 1, backoff: BACKOFF, onFetchError };
      expectObservable(calls).toBe(called, LETTERS);
      expectObservable(fromPolling(answering('ab', calls), options), until).toBe(expected, LETTERS);
    });
    expect(told).toEqual(['TIMEOUT', 'TIMEOUT']);
  });

  test('several are merged: as they come, or the important one first', () =>
    marbles(({ expectObservable }) => {
      const until = '     ^------!';
      const expected = '  --(ac)(bd)';
      const one = () => fromPolling(answering('abe'), { everyMillis: 4 });
      const other = () => fromPolling(answering('cdf'), { everyMillis: 4 });
      expectObservable(merge(one(), other()), until).toBe(expected, LETTERS);
      expectObservable(mergeByPriority([{ source: one() }, { source: other() }]), until).toBe(expected, LETTERS);
    }));
});

describe('fromPolling: the compulsory cases', () => {
  test('never: a call that never ends is aborted when it is unsubscribed', () =>
    marbles(({ expectObservable }) => {
      const until = '     ^---!';
      const called = '    a---x';
      const expected = '  -----';
      const calls = calling();
      const never: Fetch<string> = ({ signal }) => {
        calls.next('a');
        signal.addEventListener('abort', () => calls.next('x'));
        return new Promise(() => {});
      };
      expectObservable(calls).toBe(called, LETTERS);
      expectObservable(fromPolling(never, { everyMillis: 1 }), until).toBe(expected);
    }));

  test('empty: nothing comes while each call fails', () =>
    marbles(({ expectObservable }) => {
      const until = '     ^----!';
      const called = '    f---fx';
      const expected = '  ------';
      const calls = calling();
      expectObservable(calls).toBe(called, LETTERS);
      const options = { everyMillis: 1, backoff: exponentialBackoff({ initialMillis: 2, jitter: 'none' }) };
      expectObservable(fromPolling(answering('ff', calls), options), until).toBe(expected, LETTERS);
    }));

  test('one: the first call is made at the subscription', () =>
    marbles(({ expectObservable }) => {
      const until = '     ^---!';
      const expected = '  --a--';
      expectObservable(fromPolling(answering('a'), { everyMillis: 9 }), until).toBe(expected, LETTERS);
    }));

  test('many: a fetch that returns no promise is one that has answered', () =>
    marbles(({ expectObservable }) => {
      const until = '     ^---------!';
      const expected = '  a---a---a--';
      expectObservable(
        fromPolling(() => 'a', { everyMillis: 4 }),
        until,
      ).toBe(expected, LETTERS);
    }));

  test('error: a call that fails is passed over', () =>
    marbles(({ expectObservable }) => {
      const until = '     ^--------!';
      const expected = '  --------a-';
      expectObservable(fromPolling(answering('fab'), { everyMillis: 4, backoff: BACKOFF }), until).toBe(
        expected,
        LETTERS,
      );
    }));

  test('early unsubscribe: while it waits, no other call is made', () =>
    marbles(({ expectObservable }) => {
      const until = '     ^--!';
      const called = '    a---------';
      const expected = '  --a-------';
      const calls = calling();
      expectObservable(calls).toBe(called, LETTERS);
      expectObservable(fromPolling(answering('ab', calls), { everyMillis: 5 }), until).toBe(expected, LETTERS);
    }));

  test('early unsubscribe: while the gate is closed, it lets go of the gate', () =>
    marbles(({ hot, expectObservable }) => {
      const gate = hot('  x-----o--|', LETTERS);
      const until = '     -^--!';
      const called = '    ----------';
      const expected = '  -----';
      const calls = calling();
      expectObservable(calls).toBe(called, LETTERS);
      expectObservable(fromPolling(answering('a', calls), { everyMillis: 1, gate: drawnGate(gate) }), until).toBe(
        expected,
      );
    }));

  test('throwing callback: a fetch that throws has failed; what onFetchError throws is ignored', () =>
    marbles(({ expectObservable }) => {
      const until = '     ^---------!';
      const expected = '  -----------';
      const options = { everyMillis: 4, onFetchError: throwing };
      expectObservable(fromPolling(throwing, options), until).toBe(expected);
    }));

  test.each<[string, Partial<FromPollingOptions>]>([
    ['a backoff that throws', { backoff: { first: throwing } }],
    ['a step that throws', { backoff: { first: () => ({ delayMillis: 1_000, next: throwing }) } }],
    ['a wait that is no number', { backoff: { first: () => ({ delayMillis: Number.NaN, next: throwing }) } }],
    [
      'a random that throws',
      { backoff: exponentialBackoff({ initialMillis: 2_000, multiplier: 1 }), random: throwing },
    ],
  ])(
    'throwing callback: %s is in the books, and the next call is made a second after one that fails',
    async (_, options) => {
      const ledger = createLedger();
      await marbles(({ expectObservable }) => {
        const until = '     ^ 2500ms !';
        const called = '    f 999ms f 999ms f';
        const calls = calling();
        const failing: Fetch<string> = () => {
          calls.next('f');
          throw new Error('no answer');
        };
        expectObservable(calls).toBe(called, LETTERS);
        expectObservable(fromPolling(failing, { everyMillis: 1, ledger, ...options }), until).toBe('-');
      });
      expect(ledger.stats().callbackErrors).toBeGreaterThan(0);
    },
  );

  test('synchronous re-entrancy: unsubscribed by its own value, it makes no other call', () =>
    marbles(({ expectObservable }) => {
      const called = '    a---------';
      const expected = '  --(a|)';
      const calls = calling();
      expectObservable(calls).toBe(called, LETTERS);
      expectObservable(fromPolling(answering('ab', calls), { everyMillis: 4 }).pipe(take(1))).toBe(expected, LETTERS);
    }));
});

describe('fromPolling', () => {
  test('the books count each result', async () => {
    const ledger = createLedger();
    await marbles(({ expectObservable }) => {
      const until = '     ^-------!';
      const expected = '  --a---b--';
      expectObservable(fromPolling(answering('abc'), { everyMillis: 4, ledger }), until).toBe(expected, LETTERS);
    });
    expect(ledger.stats().stages.fromPolling).toMatchObject({ accepted: 2, handedOn: 2, pending: 0 });
  });

  test('options that are wrong are refused at the call', () => {
    expect(() => fromPolling(() => 1, { everyMillis: -1 })).toThrow(
      'fromPolling.everyMillis must be a duration in milliseconds, from 0',
    );
    expect(() => fromPolling(undefined as never, { everyMillis: 1 })).toThrow('fromPolling.fetch must be a function');
  });
});
