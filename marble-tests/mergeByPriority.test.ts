import { BehaviorSubject, catchError, EMPTY, merge, NEVER, type Observable, range, Subject, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  adaptiveBatch,
  createGate,
  createLedger,
  exportTo,
  type Loss,
  type MergeByPriorityOptions,
  mergeByPriority,
  type Response,
  type Sink,
} from '../src/index.ts';
import { marbles } from '../src/testing/index.ts';
import { drawnGate, letters, throwing } from './support.ts';

const LETTERS = letters('abcdefghpqrstuvxo');

/** What was lost, as text: `queueFull ab`. */
function losses() {
  const lost: string[] = [];
  const onLoss = ({ reason }: Loss, items: readonly unknown[]) => void lost.push(`${reason} ${items.join('')}`);
  return { lost, onLoss };
}

/** Letters into two inputs while the gate is closed, and what comes out when it opens. */
function dammed(important: string, rest: string, options: MergeByPriorityOptions<string> = {}) {
  const gate = createGate();
  const ledger = createLedger();
  const inputs = [new Subject<string>(), new Subject<string>()] as const;
  const seen: string[] = [];
  const open = gate.close();
  const subscription = mergeByPriority(inputs, { gate, ledger, ...options }).subscribe({
    next: (item) => seen.push(item),
    error: (error: Error) => seen.push(error.message),
    complete: () => seen.push('|'),
  });
  for (const item of important) inputs[0].next(item);
  for (const item of rest) inputs[1].next(item);
  return { gate, ledger, inputs, seen, open, subscription };
}

describe('mergeByPriority', () => {
  test('hands on the important items first while the gate is open, and gives the rest its share', () =>
    marbles(({ hot, expectObservable, expectSubscriptions, diagram }) => {
      diagram('mergeByPriority', {
        title: 'mergeByPriority: floorRatio 0.34, the gate is closed from x to o',
        sources: ['gate', 'important', 'rest'],
        subscriptions: ['to important', 'to rest'],
      });
      const gate = drawnGate(hot('x-------(o|)', LETTERS));
      const important = hot(' -a-b-c-d--------|', LETTERS);
      const rest = hot('      p-q-------------|', LETTERS);
      const toImportant = '   ^---------------!';
      const toRest = '        ^---------------!';
      const expected = '      --------(abpcdq)|';
      expectObservable(mergeByPriority([important, rest], { gate, floorRatio: 0.34 })).toBe(expected, LETTERS);
      expectSubscriptions(important.subscriptions).toBe(toImportant);
      expectSubscriptions(rest.subscriptions).toBe(toRest);
    }));

  test('hands on each item as it comes while nothing holds it back', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  -a---b---|', LETTERS);
      const rest = hot('    p--r-----|', LETTERS);
      const subs = '        ^--------!';
      const expected = '    pa-r-b---|';
      expectObservable(mergeByPriority([source, rest])).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(rest.subscriptions).toBe(subs);
    }));

  test('an input that ends leaves the others running', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  -a-|', LETTERS);
      const rest = hot('    ----p---q--|', LETTERS);
      const subs = '        ^--!';
      const toRest = '      ^----------!';
      const expected = '    -a--p---q--|';
      expectObservable(mergeByPriority([source, rest])).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(rest.subscriptions).toBe(toRest);
    }));

  test('completes when what waited at the end has been handed on', () =>
    marbles(async ({ hot, expectObservable, expectSubscriptions, advanceTo }) => {
      const gate = createGate();
      const open = gate.close();
      const source = hot('  -a-|', LETTERS);
      const rest = hot('    --p|', LETTERS);
      const subs = '        ^--!';
      const expected = '    ------(ap|)';
      expectObservable(mergeByPriority([source, rest], { gate })).toBe(expected, LETTERS);
      await advanceTo(6);
      open();
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('hands on no more than the gate lets through, also where it closes during an emission', () => {
    const gate = createGate();
    const source = new Subject<string>();
    const seen: string[] = [];
    let open = () => {};
    // The stage behind is full after each item.
    const subscription = mergeByPriority([source], { gate }).subscribe((item) => {
      seen.push(item);
      open = gate.close();
    });
    for (const item of 'abc') source.next(item);
    expect(seen.join('')).toBe('a');
    open();
    expect(seen.join('')).toBe('ab');
    open();
    expect(seen.join('')).toBe('abc');
    subscription.unsubscribe();
  });
});

describe('mergeByPriority: the compulsory cases', () => {
  test('never: waits with its inputs', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -');
      const subs = '        ^----!';
      const expected = '    ------';
      expectObservable(mergeByPriority([source, NEVER]), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: completes with the last of its inputs', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' ---|');
      const subs = '        ^--!';
      const expected = '    ---|';
      expectObservable(mergeByPriority([source, EMPTY])).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: of the less important input is handed on at once', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' --p-|', LETTERS);
      const subs = '        ^---!';
      const expected = '    --p-|';
      expectObservable(mergeByPriority([EMPTY, source])).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: of three inputs, each keeps its own order', () =>
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const gate = drawnGate(hot('x--(o|)', LETTERS));
      const source = cold(' abc---------|', LETTERS);
      const subs = '        ^-----------!';
      const expected = '    ---(abcpqst)|';
      const [second, third] = [cold('pq|', LETTERS), cold('st|', LETTERS)];
      expectObservable(mergeByPriority([source, second, third], { gate })).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: unsubscribes the other inputs, hands on what waits, and then comes', () =>
    marbles(async ({ hot, expectObservable, expectSubscriptions, advanceTo }) => {
      const gate = createGate();
      const open = gate.close();
      const source = hot('  -a----b--', LETTERS);
      const rest = hot('    --p#', LETTERS);
      const subs = '        ^--!';
      const expected = '    -----(ap#)';
      expectObservable(mergeByPriority([source, rest], { gate })).toBe(expected, LETTERS, 'error');
      await advanceTo(5);
      open();
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(rest.subscriptions).toBe(subs);
    }));

  test('error: of an input that fails at once, the others are not subscribed; caught, it is an end', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const failing = throwError(() => 'error');
      const source = hot('  -a-|', LETTERS);
      const subs = '        ^--!';
      const expected = '    -a-|';
      expectObservable(mergeByPriority([failing, source])).toBe('#');
      const caught = failing.pipe(catchError(() => EMPTY));
      expectObservable(mergeByPriority<unknown>([caught, source])).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: ends all inputs, and reports what waits', async () => {
    const { lost, onLoss } = losses();
    const ledger = createLedger();
    await marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const gate = createGate();
      gate.close();
      const source = hot('  -a-b---', LETTERS);
      const rest = hot('    p-q----', LETTERS);
      const subs = '        ^----! ';
      const expected = '    -------';
      expectObservable(mergeByPriority([source, rest], { gate, ledger, onLoss }), subs).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(rest.subscriptions).toBe(subs);
    });
    expect(lost).toEqual(['unsubscribed ab', 'unsubscribed pq']);
    expect(ledger.stats()).toMatchObject({ offered: 4, handedOn: 0, lost: { unsubscribed: 4 }, pending: 0 });
  });

  test('throwing callback: each exception is counted, and the stream goes on', async () => {
    const ledger = createLedger();
    await marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const gate = drawnGate(hot('x-----(o|)', LETTERS));
      const source = hot('  -abc-----|', LETTERS);
      const subs = '        ^--------!';
      const expected = '    ------a--|';
      const options = { gate, ledger, maxQueueSize: 1, sizeOf: throwing, onLoss: throwing };
      expectObservable(mergeByPriority([source], options)).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    // Three sizes, and two losses.
    expect(ledger.stats()).toMatchObject({ callbackErrors: 5, handedOn: 1, refused: { queueFull: 2 } });
  });

  test('synchronous re-entrancy: what comes during an emission is handed on after it, by its importance', () => {
    const inputs = [new Subject<string>(), new Subject<string>()] as const;
    const seen: string[] = [];
    mergeByPriority(inputs).subscribe({
      next: (item) => {
        seen.push(`${item} begins`);
        if (item === 'a') {
          inputs[1].next('p');
          inputs[0].next('b');
          inputs[0].complete();
          inputs[1].complete();
        }
        seen.push(`${item} ends`);
      },
      complete: () => seen.push('|'),
    });
    inputs[0].next('a');
    expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'p begins', 'p ends', '|']);
  });
});

describe('mergeByPriority: shares', () => {
  test('with a floor of 0 the rest waits as long as there is something more important', () => {
    const { seen, open, subscription } = dammed('abcdef', 'pq', { floorRatio: 0 });
    open();
    expect(seen.join('')).toBe('abcdefpq');
    subscription.unsubscribe();
  });

  test('with the largest floor both get the same', () => {
    const { seen, open, subscription } = dammed('abcd', 'pqrs', { floorRatio: 0.5 });
    open();
    expect(seen.join('')).toBe('apbqcrds');
    subscription.unsubscribe();
  });

  test('each tenth item is from the rest by default', () => {
    const { seen, open, subscription } = dammed('a'.repeat(30), 'p'.repeat(30));
    open();
    expect(seen.slice(0, 33).join('')).toBe(`${'aaaaaaaaap'.repeat(3)}aaa`);
    subscription.unsubscribe();
  });

  test('100,000 items that are handed on at once need no more stack than one', () => {
    const gate = createGate();
    const open = gate.close();
    let seen = 0;
    const maxQueueSize = 100_000;
    mergeByPriority([range(0, 100_000), range(0, 100_000)], { gate, maxQueueSize }).subscribe(() => {
      seen += 1;
    });
    open();
    expect(seen).toBe(200_000);
  });
});

describe('mergeByPriority: overflow', () => {
  test('each input has a queue of its own: dropNewest refuses the item that comes', () => {
    const { lost, onLoss } = losses();
    const { ledger, seen, open, subscription } = dammed('abc', 'pqr', { maxQueueSize: 2, onLoss });
    expect(lost).toEqual(['queueFull c', 'queueFull r']);
    expect(ledger.stats()).toMatchObject({ offered: 6, accepted: 4, refused: { queueFull: 2 }, queueSize: 4 });
    open();
    expect(seen.join('')).toBe('abpq');
    subscription.unsubscribe();
  });

  test('dropOldest drops those of the same input that have waited longest', () => {
    const { lost, onLoss } = losses();
    const options = { maxQueueSize: 2, overflow: 'dropOldest', onLoss } as const;
    const { ledger, seen, open, subscription } = dammed('a', 'pqrs', options);
    expect(lost).toEqual(['queueFull p', 'queueFull q']);
    open();
    expect(seen.join('')).toBe('ars');
    expect(ledger.stats()).toMatchObject({ accepted: 5, handedOn: 3, lost: { queueFull: 2 }, pending: 0 });
    subscription.unsubscribe();
  });

  test('error unsubscribes all inputs, hands on what waits, and then errors', () => {
    const { inputs, seen, open } = dammed('abc', 'p', { maxQueueSize: 2, overflow: 'error' });
    expect(inputs.map(({ observed }) => observed)).toEqual([false, false]);
    open();
    expect(seen).toEqual([
      ...['a', 'b'],
      'mergeByPriority: the queue is full (maxQueueSize 2, maxQueueBytes 67108864)',
    ]);
  });

  test('the queue of an input is bounded in bytes, and what is larger than it is lost as tooLarge', () => {
    const { lost, onLoss } = losses();
    const sizeOf = (item: string) => (item === 'x' ? 11 : 4);
    const { ledger, subscription } = dammed('abcx', 'p', { maxQueueBytes: 10, sizeOf, onLoss });
    expect(lost).toEqual(['queueFull c', 'tooLarge x']);
    expect(ledger.stats()).toMatchObject({ queueSize: 3, queueBytes: 12, refused: { queueFull: 1, tooLarge: 1 } });
    subscription.unsubscribe();
  });

  test('an input has bounds, an overflow and a gate of its own', () => {
    const { lost, onLoss } = losses();
    const [gate, own] = [createGate(), createGate()];
    const open = gate.close();
    const source = new Subject<string>();
    const seen: string[] = [];
    const input = { source, gate: own, maxQueueSize: 4, overflow: 'dropOldest' } as const;
    const merged = mergeByPriority([NEVER, input], { gate, maxQueueSize: 1, onLoss });
    const subscription = merged.subscribe((item) => seen.push(item));
    const waits = [...'pqrst'].map((item) => {
      source.next(item);
      return !own.open;
    });
    expect(waits).toEqual([false, true, true, true, true]);
    expect(lost).toEqual(['queueFull p']);
    open();
    expect(seen.join('')).toBe('qrst');
    expect(own.open).toBe(true);
    subscription.unsubscribe();
  });

  test('an unsubscribed stream opens the gates of its inputs', () => {
    const [gate, own] = [createGate(), createGate()];
    gate.close();
    const subscription = mergeByPriority([{ source: range(0, 5), gate: own, maxQueueSize: 5 }], { gate }).subscribe();
    expect(own.open).toBe(false);
    subscription.unsubscribe();
    expect(own.open).toBe(true);
  });
});

test('mergeByPriority lets important items overtake in front of a slow backend', () => {
  const gate = createGate();
  const ledger = createLedger();
  const answers = new Subject<Response>();
  const exported: string[] = [];
  const sink: Sink<string> = {
    name: 'slow',
    export: ({ items }) => {
      exported.push(items.join(''));
      return answers;
    },
  };
  const inputs = [new Subject<string>(), new Subject<string>()] as const;
  const batching = adaptiveBatch<string>({ maxExportBatchSize: 2, minExportBatchSize: 1, gate, ledger });
  const subscription = mergeByPriority(inputs, { gate, ledger, floorRatio: 0.2 })
    .pipe(batching, exportTo(sink, { concurrency: 1, ledger }))
    .subscribe();
  for (const item of 'pqrstuvxpqrstuvx') inputs[1].next(item);
  for (const item of 'abcdefgh') inputs[0].next(item);
  for (let round = 0; round < 12; round += 1) answers.next({});
  // What was in the batcher already goes first.
  expect(exported.join('').slice(0, 6)).toBe('pqrstu');
  expect(exported.join('').slice(6, 16)).toBe('abcdvefghx');
  expect(ledger.stats()).toMatchObject({ accepted: 24, delivered: 24, pending: 0, between: 0 });
  subscription.unsubscribe();
});

describe('mergeByPriority: options', () => {
  const source = new BehaviorSubject('a') as Observable<string>;

  test.each([
    [[], {}, 'mergeByPriority.inputs must be an array of inputs, the most important one first'],
    [5, {}, 'mergeByPriority.inputs must be an array of inputs, the most important one first, but was given 5'],
    [[source, 5], {}, 'mergeByPriority.inputs[1] must be an Observable, or an object with source, but was given 5'],
    [[{ source: 5 }], {}, 'mergeByPriority.inputs[0].source must be an Observable, but was given 5'],
    [[{ source, gates: 5 }], {}, 'mergeByPriority.inputs[0].gates must be one of the known options'],
    [[{ source, maxQueueSize: 0 }], {}, 'mergeByPriority.inputs[0].maxQueueSize must be a whole number from 1'],
    [[source, source], { floorRatio: 0.6 }, 'mergeByPriority.floorRatio must be a number from 0 to 0.5'],
    [[source], { floorRatio: -1 }, 'mergeByPriority.floorRatio must be a number from 0 to 1'],
    [[source], { gate: {} }, 'mergeByPriority.gate must be a gate of createGate()'],
    [[source], { overflow: 'block' }, "mergeByPriority.overflow must be one of 'dropNewest', 'dropOldest', 'error'"],
    [[source], { floor: 5 }, 'mergeByPriority.floor must be one of the known options'],
  ])('%o, %o', (inputs, options, message) => {
    expect(() => mergeByPriority(inputs as never, options as never)).toThrow(message);
  });

  test('with many inputs the default floor is what is left for each', () => {
    expect(() => mergeByPriority(Array.from({ length: 30 }, () => merge()))).not.toThrow();
  });
});
