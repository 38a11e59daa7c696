import fc from 'fast-check';
import { Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { heapBytesOf, ITEM_HEAP_BYTES, type MemoryAccount, withoutRefusal } from '../../src/flow/memory.ts';
import {
  type Batch,
  createLedger,
  type Hold,
  InvalidOptionError,
  memoryBudget,
  spanPipeline,
  toMemory,
} from '../../src/index.ts';
import { adaptiveBatch, channel, createGate } from '../../src/streams.ts';
import { randomRuns } from '../support/randomRuns.ts';

const MAX = 65_536;
const PART = MAX / 2;

describe('memoryBudget', () => {
  test.each([0, 65_535, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '1', undefined])(
    'refuses maxBytes %s',
    (maxBytes) => {
      expect(() => memoryBudget({ maxBytes: maxBytes as number })).toThrow(InvalidOptionError);
    },
  );

  test('an object that is no memory budget is refused, by the name of the function that was called', () => {
    const memory = { maxBytes: MAX } as never;
    expect(() => spanPipeline({ sink: toMemory(), memory })).toThrow('spanPipeline.memory');
    expect(() => adaptiveBatch({ memory })).toThrow('adaptiveBatch.memory');
    expect(() => channel({ memory })).toThrow('channel.memory');
  });

  test('one alone gets three quarters, and the next a part of the rest', () => {
    const memory = memoryBudget({ maxBytes: MAX });
    const first = memory.open({});
    expect(first.take(PART + PART / 2)).toBe(true);
    expect(first.fillRatio).toBe(1);
    expect(first.take(1)).toBe(false);
    const second = memory.open({});
    expect(second.take(Math.floor(PART / 3))).toBe(true);
    expect(second.take(1)).toBe(false);
    first.close();
    expect(second.take(PART)).toBe(true);
    second.close();
    expect(memory.usedBytes).toBe(0);
  });

  test('what was taken in any case counts, and takes from none the part that is their own', () => {
    const memory = memoryBudget({ maxBytes: MAX });
    const bodies = withoutRefusal(memory).open({});
    const queue = memory.open({});
    bodies.hold(PART + 10);
    expect(queue.take(PART / 2)).toBe(true);
    expect(queue.take(1)).toBe(false);
    bodies.give(20);
    expect(queue.take(10)).toBe(true);
    expect(queue.take(1)).toBe(false);
  });

  test('never holds more than its maximum, and leaves each account its part, whatever they take and give', () => {
    const step = fc.record({
      who: fc.nat(4),
      what: fc.constantFrom('take', 'take', 'give', 'reopen'),
      bytes: fc.nat(20_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const memory = memoryBudget({ maxBytes: MAX });
        const accounts = Array.from({ length: 5 }, () => memory.open({}));
        const own = Math.floor(PART / 6);
        for (const { who, what, bytes } of steps) {
          const account = accounts[who] as MemoryAccount;
          const before = account.heldBytes;
          const isOwn = before + bytes <= own;
          if (what === 'give') account.give(Math.min(bytes, before));
          else if (what === 'take') {
            const taken = account.take(bytes);
            if (isOwn) expect(taken).toBe(true);
            expect(account.heldBytes).toBe(taken ? before + bytes : before);
          } else {
            account.close();
            accounts[who] = memory.open({});
          }
          expect(memory.usedBytes).toBe(accounts.reduce((sum, { heldBytes }) => sum + heldBytes, 0));
          expect(memory.usedBytes).toBeLessThanOrEqual(MAX);
        }
      }),
      randomRuns(100),
    );
  });

  test('tells those who wait when others give back, in turn, each as soon as there is what it needs', () => {
    const memory = memoryBudget({ maxBytes: MAX });
    const [hog, ...others] = [1, 2, 3].map(() => memory.open({})) as [MemoryAccount, ...MemoryAccount[]];
    hog.hold(MAX);
    const told: number[] = [];
    const wait = (at: number) => {
      const account = others[at] as MemoryAccount;
      account.wait(1_000, () => {
        told.push(at);
        account.take(1_000);
        if (told.length < 6) wait(at);
      });
    };
    wait(0);
    wait(1);
    hog.give(999);
    expect(told).toEqual([]);
    hog.give(1);
    expect(told).toEqual([0]);
    hog.give(2_000);
    hog.give(1_000);
    expect(told).toEqual([0, 1, 0, 1]);
    (others[1] as MemoryAccount).stopWaiting();
    hog.close();
    expect(told).toEqual([0, 1, 0, 1, 0]);
  });
});

/** Items that take 10,240 bytes each: four of them are let in by a budget of the least size, alone. */
const sizeOf = () => (10_240 - ITEM_HEAP_BYTES) / 2;

function batching(overflow: 'dropNewest' | 'dropOldest' | 'error' = 'dropNewest', holder: 'ready' | 'busy' = 'ready') {
  const memory = memoryBudget({ maxBytes: MAX });
  const ledger = createLedger();
  const gate = createGate();
  const source = new Subject<number>();
  const batches: Batch<number>[] = [];
  const holds: Hold[] = [];
  const errors: unknown[] = [];
  const flush = new Subject<void>();
  const operator = adaptiveBatch<number>({ memory, ledger, gate, overflow, sizeOf, flushWhen: flush });
  const subscription = source.pipe(operator).subscribe({
    next: (batch) => {
      batches.push(batch);
      const hold = batch.hold();
      if (holder === 'ready') hold.ready();
      holds.push(hold);
    },
    error: (error) => errors.push(error),
  });
  return { memory, ledger, gate, source, batches, holds, errors, flush, subscription };
}

const delivered = (count: number) => ({
  delivered: count,
  rejected: 0,
  lost: [],
  attempts: 1,
  attemptMillis: 1,
  elapsedMillis: 1,
});
const next = (source: Subject<number>, ...items: number[]) => {
  for (const item of items) source.next(item);
};

describe('adaptiveBatch with a budget of memory', () => {
  test('counts what waits and what is out, until it has an outcome', () => {
    const { memory, ledger, source, holds, flush, subscription } = batching();
    next(source, 1, 2);
    expect(memory.usedBytes).toBe(2 * heapBytesOf(1, sizeOf()));
    flush.next();
    next(source, 3);
    expect(ledger.stats().memoryBytes).toBe(3 * 10_240);
    holds[0]?.settle(delivered(2));
    expect(ledger.stats()).toMatchObject({ memoryBytes: 10_240, delivered: 2 });
    subscription.unsubscribe();
    expect(memory.usedBytes).toBe(0);
  });

  test('after unsubscribing, gives back the memory of a held batch when it ends, and that of a batch without a holder at once', () => {
    const { memory, source, holds, flush, subscription } = batching();
    next(source, 1, 2);
    flush.next();
    subscription.unsubscribe();
    expect(memory.usedBytes).toBe(20_480);
    holds[0]?.settle(delivered(2));
    expect(memory.usedBytes).toBe(0);
    const handedOn = new Subject<number>();
    handedOn.pipe(adaptiveBatch({ memory, initialExportBatchSize: 1, minExportBatchSize: 1 })).subscribe();
    next(handedOn, 1, 2, 3);
    expect(memory.usedBytes).toBe(0);
  });

  test("'dropNewest' refuses what has no room", () => {
    const { memory, ledger, source, flush } = batching();
    next(source, 1, 2);
    flush.next();
    next(source, 3, 4, 5, 6);
    expect(ledger.stats()).toMatchObject({ accepted: 4, refused: { queueFull: 2 }, pending: 4 });
    expect(memory.usedBytes).toBe(40_960);
  });

  test("'dropOldest' loses what waits, and never what is out", () => {
    const { ledger, source, batches, holds, flush } = batching('dropOldest', 'busy');
    next(source, 1, 2);
    flush.next();
    next(source, 3, 4, 5, 6);
    holds[0]?.ready();
    expect(batches.map(({ items }) => items)).toEqual([
      [1, 2],
      [5, 6],
    ]);
    next(source, 7);
    expect(ledger.stats()).toMatchObject({
      accepted: 6,
      lost: { queueFull: 2 },
      refused: { queueFull: 1 },
      pending: 4,
    });
  });

  test("'error' ends the stream", () => {
    const { source, holds, errors, flush } = batching('error');
    next(source, 1, 2, 3, 4);
    flush.next();
    next(source, 5);
    holds[0]?.settle(delivered(4));
    expect(errors).toMatchObject([{ code: 'QUEUE_FULL' }]);
  });

  test('refuses what is larger than half of it', () => {
    const memory = memoryBudget({ maxBytes: MAX });
    const ledger = createLedger();
    const source = new Subject<number>();
    source.pipe(adaptiveBatch({ memory, ledger, sizeOf: (bytes) => bytes })).subscribe();
    next(source, (MAX / 2 - ITEM_HEAP_BYTES) / 2, MAX / 4);
    expect(ledger.stats()).toMatchObject({ accepted: 1, refused: { tooLarge: 1 } });
  });

  test('closes the gate while it is short, and opens it when others give back', () => {
    const { memory, gate, source } = batching();
    const other = memory.open({});
    other.hold(20_000);
    next(source, 1, 2);
    expect(gate.open).toBe(true);
    other.hold(14_000);
    next(source, 3); // one that was on its way already
    expect(gate.open).toBe(false);
    other.give(7_000);
    expect(gate.open).toBe(true);
  });
});

describe('channel with a budget of memory', () => {
  test('trySend is answered by dropped, and send waits until anybody gives back', async () => {
    const memory = memoryBudget({ maxBytes: MAX });
    const other = memory.open({});
    const sent = channel<number>({ memory, sizeOf });
    other.hold(MAX);
    expect(sent.trySend(1)).toBe('dropped');
    const sends = [2, 3].map((item) => sent.send(item));
    other.give(10_240);
    await sends[0];
    expect(memory.usedBytes).toBe(MAX);
    other.close();
    await sends[1];
    expect(memory.usedBytes).toBe(20_480);
  });

  test('who takes back leaves the room to the next, which is smaller', async () => {
    const memory = memoryBudget({ maxBytes: MAX });
    const other = memory.open({});
    other.hold(MAX - 5_000);
    const sent = channel<number>({ memory, sizeOf: (bytes) => bytes });
    const giveUp = new AbortController();
    const large = sent.send(10_000, { signal: giveUp.signal });
    const small = sent.send(100);
    giveUp.abort(new Error('no longer'));
    await expect(large).rejects.toThrow('no longer');
    await small;
  });

  test('closed, it leaves nothing behind in the budget', async () => {
    const memory = memoryBudget({ maxBytes: MAX });
    const sent = channel<number>({ memory, sizeOf });
    const sends = [1, 2, 3, 4, 5, 6].map((item) => sent.send(item));
    sent.close();
    await Promise.allSettled(sends);
    await new Promise<void>((resolve) => sent.items$.subscribe({ complete: resolve }));
    expect(memory.usedBytes).toBe(0);
    expect(memory.open({}).take(PART + PART / 2)).toBe(true);
  });

  test('in front of a batcher that has no more memory, senders wait and nothing is lost', async () => {
    const memory = memoryBudget({ maxBytes: MAX });
    const ledger = createLedger();
    const gate = createGate();
    const sent = channel<number>({ memory, gate, ledger, sizeOf: () => 500 });
    const holds: [Hold, number][] = [];
    sent.items$
      .pipe(adaptiveBatch({ memory, gate, ledger, sizeOf: () => 500, flushWhen: sent.flush$ }))
      .subscribe((batch) => holds.push([batch.hold(), batch.items.length]));
    const sends = Array.from({ length: 200 }, (_, item) => sent.send(item));
    let [done, peak] = [false, 0];
    const all = Promise.all(sends).then(() => sent.forceFlush());
    all.then(() => {
      done = true;
    });
    while (!done) {
      sent.forceFlush().catch(() => {});
      await new Promise<void>((resolve) => setImmediate(resolve));
      peak = Math.max(peak, memory.usedBytes);
      for (const [hold, count] of holds.splice(0)) hold.settle(delivered(count));
    }
    await all;
    expect(ledger.stats()).toMatchObject({ offered: 200, delivered: 200, lost: {}, refused: {}, memoryBytes: 0 });
    expect(peak).toBeLessThanOrEqual(MAX);
    expect(peak).toBeGreaterThan(PART);
  });
});
