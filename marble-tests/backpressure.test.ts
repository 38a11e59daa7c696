import { BehaviorSubject, NEVER, Observable, of, range, Subject, take } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createGate, type Gate, type Loss } from '../src/index.ts';
import { type BackpressureOptions, backpressure } from '../src/streams.ts';
import { marbles } from '../src/testing/index.ts';
import { letters, throwing } from './support.ts';

const LETTERS = letters('abcdefgh');

/** Demand by digit, `i` for all there will be, and some that is none. */
const DEMAND = {
  0: 0,
  1: 1,
  2: 2,
  3: 3,
  5: 5,
  i: Number.POSITIVE_INFINITY,
  n: Number.NaN,
  m: -1,
  h: 0.5,
};

/** What was lost, as text: `queueFull ab`. */
function losses() {
  const lost: string[] = [];
  const onLoss = ({ reason }: Loss, items: readonly string[]) => void lost.push(`${reason} ${items.join('')}`);
  return { lost, onLoss };
}

describe('backpressure', () => {
  test('emits as many items as are asked for', () =>
    marbles(({ cold, hot, expectObservable, expectSubscriptions, diagram }) => {
      diagram('backpressure', {
        title: 'backpressure: as many as demand asks for',
        sources: ['source', 'demand'],
        subscriptions: ['to source', 'to demand'],
      });
      const source = cold(' abcd----|', LETTERS);
      const demand = hot('  --2----1--3', DEMAND);
      const subs = '        ^-------!';
      const demanded = '    ^---------!';
      const expected = '    --(ab)-c--(d|)';
      expectObservable(source.pipe(backpressure({ demand }))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(demand.subscriptions).toBe(demanded);
    }));

  test('demand that comes before the items is kept for them', () =>
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold(' -----abc--|', LETTERS);
      const subs = '        ^---------!';
      const demand = hot('  -1-1-------1', DEMAND);
      const expected = '    -----ab----(c|)';
      expectObservable(source.pipe(backpressure({ demand }))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('after demand has completed, the granted items are emitted, and then the stream completes', async () => {
    const { lost, onLoss } = losses();
    await marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  a---bcd--', LETTERS);
      const subs = '        ^----!';
      const demand = hot('  --3|', DEMAND);
      const expected = '    --a-b(c|)';
      expectObservable(source.pipe(backpressure({ demand, onLoss }))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual([]);
  });

  test('when demand completes and none is left, queued items are lost', async () => {
    const { lost, onLoss } = losses();
    await marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  abc---', LETTERS);
      const subs = '        ^---!';
      const demand = hot('  1---|', DEMAND);
      const expected = '    a---|';
      expectObservable(source.pipe(backpressure({ demand, onLoss }))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['unsubscribed bc']);
  });

  test('when demand completes after the source has failed, queued items are lost, and the error comes', async () => {
    const { lost, onLoss } = losses();
    await marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  ab#', LETTERS);
      const subs = '        ^-!';
      const demand = hot('  1---|', DEMAND);
      const expected = '    a---#';
      expectObservable(source.pipe(backpressure({ demand, onLoss }))).toBe(expected, LETTERS, 'error');
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['unsubscribed b']);
  });

  test('invalid demand is reported, and changes nothing', async () => {
    const told: unknown[] = [];
    const onCallbackError = (error: unknown) => void told.push(error);
    await marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold(' abc-----|', LETTERS);
      const subs = '        ^-------!';
      const demand = hot('  --nmh0-1-2', DEMAND);
      const expected = '    -------a-(bc|)';
      expectObservable(source.pipe(backpressure({ demand, onCallbackError }))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(told).toEqual([
      expect.objectContaining({
        message: 'backpressure.demand must be a whole number from 0, or Infinity, but was given NaN',
      }),
      expect.objectContaining({ given: -1 }),
      expect.objectContaining({ given: 0.5 }),
    ]);
  });
});

describe('backpressure: the compulsory cases', () => {
  test('never: waits with the source', () =>
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold(' -');
      const subs = '        ^----!';
      const demand = hot('  -5----', DEMAND);
      const expected = '    ------';
      expectObservable(source.pipe(backpressure({ demand })), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(demand.subscriptions).toBe(subs);
    }));

  test('never: without demand there is no item and no end', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' ab|', LETTERS);
      const subs = '        ^-!';
      const unsub = '       ^----!';
      const expected = '    ------';
      expectObservable(source.pipe(backpressure({ demand: NEVER })), unsub).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: completes without demand', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' --|');
      const subs = '        ^-!';
      const expected = '    --|';
      expectObservable(source.pipe(backpressure({ demand: NEVER }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: completes when the item has been emitted', () =>
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold(' a|', LETTERS);
      const subs = '        ^!';
      const demand = hot('  ---1', DEMAND);
      const expected = '    ---(a|)';
      expectObservable(source.pipe(backpressure({ demand }))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: Infinity lets all items through from then on', () =>
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold(' ab-----c-d-|', LETTERS);
      const subs = '        ^----------!';
      const demand = hot('  --i---1', DEMAND);
      const expected = '    --(ab)-c-d-|';
      expectObservable(source.pipe(backpressure({ demand }))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: an error of the source comes when the queue is empty', () =>
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold(' ab#', LETTERS);
      const subs = '        ^-!';
      const demand = hot('  ---1-1', DEMAND);
      const expected = '    ---a-(b#)';
      expectObservable(source.pipe(backpressure({ demand }))).toBe(expected, LETTERS, 'error');
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: an error of demand comes at once, and queued items are lost', async () => {
    const { lost, onLoss } = losses();
    await marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold(' abc------|', LETTERS);
      const subs = '        ^----!';
      const demand = hot('  ---1-#', DEMAND, 'no demand');
      const expected = '    ---a-#';
      expectObservable(source.pipe(backpressure({ demand, onLoss }))).toBe(expected, LETTERS, 'no demand');
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['unsubscribed bc']);
  });

  test('early unsubscribe: reports what was queued', async () => {
    const { lost, onLoss } = losses();
    await marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  abc---', LETTERS);
      const subs = '        ^----!';
      const demand = hot('  ---1--', DEMAND);
      const expected = '    ---a--';
      expectObservable(source.pipe(backpressure({ demand, onLoss })), subs).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(demand.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['unsubscribed bc']);
  });

  test('throwing callback: each exception is reported, and changes nothing', async () => {
    const thrown: unknown[] = [];
    const onCallbackError = (error: unknown) => {
      thrown.push(error);
      throwing();
    };
    await marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold(' abc-|', LETTERS);
      const subs = '        ^---!';
      const demand = hot('  ---2', DEMAND);
      const expected = '    ---a|';
      const options = { demand, maxQueueSize: 1, onLoss: throwing, onCallbackError };
      expectObservable(source.pipe(backpressure(options))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(thrown).toEqual([new Error('mine'), new Error('mine')]);
  });

  test('synchronous re-entrancy: demand and items that come during next wait until it has returned', () => {
    const source = new Subject<string>();
    const demand = new Subject<number>();
    const log: string[] = [];
    source.pipe(backpressure({ demand })).subscribe((item) => {
      log.push(`<${item}`);
      if (item === 'a') source.next('b');
      demand.next(1);
      if (item === 'a') source.next('c');
      log.push(`${item}>`);
    });
    demand.next(1);
    source.next('a');
    expect(log).toEqual(['<a', 'a>', '<b', 'b>', '<c', 'c>']);
  });
});

describe('backpressure: synchronous re-entrancy', () => {
  test('an end that comes during next waits until it has returned', () => {
    const source = new Subject<string>();
    const log: string[] = [];
    const next = (item: string) => {
      log.push(`<${item}`);
      source.complete();
      log.push(`${item}>`);
    };
    source.pipe(backpressure({ demand: new BehaviorSubject(9) })).subscribe({ next, complete: () => log.push('|') });
    source.next('a');
    expect(log).toEqual(['<a', 'a>', '|']);
  });

  test('400,000 items, each asked for during the one before, need no deep stack', () => {
    const demand = new Subject<number>();
    let count = 0;
    let completed = false;
    range(0, 400_000)
      .pipe(backpressure({ demand, maxQueueSize: 400_000 }))
      .subscribe({
        next: () => {
          count += 1;
          demand.next(1);
        },
        complete: () => {
          completed = true;
        },
      });
    expect(count).toBe(0);
    demand.next(1);
    expect({ count, completed }).toEqual({ count: 400_000, completed: true });
  });

  test('demand that is emitted synchronously counts for the first item', () => {
    const seen: string[] = [];
    of('a', 'b', 'c')
      .pipe(backpressure({ demand: new BehaviorSubject(2) }))
      .subscribe((item) => seen.push(item));
    expect(seen).toEqual(['a', 'b']);
  });

  test('the source is not subscribed when demand completes at once without a grant', () => {
    let subscribed = false;
    let completed = false;
    const source = new Observable<never>(() => {
      subscribed = true;
    });
    source.pipe(backpressure({ demand: of(0) })).subscribe({ complete: () => (completed = true) });
    expect({ subscribed, completed }).toEqual({ subscribed: false, completed: true });
  });

  test('take(n) unsubscribes source and demand, and the rest is reported as lost', () => {
    const { lost, onLoss } = losses();
    const source = new Subject<string>();
    const demand = new Subject<number>();
    const seen: string[] = [];
    source.pipe(backpressure({ demand, onLoss }), take(1)).subscribe((item) => seen.push(item));
    source.next('a');
    source.next('b');
    demand.next(5);
    expect(seen).toEqual(['a']);
    expect([source.observed, demand.observed]).toEqual([false, false]);
    expect(lost).toEqual(['unsubscribed b']);
  });

  test('demand adds up without overflow: beyond the safe integers it counts as Infinity', () => {
    const source = new Subject<number>();
    const demand = new Subject<number>();
    const seen: number[] = [];
    source.pipe(backpressure({ demand })).subscribe((item) => seen.push(item));
    for (let grants = 0; grants < 3; grants += 1) demand.next(Number.MAX_SAFE_INTEGER);
    demand.next(Number.POSITIVE_INFINITY);
    demand.next(1);
    for (let item = 0; item < 3; item += 1) source.next(item);
    expect(seen).toEqual([0, 1, 2]);
  });
});

describe('backpressure: bounds', () => {
  test("'dropNewest' refuses an item that meets a full queue", async () => {
    const { lost, onLoss } = losses();
    await marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold(' abcd-|', LETTERS);
      const subs = '        ^----!';
      const demand = hot('  ------i', DEMAND);
      const expected = '    ------(ab|)';
      expectObservable(source.pipe(backpressure({ demand, maxQueueSize: 2, onLoss }))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['queueFull c', 'queueFull d']);
  });

  test("'dropOldest' drops the item that has waited longest", async () => {
    const { lost, onLoss } = losses();
    await marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold(' abcd-|', LETTERS);
      const subs = '        ^----!';
      const demand = hot('  ------i', DEMAND);
      const expected = '    ------(cd|)';
      const options = { demand, maxQueueSize: 2, overflow: 'dropOldest', onLoss } as const;
      expectObservable(source.pipe(backpressure(options))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['queueFull a', 'queueFull b']);
  });

  test("'dropLowestPriority' drops the least important item, and among those the oldest; the order stays", async () => {
    const { lost, onLoss } = losses();
    await marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold(' 31514-|', letters('1345'));
      const subs = '        ^-----!';
      const demand = hot('  -------i', DEMAND);
      const expected = '    -------(354|)';
      const options = { demand, maxQueueSize: 3, overflow: 'dropLowestPriority', priorityOf: Number, onLoss } as const;
      expectObservable(source.pipe(backpressure(options))).toBe(expected, letters('345'));
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['queueFull 1', 'queueFull 1']);
  });

  test("'error' unsubscribes the source, emits what is queued as it is asked for, and then errors", async () => {
    const { lost, onLoss } = losses();
    await marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold(' abcd-|', LETTERS);
      const subs = '        ^-!';
      const demand = hot('  ----1-1', DEMAND);
      const expected = '    ----a-(b#)';
      const error = { code: 'QUEUE_FULL', stage: 'backpressure' };
      const options = { demand, maxQueueSize: 2, overflow: 'error', onLoss } as const;
      expectObservable(source.pipe(backpressure(options))).toBe(expected, LETTERS, error);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['queueFull c']);
  });
});

describe('backpressure: gate', () => {
  test('is closed once, however full the queue gets', () => {
    const gate = createGate();
    let closings = 0;
    const counting: Gate = {
      ...gate,
      close: () => {
        closings += 1;
        return gate.close();
      },
    };
    range(0, 9)
      .pipe(backpressure({ demand: NEVER, gate: counting, maxQueueSize: 4 }))
      .subscribe()
      .unsubscribe();
    expect(closings).toBe(1);
  });

  test('is closed when the queue is half full, and open again at a quarter', () =>
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold('  abc-------|', LETTERS);
      const subs = '         ^---------!';
      const demand = hot('   -----1-1--1', DEMAND);
      const expected = '     -----a-b--(c|)';
      const saturated = '    f-t----f---';
      const gate = createGate();
      expectObservable(gate.saturated$, '^---------!').toBe(saturated, { f: false, t: true });
      expectObservable(source.pipe(backpressure({ demand, gate, maxQueueSize: 6 }))).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('saturated$ follows the bytes, too, and the end', () =>
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold('  abcd-------|', LETTERS);
      const subs = '         ^-------!';
      const demand = hot('   -----2-----', DEMAND);
      const unsub = '        ^-------!';
      const expected = '     -----(ab)';
      const saturated = '    f-t-----f--';
      const gate = createGate();
      expectObservable(gate.saturated$, '^---------!').toBe(saturated, { f: false, t: true });
      const options = { demand, gate, maxQueueBytes: 6, sizeOf: () => 1 };
      expectObservable(source.pipe(backpressure(options)), unsub).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('is open after an unsubscribe', () => {
    const gate = createGate();
    const subscription = range(0, 9)
      .pipe(backpressure({ demand: NEVER, gate, maxQueueSize: 2 }))
      .subscribe();
    expect(gate.open).toBe(false);
    subscription.unsubscribe();
    expect(gate.open).toBe(true);
  });
});

describe('backpressure: options', () => {
  test.each([
    [{}, 'backpressure.demand must be an Observable of numbers, but was given undefined'],
    [{ demand: 5 }, 'backpressure.demand must be an Observable of numbers, but was given 5'],
    [{ demand: NEVER, maxQueueSize: 0 }, 'backpressure.maxQueueSize must be a whole number from 1, but was given 0'],
    [
      { demand: NEVER, overflow: 'block' },
      "backpressure.overflow must be one of 'dropNewest', 'dropOldest', 'dropLowestPriority', 'error'",
    ],
    [{ demand: NEVER, overflow: 'dropLowestPriority' }, 'backpressure.priorityOf must be a function, because'],
    [{ demand: NEVER, gate: {} }, 'backpressure.gate must be a gate of createGate(), but was given an empty object'],
    [{ demand: NEVER, onLoss: 1 }, 'backpressure.onLoss must be a function, but was given 1'],
    [{ demand: NEVER, onCallbackError: 1 }, 'backpressure.onCallbackError must be a function, but was given 1'],
    [{ demand: NEVER, queue: 5 }, 'backpressure.queue must be one of the known options'],
  ])('refuses %o', (options, message) => {
    expect(() => backpressure(options as BackpressureOptions<string>)).toThrow(message);
  });

  test('refuses a call without options', () => {
    expect(() => backpressure(undefined as never)).toThrow('backpressure options must be an object');
  });
});
