import { BehaviorSubject, EMPTY, map, NEVER, Observable, of, range, Subject, take, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createGate, createLedger, type Loss, SpanflowError } from '../src/index.ts';
import { type BoundedMergeMapOptions, boundedMergeMap, type Merged } from '../src/streams.ts';
import { marbles } from '../src/testing/index.ts';
import { letters, throwing } from './support.ts';

const LETTERS = letters('abcdefghxy');

/** A result as a letter: that of its item, or `x` where it failed. */
const told = map((result: Merged<string, unknown>) => (result.kind === 'failed' ? 'x' : result.item));

/** What was lost, as text: `queueFull ab`. */
function losses() {
  const lost: string[] = [];
  const onLoss = ({ reason }: Loss, items: readonly string[]) => void lost.push(`${reason} ${items.join('')}`);
  return { lost, onLoss };
}

describe('boundedMergeMap', () => {
  test('runs up to concurrency inners at a time, and emits one result per item', () =>
    marbles(({ cold, expectObservable, expectSubscriptions, diagram }) => {
      diagram('boundedMergeMap', {
        title: 'boundedMergeMap: concurrency 2, one result per item',
        sources: ['source', 'inner'],
        subscriptions: ['to source', 'to inner'],
      });
      const source = cold('     abc|', LETTERS);
      const inner = cold('      ----|');
      const subs = '            ^--!';
      const inners = ['         ^---!', ' -^---!', '  ----^---!'];
      const expected = '        ----ab--(c|)';
      expectObservable(
        source.pipe(
          boundedMergeMap(() => inner, { concurrency: 2 }),
          told,
        ),
      ).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(inner.subscriptions).toBe(inners);
    }));

  test('a project that returns no Observable gives its item a failed result', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     -a-b-|', LETTERS);
      const subs = '            ^----!';
      const expected = '        -x-x-|';
      const project = (item: string) => (item === 'a' ? (undefined as never) : (5 as never));
      expectObservable(source.pipe(boundedMergeMap(project), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('a project may return a promise: its value is the result, its rejection a failed result', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     a--b--|', LETTERS);
      const subs = '            ^-----!';
      const expected = '        --a--x|';
      const project = (item: string) =>
        new Promise((resolve, reject) => setTimeout(() => (item === 'a' ? resolve(1) : reject('no')), 2));
      expectObservable(source.pipe(boundedMergeMap(project), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('a teardown that throws is reported, and the next item begins', () => {
    const thrown: unknown[] = [];
    const results: unknown[] = [];
    const inner = new Observable<never>((subscriber) => {
      subscriber.complete();
      return throwing;
    });
    const onCallbackError = (error: unknown) => void thrown.push(error);
    of('a', 'b')
      .pipe(boundedMergeMap(() => inner, { concurrency: 1, onCallbackError }))
      .subscribe(({ kind }) => results.push(kind));
    expect(results).toEqual(['completed', 'completed']);
    expect(thrown).toHaveLength(2);
  });

  test('an abort that throws is reported, and the others are aborted', () => {
    const thrown: unknown[] = [];
    let aborted = 0;
    const inner = new Observable<never>(() => () => {
      aborted += 1;
      throwing();
    });
    const onCallbackError = (error: unknown) => void thrown.push(error);
    const merged = of('a', 'b').pipe(boundedMergeMap(() => inner, { onCallbackError }));
    merged.subscribe().unsubscribe();
    expect(aborted).toBe(2);
    expect(thrown).toHaveLength(2);
  });

  test('a source whose teardown throws does not prevent the report of losses', () => {
    const { lost, onLoss } = losses();
    const source = new Observable<string>((subscriber) => {
      subscriber.next('a');
      subscriber.next('b');
      return throwing;
    });
    const subscription = source.pipe(boundedMergeMap(() => NEVER, { concurrency: 1, onLoss })).subscribe();
    expect(() => subscription.unsubscribe()).toThrow('mine');
    expect(lost).toEqual(['unsubscribed b', 'unconfirmed a']);
  });
});

describe('boundedMergeMap: the compulsory cases', () => {
  test('never: waits with the source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     -');
      const subs = '            ^----!';
      const expected = '        ------';
      expectObservable(source.pipe(boundedMergeMap(() => EMPTY)), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('never: an inner that never ends keeps its slot, and delays the end', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     a-b|', LETTERS);
      const subs = '            ^--!';
      const unsub = '           ^--------!';
      const inner = cold('      -');
      const expected = '        ---------';
      expectObservable(
        source.pipe(
          boundedMergeMap(() => inner, { concurrency: 1 }),
          told,
        ),
        unsub,
      ).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(inner.subscriptions).toBe(unsub);
    }));

  test('empty: completes', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     --|');
      const subs = '            ^-!';
      const expected = '        --|';
      expectObservable(source.pipe(boundedMergeMap(() => EMPTY))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: completes when the last result has been emitted', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     -a|', LETTERS);
      const subs = '            ^-!';
      const inner = cold('       -----|');
      const inners = '          -^----!';
      const expected = '        ------(a|)';
      expectObservable(
        source.pipe(
          boundedMergeMap(() => inner),
          told,
        ),
      ).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(inner.subscriptions).toBe(inners);
    }));

  test('many: a result has the item, its index and the values of its inner', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     a---b---|', LETTERS);
      const subs = '            ^-------!';
      const inner = cold('      xy|', LETTERS);
      const expected = '        --r---s-|';
      expectObservable(source.pipe(boundedMergeMap(() => inner))).toBe(expected, {
        r: { kind: 'completed', item: 'a', index: 0, values: ['x', 'y'] },
        s: { kind: 'completed', item: 'b', index: 1, values: ['x', 'y'] },
      });
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: an error of an inner is the result of its item, and the others go on', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     a---b---|', LETTERS);
      const subs = '            ^-------!';
      const failing = cold('    x-#', LETTERS, 'no');
      const expected = '        --r-s---|';
      const project = (item: string) => (item === 'a' ? failing : of('y'));
      expectObservable(source.pipe(boundedMergeMap(project))).toBe(expected, {
        r: { kind: 'failed', item: 'a', index: 0, values: ['x'], error: 'no' },
        s: { kind: 'completed', item: 'b', index: 1, values: ['y'] },
      });
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: an error of the source comes after all results, including those of queued items', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     ab#', LETTERS);
      const subs = '            ^-!';
      const inner = cold('      ----|');
      const inners = ['         ^---!', ' ----^---!'];
      const expected = '        ----a---(b#)';
      expectObservable(
        source.pipe(
          boundedMergeMap(() => inner, { concurrency: 1 }),
          told,
        ),
      ).toBe(expected, LETTERS, 'error');
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(inner.subscriptions).toBe(inners);
    }));

  test('early unsubscribe: by a result, it counts those that waited for that one once', async () => {
    const ledger = createLedger();
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  (ab)-----|', LETTERS);
      const inner = cold('   ---|');
      const subs = '         ^--!';
      const expected = '     ---(a|)';
      const open = (item: string) => (item === 'a' ? inner : EMPTY);
      const merged = source.pipe(boundedMergeMap(open, { order: 'source', ledger }), told, take(1));
      expectObservable(merged).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(ledger.stats()).toMatchObject({ accepted: 2, handedOn: 1, pending: 0, lost: { unconfirmed: 1 } });
  });

  test('early unsubscribe: starts nothing more, aborts, and reports held items as lost', async () => {
    const { lost, onLoss } = losses();
    await marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const source = hot('      abcd---', LETTERS);
      const subs = '            ^----!';
      const inner = cold('      --------|');
      const inners = ['         ^----!', ' -^---!'];
      const expected = '        ------';
      const merged = source.pipe(
        boundedMergeMap(() => inner, { concurrency: 2, onLoss }),
        told,
      );
      expectObservable(merged, subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(inner.subscriptions).toBe(inners);
    });
    expect(lost).toEqual(['unsubscribed cd', 'unconfirmed ab']);
  });

  test('throwing callback: a project that throws gives its item a failed result', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     -a-b-|', LETTERS);
      const subs = '            ^----!';
      const expected = '        -x-b-|';
      const project = (item: string) => (item === 'a' ? throwing() : EMPTY);
      expectObservable(source.pipe(boundedMergeMap(project), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('throwing callback: an exception of onLoss is reported, and changes nothing', async () => {
    const thrown: unknown[] = [];
    const onCallbackError = (error: unknown) => void thrown.push(error);
    await marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const source = hot('      abcd-|', LETTERS);
      const subs = '            ^----!';
      const inner = cold('      ---|');
      const expected = '        ---a--(b|)';
      const options = { concurrency: 1, maxQueueSize: 1, onLoss: throwing, onCallbackError };
      expectObservable(
        source.pipe(
          boundedMergeMap(() => inner, options),
          told,
        ),
      ).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(thrown).toEqual([new Error('mine'), new Error('mine')]);
  });

  test('synchronous re-entrancy: an item or an end that comes during a result is handled after it', () =>
    marbles(async ({ flush }) => {
      const source = new Subject<string>();
      const log: string[] = [];
      const merged = source.pipe(boundedMergeMap((item) => of(item), { concurrency: 4 }));
      const next = ({ item, index }: Merged<string, string>) => {
        log.push(`<${item}${index}`);
        if (item === 'a') source.next('b');
        if (item === 'b') source.complete();
        log.push(`${item}>`);
      };
      merged.subscribe({ next, complete: () => log.push('|') });
      source.next('a');
      await flush();
      expect(log).toEqual(['<a0', 'a>', '<b1', 'b>', '|']);
    }));
});

describe('boundedMergeMap: synchronous re-entrancy', () => {
  test('an item that comes during project is queued', () => {
    const source = new Subject<string>();
    const log: string[] = [];
    const project = (item: string) => {
      log.push(`<${item}`);
      if (item === 'a') source.next('b');
      log.push(`${item}>`);
      return of(item);
    };
    source.pipe(boundedMergeMap(project, { concurrency: 4 })).subscribe(({ item }) => log.push(item));
    source.next('a');
    expect(log).toEqual(['<a', 'a>', 'a', '<b', 'b>', 'b']);
  });

  test('take(n) unsubscribes the source during its synchronous emission', () => {
    const { lost, onLoss } = losses();
    const results: string[] = [];
    let begun = 0;
    const project = (item: string) => {
      begun += 1;
      return of(item);
    };
    of('a', 'b', 'c', 'd')
      .pipe(boundedMergeMap(project, { onLoss }), take(2))
      .subscribe(({ item }) => results.push(item));
    expect(results).toEqual(['a', 'b']);
    expect(begun).toBe(2);
    expect(lost).toEqual([]);
  });

  test('a project that unsubscribes leaves nothing behind', () => {
    const { lost, onLoss } = losses();
    const source = new Subject<string>();
    let subscribed = false;
    const inner = new Observable<string>(() => {
      subscribed = true;
    });
    const project = () => {
      subscription.unsubscribe();
      return inner;
    };
    const subscription = source.pipe(boundedMergeMap(project, { onLoss })).subscribe();
    source.next('a');
    expect(subscribed).toBe(false);
    expect(source.observed).toBe(false);
    expect(lost).toEqual(['unconfirmed a']);
  });

  test.each([1, 4])('400,000 inners that end synchronously need no deep stack, %i at a time', (concurrency) => {
    let sum = 0;
    let completed = false;
    range(0, 400_000)
      .pipe(boundedMergeMap((item) => of(item), { concurrency }))
      .subscribe({ next: ({ values }) => (sum += values[0] ?? Number.NaN), complete: () => (completed = true) });
    expect(sum).toBe((400_000 * 399_999) / 2);
    expect(completed).toBe(true);
  });

  test.each([
    [1, 'completion', 'completion'],
    [4, 'completion', 'completion'],
    [1, 'source', 'source'],
    [4, 'source', 'source'],
    [1, 'a thousand keys', { key: (item: number) => item % 1_000 }],
    [4, 'a key for each', { key: (item: number) => item }],
    [4, 'one key', { key: () => 'the same' }],
  ] as const)('a backlog of 400,000 is drained without recursion, %i at a time, order: %s', (concurrency, _, order) => {
    const first = new Subject<number>();
    const indices = new Set<number>();
    let completed = false;
    range(0, 400_000)
      .pipe(
        boundedMergeMap((item) => (item < concurrency ? first : of(item)), {
          concurrency,
          order,
          maxQueueSize: 400_000,
        }),
      )
      .subscribe({ next: ({ index }) => indices.add(index), complete: () => (completed = true) });
    expect(indices.size).toBe(0);
    first.complete();
    expect(indices.size).toBe(400_000);
    expect(completed).toBe(true);
  });

  test('an inner that completes synchronously is torn down before the next begins', () => {
    let running = 0;
    let most = 0;
    const inner = new Observable<never>((subscriber) => {
      running += 1;
      most = Math.max(most, running);
      subscriber.complete();
      return () => {
        running -= 1;
      };
    });
    range(0, 100)
      .pipe(boundedMergeMap(() => inner, { concurrency: 2 }))
      .subscribe();
    expect({ running, most }).toEqual({ running: 0, most: 1 });
  });
});

describe('boundedMergeMap: order', () => {
  test("'source': a result waits for those of earlier items", () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     abc|', LETTERS);
      const subs = '            ^--!';
      const slow = cold('       ------|');
      const fast = cold('        --|');
      const inners = ['         -^-!', '--^-!'];
      const expected = '        ------(abc|)';
      const project = (item: string) => (item === 'a' ? slow : fast);
      expectObservable(source.pipe(boundedMergeMap(project, { order: 'source' }), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(fast.subscriptions).toBe(inners);
    }));

  test("'source': results that wait take places in the queue, so that memory stays bounded while an item hangs", async () => {
    const { lost, onLoss } = losses();
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     abcdefgh|', LETTERS);
      const subs = '            ^-------!';
      const slow = cold('       ---------|');
      const expected = '        ---------(abcd|)';
      const project = (item: string) => (item === 'a' ? slow : EMPTY);
      const options = { order: 'source', concurrency: 2, maxQueueSize: 2, onLoss } as const;
      expectObservable(source.pipe(boundedMergeMap(project, options), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['queueFull e', 'queueFull f', 'queueFull g', 'queueFull h']);
  });

  test("'source': unsubscribed, a result that waited is unconfirmed", async () => {
    const { lost, onLoss } = losses();
    await marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('      abc---', LETTERS);
      const subs = '            ^----!';
      const expected = '        ------';
      const project = (item: string) => (item === 'b' ? EMPTY : NEVER);
      const options = { order: 'source', onLoss } as const;
      expectObservable(source.pipe(boundedMergeMap(project, options), told), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['unconfirmed abc']);
  });

  test('per key: items of one key run one after the other, those of different keys at the same time', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const values = { a: 'a1', b: 'a2', c: 'c1', d: 'c2', e: 'a3' };
      const source = cold('     (abcde|)', values);
      const subs = '            (^!)';
      const inner = cold('      --------|');
      const inners = [
        '                       ^-------!', // a1
        '                       ^-------!', // c1
        '                       --------^-------!', // a2
        '                       --------^-------!', // c2
        '                       ----------------^-------!', // a3
      ];
      const expected = '        --------(ac)----(bd)----(e|)';
      const order = { key: (item: string) => item[0] };
      expectObservable(
        source.pipe(
          boundedMergeMap(() => inner, { order }),
          told,
        ),
      ).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(inner.subscriptions).toBe(inners);
    }));

  test('per key: the keys take turns, and an item that waits for its key takes no slot', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const values = { a: 'a1', b: 'a2', c: 'a3', d: 'd1' };
      const source = cold('     (abcd|)', values);
      const subs = '            (^!)';
      const inner = cold('      --|');
      const expected = '        --a-d-b-(c|)';
      const order = { key: (item: string) => item[0] };
      const merged = source.pipe(
        boundedMergeMap(() => inner, { order, concurrency: 1 }),
        told,
      );
      expectObservable(merged).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('per key: an idle key gets a slot although the queue is full of another key', async () => {
    const { lost, onLoss } = losses();
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const values = { a: 'a1', b: 'a2', c: 'a3', d: 'd1' };
      const source = cold('     (abcd|)', values);
      const subs = '            (^!)';
      const inner = cold('      ------|');
      const expected = '        ------(ad)--(b|)';
      const order = { key: (item: string) => item[0] };
      const options = { order, maxQueueSize: 1, concurrency: 3, onLoss };
      expectObservable(
        source.pipe(
          boundedMergeMap(() => inner, options),
          told,
        ),
      ).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['queueFull a3']);
  });

  test('per key: items without a known key do not wait for each other', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     ab|', LETTERS);
      const subs = '            ^-!';
      const inner = cold('      ----|');
      const expected = '        -x--(a|)';
      const order = { key: (item: string) => (item === 'b' ? throwing() : undefined) };
      expectObservable(
        source.pipe(
          boundedMergeMap(() => inner, { order }),
          told,
        ),
      ).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('per key: a key that throws gives its item a failed result, and the item waits for no other', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     -a-b-|', LETTERS);
      const subs = '            ^----!';
      const expected = '        -x-x-|';
      const merged = source.pipe(
        boundedMergeMap(() => NEVER, { order: { key: throwing } }),
        told,
      );
      expectObservable(merged).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));
});

describe('boundedMergeMap: bounds', () => {
  test("'dropNewest' refuses an item that meets a full queue, and its index is left out", async () => {
    const { lost, onLoss } = losses();
    const indices: number[] = [];
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     abc-d|', LETTERS);
      const subs = '            ^----!';
      const inner = cold('      ---|');
      const expected = '        ---a--b--(d|)';
      const merged = source.pipe(
        boundedMergeMap(() => inner, { concurrency: 1, maxQueueSize: 1, onLoss }),
        map((result) => {
          indices.push(result.index);
          return result;
        }),
        told,
      );
      expectObservable(merged).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['queueFull c']);
    expect(indices).toEqual([0, 1, 3]);
  });

  test("'dropOldest' drops the item that has waited longest", async () => {
    const { lost, onLoss } = losses();
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     abcde|', LETTERS);
      const subs = '            ^----!';
      const inner = cold('      ------|');
      const inners = ['         ^-----!', '------^-----!', '------------^-----!'];
      const expected = '        ------a-----d-----(e|)';
      const options = { concurrency: 1, maxQueueSize: 2, overflow: 'dropOldest', onLoss } as const;
      expectObservable(
        source.pipe(
          boundedMergeMap(() => inner, options),
          told,
        ),
      ).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(inner.subscriptions).toBe(inners);
    });
    expect(lost).toEqual(['queueFull b', 'queueFull c']);
  });

  test("'dropOldest' refuses the newest item when none waits that could be dropped", async () => {
    const { lost, onLoss } = losses();
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     abcd|', LETTERS);
      const subs = '            ^---!';
      const slow = cold('       ------|');
      const expected = '        ------(abc|)';
      const project = (item: string) => (item === 'a' ? slow : EMPTY);
      const options = {
        order: 'source',
        concurrency: 2,
        maxQueueSize: 1,
        overflow: 'dropOldest',
        onLoss,
      } as const;
      expectObservable(source.pipe(boundedMergeMap(project, options), told)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['queueFull d']);
  });

  test("'dropOldest' per key: the item that has waited longest of all keys is dropped, and its key is forgotten", async () => {
    const { lost, onLoss } = losses();
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     abcdefgh|', LETTERS);
      const subs = '            ^-------!';
      const inner = cold('      ---------|');
      const inners = ['         ^--------!', '---------^--------!'];
      const expected = '        ---------a--------(h|)';
      const options = {
        order: { key: (item: string) => item },
        concurrency: 1,
        maxQueueSize: 1,
        overflow: 'dropOldest',
        onLoss,
      } as const;
      expectObservable(
        source.pipe(
          boundedMergeMap(() => inner, options),
          told,
        ),
      ).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(inner.subscriptions).toBe(inners);
    });
    expect(lost.join()).toBe([...'bcdefg'].map((letter) => `queueFull ${letter}`).join());
  });

  test("'dropOldest' per key: the slot that the dropped item waited for goes to another item", async () => {
    const { lost, onLoss } = losses();
    await marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const values = { a: 'a1', b: 'b1', c: 'c1', d: 'a2', e: 'e1', f: 'f1' };
      const source = hot('      bacd----ef|', values);
      const subs = '            ^---------!';
      const inner = cold('      ------|');
      const inners = [
        '                       ^-----!', // b1
        '                       -^-----!', // a1
        '                       -------^-----!', // a2, for which c1 was dropped
        '                       --------^-----!', // e1
        '                       -------------^-----!', // f1
      ];
      const expected = '        ------ba-----de----(f|)';
      const order = { key: (item: string) => item[0] };
      const options = { order, concurrency: 2, maxQueueSize: 1, overflow: 'dropOldest', onLoss } as const;
      expectObservable(
        source.pipe(
          boundedMergeMap(() => inner, options),
          told,
        ),
      ).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(inner.subscriptions).toBe(inners);
    });
    expect(lost).toEqual(['queueFull c1']);
  });

  test("'error' unsubscribes the source, lets the others finish, and then errors", async () => {
    const { lost, onLoss } = losses();
    await marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     abcd|', LETTERS);
      const subs = '            ^-!';
      const inner = cold('      ----|');
      const expected = '        ----a---(b#)';
      const error = { code: 'QUEUE_FULL', stage: 'boundedMergeMap' };
      const options = { concurrency: 1, maxQueueSize: 1, overflow: 'error', onLoss } as const;
      expectObservable(
        source.pipe(
          boundedMergeMap(() => inner, options),
          told,
        ),
      ).toBe(expected, LETTERS, error);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['queueFull c']);
  });

  test('an inner that emits too many values is aborted, and its item has failed', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     a----|', LETTERS);
      const subs = '            ^----!';
      const inner = cold('      -xxxxx|', LETTERS);
      const inners = '          ^--!';
      const expected = '        ---r-|';
      const message = 'boundedMergeMap: an inner emitted more values than maxValuesPerItem (2)';
      const error = new SpanflowError('QUEUE_FULL', message);
      const result = { kind: 'failed', item: 'a', index: 0, values: ['x', 'x'], error };
      const merged = source.pipe(boundedMergeMap(() => inner, { maxValuesPerItem: 2 }));
      expectObservable(merged).toBe(expected, { r: result });
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(inner.subscriptions).toBe(inners);
    }));

  test('an inner without end that emits synchronously is aborted', () => {
    const results: string[] = [];
    of('a', 'b')
      .pipe(boundedMergeMap(() => range(0, Number.MAX_SAFE_INTEGER)))
      .subscribe(({ kind, values }) => results.push(`${kind} ${values.length}`));
    expect(results).toEqual(['failed 1000', 'failed 1000']);
  });
});

describe('boundedMergeMap: a limit that changes', () => {
  test('counts for later items, and running inners go on; until its first value there is one slot', () =>
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold('     (abcdefg|)', LETTERS);
      const subs = '            (^!)';
      const concurrency = hot(' --3--1------', { 3: 3, 1: 1 });
      const inner = cold('      ------|');
      const inners = [
        '                       ^-----!', // a
        '                       --^-----!', // b
        '                       --^-----!', // c
        '                       --------^-----!', // d
        '                       --------------^-----!', // e
        '                       --------------------^-----!', // f
        '                       --------------------------^-----!', // g
      ];
      const expected = '        ------a-(bc)--d-----e-----f-----(g|)';
      expectObservable(
        source.pipe(
          boundedMergeMap(() => inner, { concurrency }),
          told,
        ),
      ).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(inner.subscriptions).toBe(inners);
      expectSubscriptions(concurrency.subscriptions).toBe('^-------------------------------!');
    }));

  test('an invalid limit, or an error, is reported and changes nothing', async () => {
    const thrown: unknown[] = [];
    await marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold('     (abc|)', LETTERS);
      const subs = '            (^!)';
      const concurrency = hot(' 2mnh#', { 2: 2, m: -1, n: Number.NaN, h: 1.5 }, 'no limit');
      const inner = cold('      -----|');
      const expected = '        -----(ab)-(c|)';
      const onCallbackError = (error: unknown) => void thrown.push(error);
      const options = { concurrency, onCallbackError };
      expectObservable(
        source.pipe(
          boundedMergeMap(() => inner, options),
          told,
        ),
      ).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(thrown).toEqual([
      expect.objectContaining({
        message: 'boundedMergeMap.concurrency must be a whole number from 0, but was given -1',
      }),
      expect.objectContaining({ given: Number.NaN }),
      expect.objectContaining({ given: 1.5 }),
      'no limit',
    ]);
  });

  test('a limit that grows during the unsubscribe starts nothing', () => {
    const concurrency = new BehaviorSubject(1);
    const source = new Observable<string>((subscriber) => {
      for (const item of ['a', 'b', 'c']) subscriber.next(item);
      return () => concurrency.next(9);
    });
    const begun: string[] = [];
    const project = (item: string) => {
      begun.push(item);
      return NEVER;
    };
    source.pipe(boundedMergeMap(project, { concurrency })).subscribe().unsubscribe();
    expect(begun).toEqual(['a']);
  });

  test('a limit that is emitted synchronously counts for the first item', () => {
    let begun = 0;
    const project = () => {
      begun += 1;
      return NEVER;
    };
    const concurrency = new BehaviorSubject(2);
    const subscription = range(0, 5).pipe(boundedMergeMap(project, { concurrency })).subscribe();
    expect(begun).toBe(2);
    concurrency.next(4);
    expect(begun).toBe(4);
    subscription.unsubscribe();
    expect(concurrency.observed).toBe(false);
  });
});

describe('boundedMergeMap: gate', () => {
  test('is closed when the queue is half full, and open again at a quarter', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('     (abcd)---e--|', LETTERS);
      const subs = '            ^-----------!';
      const inner = cold('      ----|');
      const expected = '        ----a---b---c---d---(e|)';
      const saturated = '       (ft)----f--------';
      const gate = createGate();
      expectObservable(gate.saturated$, '^---------------!').toBe(saturated, { f: false, t: true });
      const options = { gate, concurrency: 1, maxQueueSize: 6 };
      expectObservable(
        source.pipe(
          boundedMergeMap(() => inner, options),
          told,
        ),
      ).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('follows the queue: closed at 3 of 6, open at 1', () => {
    const gate = createGate();
    const source = new Subject<number>();
    const inners: Subject<never>[] = [];
    const project = () => {
      const inner = new Subject<never>();
      inners.push(inner);
      return inner;
    };
    source.pipe(boundedMergeMap(project, { gate, concurrency: 1, maxQueueSize: 6 })).subscribe();
    const seen = [0, 1, 2, 3].map((item) => {
      source.next(item);
      return gate.open;
    });
    expect(seen).toEqual([true, true, true, false]);
    const reopened = [0, 1].map((index) => {
      inners[index]?.complete();
      return gate.open;
    });
    expect(reopened).toEqual([false, true]);
  });

  test('a teardown that throws after the end does not close the gate again', () => {
    const gate = createGate();
    const source = new Subject<string>();
    const project = (item: string) => {
      if (item !== 'c') return item === 'a' ? NEVER : EMPTY;
      subscription.unsubscribe();
      return throwing();
    };
    const subscription = source.pipe(boundedMergeMap(project, { gate, order: 'source', maxQueueSize: 4 })).subscribe();
    for (const item of ['a', 'b', 'b', 'c']) source.next(item);
    expect(subscription.closed).toBe(true);
    expect(gate.open).toBe(true);
  });

  test('is open after an unsubscribe', () => {
    const gate = createGate();
    const subscription = range(0, 9)
      .pipe(boundedMergeMap(() => NEVER, { gate, concurrency: 1, maxQueueSize: 2 }))
      .subscribe();
    expect(gate.open).toBe(false);
    subscription.unsubscribe();
    expect(gate.open).toBe(true);
  });

  test('is not left closed when a listener empties the queue while the gate closes', () => {
    const gate = createGate();
    const source = new Subject<number>();
    const concurrency = new BehaviorSubject(1);
    const subscription = source.pipe(boundedMergeMap(() => NEVER, { gate, concurrency, maxQueueSize: 2 })).subscribe();
    gate.saturated$.subscribe((saturated) => saturated && concurrency.next(5));
    source.next(0);
    source.next(1);
    expect(gate.open).toBe(true);
    subscription.unsubscribe();
  });
});

describe('boundedMergeMap: options', () => {
  test.each([
    [{ concurrency: 0 }, 'boundedMergeMap.concurrency must be a whole number from 1, but was given 0'],
    [
      { concurrency: 'many' },
      'boundedMergeMap.concurrency must be a whole number from 1, an Observable of whole numbers, or a limiter (adaptiveConcurrency(), for example), but was given "many"',
    ],
    [
      { order: 'reverse' },
      "boundedMergeMap.order must be 'completion', 'source', or an object with key(), but was given \"reverse\"",
    ],
    [{ order: { key: 'id' } }, "boundedMergeMap.order must be 'completion', 'source', or an object with key()"],
    [{ order: { key: () => 1, keys: 2 } }, 'boundedMergeMap.order.keys must be one of the known options'],
    [{ maxQueueSize: 0 }, 'boundedMergeMap.maxQueueSize must be a whole number from 1, but was given 0'],
    [{ maxQueueSize: Number.POSITIVE_INFINITY }, 'boundedMergeMap.maxQueueSize must be a whole number from 1'],
    [{ overflow: 'drop' }, "boundedMergeMap.overflow must be one of 'dropNewest', 'dropOldest', 'error'"],
    [{ maxValuesPerItem: 0 }, 'boundedMergeMap.maxValuesPerItem must be a whole number from 1, or Infinity'],
    [{ gate: true }, 'boundedMergeMap.gate must be a gate of createGate(), but was given true'],
    [{ onLoss: 1 }, 'boundedMergeMap.onLoss must be a function, but was given 1'],
    [{ onCallbackError: 1 }, 'boundedMergeMap.onCallbackError must be a function, but was given 1'],
    [{ concurrent: 5 }, 'boundedMergeMap.concurrent must be one of the known options'],
  ])('refuses %o', (options, message) => {
    expect(() => boundedMergeMap(() => EMPTY, options as BoundedMergeMapOptions<string>)).toThrow(message);
  });

  test('refuses a project that is no function', () => {
    expect(() => boundedMergeMap(throwError as never, null as never)).toThrow('boundedMergeMap options must be');
    expect(() => boundedMergeMap('project' as never)).toThrow('boundedMergeMap.project must be a function');
  });
});
