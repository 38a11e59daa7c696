import { concatMap, EMPTY, filter, map, mergeMap, of, Subject, tap } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { safely } from '../src/streams.ts';
import { marbles } from '../src/testing/index.ts';
import { letters, throwing } from './support.ts';

const LETTERS = letters('abcABC?');

/** Throws at b. */
function shout(letter: string): string {
  return letter === 'b' ? throwing() : letter.toUpperCase();
}

const SAFE = safely(shout, { fallback: () => '?' });

describe('safely', () => {
  test('returns the fallback in the place of an exception, and the stream goes on', () =>
    marbles(({ cold, expectObservable, expectSubscriptions, diagram }) => {
      diagram('safely', { title: "safely: b throws, and the fallback is '?'" });
      const source = cold(' -a-b-c-|', LETTERS);
      const subs = '        ^------!';
      const expected = '    -A-?-C-|';
      expectObservable(source.pipe(map(safely(shout, { fallback: () => '?' })))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('filter: the fallback decides whether an item that cannot be judged stays', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-b-c-|', LETTERS);
      const subs = ['       ^------!', '^------!'];
      const staying = '     ---b-c-|';
      const leaving = '     -----c-|';
      const judge = (letter: string) => (letter === 'b' ? throwing() : letter === 'c');
      expectObservable(source.pipe(filter(safely(judge, { fallback: () => true })))).toBe(staying, LETTERS);
      expectObservable(source.pipe(filter(safely(judge, { fallback: () => false })))).toBe(leaving, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('tap: needs no fallback', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-b-c-|', LETTERS);
      const subs = '        ^------!';
      const expected = '    -a-b-c-|';
      expectObservable(source.pipe(tap(safely(throwing)))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('concatMap: a fallback may return an Observable', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-b-c-|', LETTERS);
      const subs = '        ^------!';
      const expected = '    -A---C-|';
      const project = safely((letter: string) => of(shout(letter)), { fallback: () => EMPTY });
      expectObservable(source.pipe(concatMap(project))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('onError and the fallback are given the exception and the arguments', () => {
    const told: unknown[] = [];
    const safe = safely(throwing as (letter: string, index: number) => string, {
      onError: (...args) => void told.push(args),
      fallback: (error, letter, index) => `${letter}${index} ${(error as Error).message}`,
    });
    expect(safe('a', 7)).toBe('a7 mine');
    expect(told).toEqual([[new Error('mine'), 'a', 7]]);
  });

  test('counts the exceptions', () => {
    const safe = safely(shout);
    expect(['a', 'b', 'b', 'c'].map((letter) => safe(letter))).toEqual(['A', undefined, undefined, 'C']);
    expect(safe.errors).toBe(2);
  });

  test('a promise that rejects resolves with the fallback', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-b-c-|', LETTERS);
      const subs = '        ^------!';
      const expected = '    ---A-?-(C|)';
      const slowly = (letter: string) =>
        new Promise<string>((resolve, reject) => {
          setTimeout(() => {
            try {
              resolve(shout(letter));
            } catch (thrown) {
              reject(thrown);
            }
          }, 2);
        });
      const safe = safely(slowly, { fallback: () => '?' });
      expectObservable(source.pipe(mergeMap(safe))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('a rejection is handled although the result is not awaited', async () => {
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown) => void unhandled.push(reason);
    process.on('unhandledRejection', onUnhandled);
    const safe = safely(async (letter: string) => shout(letter));
    of('a', 'b').pipe(tap(safe)).subscribe();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled).toEqual([]);
    expect(safe.errors).toBe(1);
  });

  test('a result whose then throws counts as an exception', () => {
    const hostile = new Proxy({}, { get: throwing });
    const safe = safely(() => hostile, { fallback: () => 'instead' });
    expect(safe()).toBe('instead');
  });

  test('a callback that is no function, or an unknown option, is refused', () => {
    expect(() => safely('shout' as never)).toThrow('safely.callback must be a function, but was given "shout"');
    expect(() => safely(shout, { fallback: '?' } as never)).toThrow('safely.fallback must be a function');
    expect(() => safely(shout, { onError: 1 } as never)).toThrow('safely.onError must be a function, but was given 1');
    expect(() => safely(shout, { otherwise: 1 } as never)).toThrow('safely.otherwise must be one of the known options');
  });
});

describe('safely: the compulsory cases', () => {
  test('never: is not called', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -', LETTERS);
      const subs = '        ^----!';
      const expected = '    ------';
      expectObservable(source.pipe(map(SAFE)), subs).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: is not called', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' --|', LETTERS);
      const subs = '        ^-!';
      const expected = '    --|';
      expectObservable(source.pipe(map(SAFE))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: that throws is the fallback', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -b|', LETTERS);
      const subs = '        ^-!';
      const expected = '    -?|';
      expectObservable(source.pipe(map(SAFE))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: each call stands for itself', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' (abcab)-b|', LETTERS);
      const subs = '        ^--------!';
      const expected = '    (A?CA?)-?|';
      expectObservable(source.pipe(map(SAFE))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: an error of the source passes through unhandled', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-#', LETTERS);
      const subs = '        ^--!';
      const expected = '    -A-#';
      expectObservable(source.pipe(map(SAFE))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: the callback is not called any more', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-b-c-|', LETTERS);
      const subs = '        ^---!';
      const expected = '    -A-?-';
      expectObservable(source.pipe(map(safely(shout, { fallback: () => '?' }))), subs).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('throwing callback: an exception of onError changes nothing; one of the fallback counts, and undefined stands in for it', () => {
    const told: unknown[] = [];
    const listening = safely(shout, { fallback: throwing, onError: (error) => told.push(error) });
    expect(listening('b')).toBeUndefined();
    expect(listening.errors).toBe(2);
    expect(told).toEqual([new Error('mine'), new Error('mine')]);
    const silent = safely(shout, { fallback: () => '?', onError: throwing });
    expect(silent('b')).toBe('?');
    expect(silent.errors).toBe(1);
  });

  test('synchronous re-entrancy: a callback that emits again, and an onError that does', () => {
    const source = new Subject<string>();
    const seen: string[] = [];
    const onError = () => source.next('a');
    source.pipe(map(safely(shout, { fallback: () => '?', onError }))).subscribe((letter) => seen.push(letter));
    source.next('b');
    source.next('c');
    expect(seen).toEqual(['A', '?', 'C']);
  });
});
