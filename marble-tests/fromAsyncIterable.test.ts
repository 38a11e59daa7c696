import { Subject, take, tap } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createGate, createLedger, fromAsyncIterable } from '../src/index.ts';
import { marbles } from '../src/testing/index.ts';
import { drawnGate, letters } from './support.ts';

const LETTERS = letters('abcdefgh');

/** What an iterable is asked for: a letter when it begins to work on it, the end when it has been closed. */
const asked = () => new Subject<string>();

/** Has each letter 2 ms after it was asked for. */
async function* slowly(text: string, pulls = asked()): AsyncGenerator<string> {
  try {
    for (const letter of text) {
      pulls.next(letter);
      await new Promise((resolve) => setTimeout(resolve, 2));
      yield letter;
    }
  } finally {
    pulls.complete();
  }
}

/** Never has anything. */
function silence(pulls: Subject<string>): AsyncIterable<string> {
  const close = async () => {
    pulls.complete();
    return { done: true as const, value: undefined };
  };
  return { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}), return: close }) };
}

describe('fromAsyncIterable', () => {
  test('asks for one after another, and for none while the gate is closed', () =>
    marbles(({ hot, expectObservable, expectSubscriptions, diagram }) => {
      const title = 'fromAsyncIterable: each takes 2 ms, a gate that is closed at x and opened at o';
      diagram('fromAsyncIterable', { title, sources: ['gate'], results: ['asked for', 'result'] });
      const gate = hot('    ---x----(o|)', letters('xo'));
      const subs = '        ^-------!';
      const pulled = '      a-b-----c-d-|';
      const expected = '    --a-b-----c-(d|)';
      const pulls = asked();
      expectObservable(pulls).toBe(pulled, LETTERS);
      expectObservable(fromAsyncIterable(slowly('abcd', pulls), { gate: drawnGate(gate) })).toBe(expected);
      expectSubscriptions(gate.subscriptions).toBe(subs);
    }));
});

describe('fromAsyncIterable: the compulsory cases', () => {
  test('never: waits with the iterable, and closes it when it is unsubscribed', () =>
    marbles(({ expectObservable }) => {
      const until = '      ^----!';
      const pulled = '     -----|';
      const expected = '   ------';
      const pulls = asked();
      expectObservable(pulls).toBe(pulled);
      expectObservable(fromAsyncIterable(silence(pulls)), until).toBe(expected);
    }));

  test('empty: completes', () =>
    marbles(({ expectObservable }) => {
      const pulled = '     |';
      const expected = '   |';
      const pulls = asked();
      expectObservable(pulls).toBe(pulled);
      expectObservable(fromAsyncIterable(slowly('', pulls))).toBe(expected);
    }));

  test('one: completes with it, since the iterable is asked again at once', () =>
    marbles(({ expectObservable }) => {
      const pulled = '     a-|';
      const expected = '   --(a|)';
      const pulls = asked();
      expectObservable(pulls).toBe(pulled, LETTERS);
      expectObservable(fromAsyncIterable(slowly('a', pulls))).toBe(expected);
    }));

  test('many: those of a synchronous iterable come at once, in their order', () =>
    marbles(({ expectObservable }) => {
      const expected = '   (abcdefgh|)';
      expectObservable(fromAsyncIterable('abcdefgh')).toBe(expected);
    }));

  test('error: that of the iterable comes behind its items', () =>
    marbles(({ expectObservable }) => {
      const expected = '   --a-(b#)';
      async function* failing() {
        yield* slowly('ab');
        throw new Error('broken');
      }
      expectObservable(fromAsyncIterable(failing())).toBe(expected, undefined, { message: 'broken' });
    }));

  test('early unsubscribe: asks for no more, closes the iterable, and counts what was on its way', async () => {
    const ledger = createLedger();
    await marbles(({ expectObservable }) => {
      const until = '      ^--!';
      const pulled = '     a-b-|';
      const expected = '   --a-';
      const pulls = asked();
      expectObservable(pulls).toBe(pulled, LETTERS);
      expectObservable(fromAsyncIterable(slowly('abcd', pulls), { ledger }), until).toBe(expected);
    });
    expect(ledger.stats()).toMatchObject({ accepted: 2, handedOn: 1, lost: { unsubscribed: 1 }, pending: 0 });
  });

  test('throwing callback: it takes none; an iterable that throws when it is asked is an error, once', () =>
    marbles(({ expectObservable }) => {
      const expected = '   #';
      const next = () => {
        throw new Error('mine');
      };
      const hostile = { [Symbol.iterator]: () => ({ next }) };
      expectObservable(fromAsyncIterable(hostile)).toBe(expected, undefined, { message: 'mine' });
    }));

  test('synchronous re-entrancy: a listener that closes the gate holds back the very next one', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const opening = hot(' -----o');
      const subs = '        ^----!';
      const expected = '    a----(bcd|)';
      const gate = createGate();
      let open = () => {};
      opening.pipe(take(1)).subscribe(() => open());
      const closing = tap((letter: string) => {
        if (letter === 'a') open = gate.close();
      });
      expectObservable(fromAsyncIterable('abcd', { gate }).pipe(closing)).toBe(expected);
      expectSubscriptions(opening.subscriptions).toBe(subs);
    }));
});
