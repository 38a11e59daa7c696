import { lastValueFrom, Subject, take, toArray } from 'rxjs';
import { describe, expect, test, vi } from 'vitest';
import {
  adaptiveBatch,
  createGate,
  createLedger,
  exportTo,
  fromAsyncIterable,
  type Response,
  type Sink,
} from '../../src/index.ts';

async function* numbers(count: number, log: string[] = []): AsyncGenerator<number> {
  try {
    for (let number = 0; number < count; number += 1) yield number;
  } finally {
    log.push('closed');
  }
}

describe('fromAsyncIterable', () => {
  test('emits each item, in order, and completes', async () => {
    const ledger = createLedger();
    expect(await lastValueFrom(fromAsyncIterable(numbers(3), { ledger }).pipe(toArray()))).toEqual([0, 1, 2]);
    expect(ledger.stats()).toMatchObject({ accepted: 3, handedOn: 3, pending: 0 });
  });

  test('takes a synchronous iterable, and gives the event loop its turns', async () => {
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 0);
    const turn = () => (turns += 1);
    const immediate = setImmediate(turn);
    const items = await lastValueFrom(
      fromAsyncIterable(Array.from({ length: 5_000 }, (_, index) => index)).pipe(toArray()),
    );
    clearInterval(timer);
    clearImmediate(immediate);
    expect(items).toHaveLength(5_000);
    expect(turns).toBeGreaterThan(0);
  });

  test('an empty one completes', async () => {
    expect(await lastValueFrom(fromAsyncIterable([]).pipe(toArray()))).toEqual([]);
  });

  test('each subscriber iterates anew', async () => {
    const items$ = fromAsyncIterable([1, 2]);
    expect(await lastValueFrom(items$.pipe(toArray()))).toEqual([1, 2]);
    expect(await lastValueFrom(items$.pipe(toArray()))).toEqual([1, 2]);
  });

  test('errors like the iterable', async () => {
    async function* failing() {
      yield 1;
      throw new Error('broken');
    }
    await expect(lastValueFrom(fromAsyncIterable(failing()).pipe(toArray()))).rejects.toThrow('broken');
  });

  test('unsubscribed, it pulls no more and lets the generator clean up', async () => {
    const log: string[] = [];
    expect(await lastValueFrom(fromAsyncIterable(numbers(1_000_000, log)).pipe(take(3), toArray()))).toEqual([0, 1, 2]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).toEqual(['closed']);
  });

  test('unsubscribed while it waits for an item, it closes the iterator at once', async () => {
    const log: string[] = [];
    const never: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        return: async () => {
          log.push('closed');
          throw new Error('nobody hears this');
        },
      }),
    };
    fromAsyncIterable(never).subscribe().unsubscribe();
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).toEqual(['closed']);
  });

  test('pulls nothing while the gate is closed', async () => {
    const gate = createGate();
    const open = gate.close();
    const items: number[] = [];
    const done = new Promise<void>((resolve) => {
      fromAsyncIterable(numbers(3), { gate }).subscribe({ next: (item) => items.push(item), complete: resolve });
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(items).toEqual([]);
    open();
    await done;
    expect(items).toEqual([0, 1, 2]);
  });

  test('of several that wait for one gate, none pulls when the first has closed it again', async () => {
    const gate = createGate();
    const open = gate.close();
    let whileClosed = 0;
    let again: (() => void) | undefined;
    function* watched() {
      for (let number = 0; number < 3; number += 1) {
        if (!gate.open) whileClosed += 1;
        yield number;
      }
    }
    const subscriptions = Array.from({ length: 5 }, () =>
      fromAsyncIterable(watched(), { gate }).subscribe(() => {
        again ??= gate.close();
      }),
    );
    await Promise.resolve();
    open();
    await new Promise((resolve) => setImmediate(resolve));
    expect([gate.open, whileClosed]).toEqual([false, 0]);
    for (const subscription of subscriptions) subscription.unsubscribe();
    again?.();
  });

  test('with batches behind the gate, no more is pulled than two of them beyond what is out', async () => {
    const gate = createGate();
    const ledger = createLedger();
    const answers: Subject<Response>[] = [];
    const sink: Sink<number> = {
      name: 'by hand',
      export: () => {
        const answer = new Subject<Response>();
        answers.push(answer);
        return answer;
      },
    };
    const most: number[] = [];
    const done = new Promise<void>((resolve) => {
      fromAsyncIterable(numbers(5_000), { gate, ledger })
        .pipe(
          adaptiveBatch({ gate, ledger, maxExportBatchSize: 100, initialExportBatchSize: 100, maxUnsettledBatches: 4 }),
          exportTo(sink, { concurrency: 2, ledger }),
        )
        .subscribe({ complete: resolve });
    });
    while (ledger.stats().delivered < 5_000) {
      await new Promise((resolve) => setImmediate(resolve));
      most.push(ledger.stats().pending);
      for (const answer of answers.splice(0)) answer.next({});
    }
    await done;
    // Two batches are out; behind them wait at most two more.
    expect(Math.max(...most)).toBeLessThanOrEqual(400);
    expect(ledger.stats()).toMatchObject({ accepted: 5_000, delivered: 5_000, pending: 0, between: 0 });
  });

  test('refuses what cannot be iterated', () => {
    expect(() => fromAsyncIterable(5 as unknown as number[])).toThrow(
      'fromAsyncIterable.items must be an iterable or an async iterable, but was given',
    );
    expect(() => fromAsyncIterable([], { gat: 1 } as object)).toThrow(
      'fromAsyncIterable.gat must be one of the known options',
    );
  });
});

describe('createGate', () => {
  test('opens when every closing has been undone', async () => {
    const gate = createGate();
    const [first, second] = [gate.close(), gate.close()];
    let opened = 0;
    const waiting = gate.whenOpen().then(() => (opened += 1));
    first();
    first();
    expect(gate.open).toBe(false);
    second();
    expect(gate.open).toBe(true);
    await waiting;
    expect(opened).toBe(1);
    await gate.whenOpen();
  });

  test('tells its state first, and then each change', () => {
    const gate = createGate();
    const states: boolean[] = [];
    gate.saturated$.subscribe((saturated) => states.push(saturated));
    gate.close()();
    gate.close();
    expect(states).toEqual([false, true, false, true]);
  });

  test('who waits goes on waiting when a listener closes it again', async () => {
    const gate = createGate();
    const open = gate.close();
    let reopen: (() => void) | undefined;
    gate.saturated$.subscribe((saturated) => {
      if (!saturated) reopen ??= gate.close();
    });
    let opened = false;
    const waiting = gate.whenOpen().then(() => {
      opened = true;
    });
    open();
    await new Promise((resolve) => setImmediate(resolve));
    expect([gate.open, opened]).toEqual([false, false]);
    reopen?.();
    await waiting;
    expect([gate.open, opened]).toEqual([true, true]);
  });

  test('an aborted wait rejects with the reason of its signal, and is not kept', async () => {
    const gate = createGate();
    const open = gate.close();
    const remove = vi.spyOn(AbortSignal.prototype, 'removeEventListener');
    for (let waits = 0; waits < 1_000; waits += 1) {
      const wait = new AbortController();
      gate.whenOpen({ signal: wait.signal });
      wait.abort();
    }
    const patient = new AbortController();
    const opened = gate.whenOpen({ signal: patient.signal });
    await expect(gate.whenOpen({ signal: AbortSignal.abort(new Error('no patience')) })).rejects.toThrow('no patience');
    open();
    await opened;
    // At the opening each who is still there lets go of its signal: the patient one.
    expect(remove.mock.contexts).toEqual([patient.signal]);
    remove.mockRestore();
  });

  test('an abort after it has opened changes nothing; what is no signal is refused', async () => {
    const gate = createGate();
    await gate.whenOpen({ signal: AbortSignal.abort() });
    const wait = new AbortController();
    const open = gate.close();
    const opened = gate.whenOpen({ signal: wait.signal });
    open();
    wait.abort();
    await opened;
    expect(() => gate.whenOpen({ signal: {} as AbortSignal })).toThrow('gate.whenOpen.signal must be an AbortSignal');
    expect(() => gate.whenOpen({ signals: [] } as object)).toThrow('gate.whenOpen.signals must be one of the known');
  });
});
