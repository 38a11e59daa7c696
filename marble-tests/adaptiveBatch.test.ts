import { Observable, Subject, share, tap } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  type AdaptiveBatchOptions,
  adaptiveBatch,
  type Batch,
  type BatchSizeStrategyFactory,
  createGate,
  createLedger,
  type FlushRequest,
  fixedSize,
  type Loss,
} from '../src/index.ts';
import { marbles } from '../src/testing/index.ts';
import { Holder, letters, throwing } from './support.ts';

/** Three items or four milliseconds. */
const THREE = { maxExportBatchSize: 3, minExportBatchSize: 1, scheduledDelayMillis: 4, strategy: fixedSize() } as const;

/** Due at two items, and up to five where it grows. */
const TWO_TO_FIVE = {
  ...THREE,
  maxExportBatchSize: 5,
  strategy: (() => ({ size: 2, delayMillis: 4, left() {}, ended() {} })) satisfies BatchSizeStrategyFactory,
} as const;

describe('adaptiveBatch', () => {
  test('closes a batch by count, and the rest by delay', () =>
    marbles(({ hot, expectBatches, expectSubscriptions, diagram }) => {
      diagram('adaptiveBatch', { title: 'adaptiveBatch: count 3, delay 4 ms' });
      const source = hot('  -a-b-c----d-------|');
      const subs = '        ^-----------------!';
      const expected = '    -----[abc]----[d]-|';
      expectBatches(source.pipe(adaptiveBatch(THREE))).toBe(expected, { closedBy: ['count', 'delay'] });
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('emits what is queued when the source completes', () =>
    marbles(({ hot, expectBatches, expectSubscriptions }) => {
      const source = hot('  -a-b|     ');
      const subs = '        ^---!     ';
      const expected = '    ----([ab]|)';
      expectBatches(source.pipe(adaptiveBatch(THREE))).toBe(expected, { closedBy: ['complete'] });
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));
});

describe('adaptiveBatch: the compulsory cases', () => {
  test('never: emits nothing, and has no timer', () =>
    marbles(({ cold, expectBatches, expectSubscriptions }) => {
      const source = cold(' ------');
      const subs = '        ^----!';
      const expected = '    ------';
      expectBatches(source.pipe(adaptiveBatch(THREE)), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: completes without a batch', () =>
    marbles(({ cold, expectBatches, expectSubscriptions }) => {
      const source = cold(' ---|');
      const subs = '        ^--!';
      const expected = '    ---|';
      expectBatches(source.pipe(adaptiveBatch(THREE))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: is emitted after its delay', () =>
    marbles(({ hot, expectBatches, expectSubscriptions }) => {
      const source = hot('  -a----------|');
      const subs = '        ^-----------!';
      const expected = '    -----[a]----|';
      expectBatches(source.pipe(adaptiveBatch(THREE))).toBe(expected, { closedBy: ['delay'] });
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: emits a full batch at once, and the rest when the source completes', () =>
    marbles(({ hot, expectBatches, expectSubscriptions }) => {
      const source = hot('  -a-b-c---d-ef----g|');
      const subs = '        ^-----------------!';
      const expected = '    -----[abc]--[def]-([g]|)';
      expectBatches(source.pipe(adaptiveBatch(THREE))).toBe(expected, { closedBy: ['count', 'count', 'complete'] });
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: what is queued is emitted first', () =>
    marbles(({ hot, expectBatches, expectSubscriptions }) => {
      const source = hot('  -a-b#     ');
      const subs = '        ^---!     ';
      const expected = '    ----([ab]#)';
      expectBatches(source.pipe(adaptiveBatch(THREE))).toBe(expected, { closedBy: ['error'], error: 'error' });
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: held batches get their outcomes first', () =>
    marbles(async ({ hot, expectBatches, expectSubscriptions, advanceTo }) => {
      const holder = new Holder();
      const source = hot('  -a-b-c-#         ');
      const subs = '        ^------!         ';
      const expected = '    -----[abc]-------#';
      expectBatches(
        source.pipe(
          adaptiveBatch(THREE),
          tap((batch) => holder.keep(batch)),
        ),
      ).toBe(expected);
      await advanceTo(17);
      holder.settle(0);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: ends source and timer, and reports what was queued', async () => {
    const lost: [Loss, number][] = [];
    const ledger = createLedger();
    await marbles(({ hot, expectBatches, expectSubscriptions }) => {
      const source = hot('  -a-b-c-d-e-f');
      const subs = '        ^-------!   ';
      const expected = '    -----[abc]--';
      const onLoss = (loss: Loss, items: readonly unknown[]) => void lost.push([loss, items.length]);
      expectBatches(source.pipe(adaptiveBatch({ ...THREE, ledger, onLoss })), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual([[{ count: 1, reason: 'unsubscribed', stage: 'adaptiveBatch' }, 1]]);
    expect(ledger.stats()).toMatchObject({ accepted: 4, handedOn: 3, lost: { unsubscribed: 1 }, pending: 0 });
  });

  test('throwing callback: each exception is counted, and the stream goes on', async () => {
    const ledger = createLedger();
    await marbles(({ hot, expectBatches, expectSubscriptions }) => {
      const source = hot('  -a-b-c-d------|   ');
      const subs = '        ^-------------!   ';
      const expected = '    -----[abc]-[d]|   ';
      const strategy = () => ({ size: 3, delayMillis: 4, left: throwing, ended: throwing });
      const options = { ...THREE, ledger, strategy, sizeOf: throwing, onLoss: throwing };
      expectBatches(source.pipe(adaptiveBatch(options))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    // Four sizes, and two batches that left.
    expect(ledger.stats()).toMatchObject({ callbackErrors: 6, handedOn: 4 });
  });

  test('synchronous re-entrancy: an item from inside next is queued behind the others', () => {
    const source = new Subject<string>();
    const seen: string[] = [];
    source.pipe(adaptiveBatch<string>(THREE)).subscribe(({ items }) => {
      seen.push(items.join(''));
      if (items[0] === 'a') for (const item of 'defg') source.next(item);
      seen.push('end');
    });
    for (const item of 'abc') source.next(item);
    source.complete();
    expect(seen).toEqual(['abc', 'end', 'def', 'end', 'g', 'end']);
  });
});

describe('adaptiveBatch: when a batch is due', () => {
  test('a flush emits what is queued, and no empty batch', () =>
    marbles(({ hot, expectBatches, expectSubscriptions }) => {
      const source = hot('  -a-b---------|');
      const flushWhen = hot('----f---f----|', letters('f'));
      const subs = '        ^------------!';
      const expected = '    ----[ab]-----|';
      expectBatches(source.pipe(adaptiveBatch({ ...THREE, flushWhen }))).toBe(expected, { closedBy: ['flush'] });
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(flushWhen.subscriptions).toBe(subs);
    }));

  test('an error of flushWhen ends the stream like an error of the source', () =>
    marbles(({ hot, expectBatches, expectSubscriptions }) => {
      const source = hot('  -a-b-      ');
      const flushWhen = hot('----#      ');
      const subs = '        ^---!      ';
      const expected = '    ----([ab]#)';
      expectBatches(source.pipe(adaptiveBatch({ ...THREE, flushWhen }))).toBe(expected, { closedBy: ['error'] });
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('bytes close a batch; the item that does not fit begins the next one, with a delay of its own', () =>
    marbles(({ hot, expectBatches, expectSubscriptions }) => {
      const values = { a: 60, b: 61 };
      const source = hot('  -a---b------|', values);
      const subs = '        ^-----------!';
      const expected = '    -----[a]-[b]|';
      const options = { maxExportBatchBytes: 100, scheduledDelayMillis: 4, sizeOf: (item: number) => item };
      expectBatches(source.pipe(adaptiveBatch(options))).toBe(expected, { closedBy: ['bytes', 'delay'], values });
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('a delay of 0 emits the items of each frame at its end', () =>
    marbles(({ hot, expectBatches, expectSubscriptions }) => {
      const source = hot('  -(ab)-c---|');
      const subs = '        ^---------!';
      const expected = '    -[ab]-[c]-|';
      expectBatches(source.pipe(adaptiveBatch({ ...THREE, scheduledDelayMillis: 0 }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));
});

describe('adaptiveBatch: holds', () => {
  test('a batch that is due grows to its maximum while the holder of another one is not ready', () =>
    marbles(async ({ hot, expectBatches, expectSubscriptions, advanceTo }) => {
      const holder = new Holder();
      const source = hot('  -a-b-c-d-e-f-g-h-------|     ');
      const subs = '        ^----------------------!     ';
      const expected = '    ---[ab]-----------[cdefg][h]|';
      const keep = tap((batch: Batch<unknown>) => holder.keep(batch));
      const closedBy = ['count', 'count', 'delay'] as const;
      expectBatches(source.pipe(adaptiveBatch(TWO_TO_FIVE), keep)).toBe(expected, { closedBy });
      await advanceTo(18);
      holder.ready(0);
      await advanceTo(25);
      holder.ready(1);
      await advanceTo(28);
      for (const index of [0, 1, 2]) holder.settle(index);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('no more than maxUnsettledBatches batches are out', () =>
    marbles(async ({ hot, expectBatches, expectSubscriptions, advanceTo }) => {
      const holder = new Holder();
      const source = hot('  -a---b---c---------|');
      const subs = '        ^------------------!';
      const expected = '    -[a]-[b]-------[c]-|';
      const one = { ...THREE, maxExportBatchSize: 1, maxUnsettledBatches: 2 };
      const keep = tap((batch: Batch<unknown>) => {
        holder.keep(batch);
        holder.ready(holder.holds.length - 1);
      });
      expectBatches(source.pipe(adaptiveBatch(one), keep)).toBe(expected);
      await advanceTo(15);
      holder.settle(0);
      await advanceTo(16);
      holder.settle(1);
      holder.settle(2);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('a hold that is forgotten expires, is counted, and lets the next batch out', async () => {
    const ledger = createLedger();
    const lost: Loss[] = [];
    await marbles(({ hot, expectBatches, expectSubscriptions }) => {
      const source = hot('  abcdef--------------|');
      const subs = '        ^-------------------!';
      const expected = '    --[abc]-----[def]---|';
      const options = { ...THREE, holdLeaseMillis: 10, ledger, onLoss: (loss: Loss) => void lost.push(loss) };
      const forget = tap((batch: Batch<unknown>) => {
        if (lost.length === 0) batch.hold();
      });
      expectBatches(source.pipe(adaptiveBatch(options), forget)).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(lost).toEqual([{ count: 3, reason: 'leaseExpired', stage: 'adaptiveBatch' }]);
    expect(ledger.stats()).toMatchObject({ accepted: 6, handedOn: 3, lost: { leaseExpired: 3 }, pending: 0 });
  });

  test('with several holders, the tally of the one that delivered least counts', () => {
    const ledger = createLedger();
    const [first, second] = [new Holder<string>(), new Holder<string>()];
    const source = new Subject<string>();
    const shared = source.pipe(adaptiveBatch<string>({ ...THREE, ledger }), share());
    // The first subscriber finishes before the second has seen the batch.
    shared.subscribe((batch) => {
      first.keep(batch);
      first.settle(0);
    });
    shared.subscribe((batch) => second.keep(batch));
    for (const item of 'abc') source.next(item);
    expect(ledger.stats()).toMatchObject({ delivered: 0, pending: 3 });
    second.settle(0, 1);
    // Two of three are missing in its tally: somebody took them out.
    expect(ledger.stats()).toMatchObject({ delivered: 1, removed: 2, pending: 0 });
    source.complete();
  });

  test('a hold after next takes the batch back from handedOn', () => {
    const ledger = createLedger();
    const source = new Subject<string>();
    const batches: Batch<string>[] = [];
    source.pipe(adaptiveBatch<string>({ ...THREE, ledger })).subscribe((batch) => batches.push(batch));
    for (const item of 'abc') source.next(item);
    expect(ledger.stats()).toMatchObject({ handedOn: 3, pending: 0 });
    const hold = (batches[0] as Batch<string>).hold();
    expect(ledger.stats()).toMatchObject({ handedOn: 0, pending: 3 });
    hold.settle({ delivered: 3, rejected: 0, lost: [], attempts: 1, attemptMillis: 1, elapsedMillis: 1 });
    hold.settle({ delivered: 0, rejected: 3, lost: [], attempts: 1, attemptMillis: 1, elapsedMillis: 1 });
    expect(ledger.stats()).toMatchObject({ handedOn: 0, delivered: 3, rejected: 0, pending: 0 });
    source.complete();
  });

  test('a tally that claims more items than the batch has is cut down to them', () => {
    const ledger = createLedger();
    const holder = new Holder<string>();
    const source = new Subject<string>();
    source.pipe(adaptiveBatch<string>({ ...THREE, ledger })).subscribe((batch) => holder.keep(batch));
    for (const item of 'abcdef') source.next(item);
    holder.settle(0, 99);
    holder.settle(1, Number.NaN);
    expect(ledger.stats()).toMatchObject({ delivered: 3, removed: 3, pending: 0 });
    source.complete();
  });
});

describe('adaptiveBatch: the queue is bounded', () => {
  /** Takes the first batch and no other, so that the rest queues. */
  const blocked = (options: AdaptiveBatchOptions<string>, items: string) => {
    const ledger = createLedger();
    const lost: string[] = [];
    const holder = new Holder<string>();
    const source = new Subject<string>();
    const seen: string[] = [];
    const onLoss = (loss: Loss, which: readonly string[]) => void lost.push(`${which.join('')} ${loss.reason}`);
    source.pipe(adaptiveBatch<string>({ ...THREE, maxExportBatchSize: 1, ...options, ledger, onLoss })).subscribe({
      next: (batch) => {
        seen.push(batch.items.join(''));
        holder.keep(batch);
      },
      error: (error: Error) => seen.push(error.message),
      complete: () => seen.push('|'),
    });
    for (const item of items) source.next(item);
    const settleAll = () => {
      for (let index = 0; index < holder.holds.length; index += 1) holder.settle(index);
    };
    return { ledger, lost, seen, source, settleAll };
  };

  /** The same, with a flush that remembers whether it was answered. */
  const flushed = (options: AdaptiveBatchOptions<string>, items: string) => {
    const flushWhen = new Subject<FlushRequest>();
    let isAnswered = false;
    const settle = () => {
      isAnswered = true;
    };
    const flush = () => flushWhen.next({ hold: () => ({ settle }) });
    return { ...blocked({ ...options, flushWhen }, items), flush, answered: () => isAnswered };
  };

  test('dropNewest refuses the item that comes', () => {
    const { ledger, lost, seen, source, settleAll } = blocked({ maxQueueSize: 2 }, 'abcde');
    expect(lost).toEqual(['d queueFull', 'e queueFull']);
    expect(ledger.stats()).toMatchObject({ offered: 5, accepted: 3, refused: { queueFull: 2 }, queueSize: 2 });
    source.complete();
    settleAll();
    settleAll();
    expect(seen).toEqual(['a', 'b', 'c', '|']);
  });

  test('dropOldest drops the item that has waited longest', () => {
    const { ledger, lost, source, seen, settleAll } = blocked({ maxQueueSize: 2, overflow: 'dropOldest' }, 'abcde');
    expect(lost).toEqual(['b queueFull', 'c queueFull']);
    expect(ledger.stats()).toMatchObject({ offered: 5, accepted: 5, lost: { queueFull: 2 }, queueSize: 2 });
    source.complete();
    settleAll();
    settleAll();
    expect(seen).toEqual(['a', 'd', 'e', '|']);
  });

  const BY_DIGIT = { overflow: 'dropLowestPriority', priorityOf: Number } as const;

  test('dropLowestPriority drops the least important item, and among those the oldest; the order stays that of the source', () => {
    const { ledger, lost, source, seen, settleAll } = blocked({ ...BY_DIGIT, maxQueueSize: 3 }, '0513134');
    expect(lost).toEqual(['1 queueFull', '1 queueFull', '3 queueFull']);
    expect(ledger.stats()).toMatchObject({ offered: 7, accepted: 7, lost: { queueFull: 3 }, queueSize: 3 });
    source.complete();
    for (let round = 0; round < 4; round += 1) settleAll();
    expect(seen).toEqual(['0', '5', '3', '4', '|']);
  });

  test('dropLowestPriority refuses an item that is less important than everything that is queued', () => {
    const { ledger, lost, source, settleAll } = blocked({ ...BY_DIGIT, maxQueueSize: 2 }, '0551');
    expect(lost).toEqual(['1 queueFull']);
    expect(ledger.stats()).toMatchObject({ offered: 4, accepted: 3, refused: { queueFull: 1 } });
    source.complete();
    for (let round = 0; round < 3; round += 1) settleAll();
  });

  test('dropLowestPriority drops nothing for an item that finds no room all the same', () => {
    const sizeOf = (item: string) => (item === '3' ? 8 : 4);
    const { ledger, lost, source, settleAll } = blocked({ ...BY_DIGIT, maxQueueBytes: 10, sizeOf }, '0183');
    // Without the 1, four bytes are still taken: the 3 would not fit.
    expect(lost).toEqual(['3 queueFull']);
    expect(ledger.stats()).toMatchObject({ accepted: 3, refused: { queueFull: 1 }, queueBytes: 8 });
    source.complete();
    for (let round = 0; round < 3; round += 1) settleAll();
  });

  test('an item whose priorityOf throws or returns an invalid number has the priority 4, and that is counted', () => {
    const told: unknown[] = [];
    const priorityOf = (item: string) => (item === 't' ? throwing() : item === 'x' ? 3.5 : Number(item));
    const onCallbackError = (error: unknown) => void told.push(error);
    const options = { ...BY_DIGIT, maxQueueSize: 2, priorityOf, onCallbackError };
    const { ledger, lost, source, settleAll } = blocked(options, '0tx5');
    expect(lost).toEqual(['t queueFull']);
    expect(told).toMatchObject([
      { message: 'mine' },
      { message: 'what priorityOf returns must be a whole number from 0 to 9, but was given 3.5' },
    ]);
    expect(ledger.stats()).toMatchObject({ callbackErrors: 2, lost: { queueFull: 1 } });
    source.complete();
    for (let round = 0; round < 3; round += 1) settleAll();
  });

  test('a flush is answered when what came before it has left, although newer items were dropped meanwhile', () => {
    const { source, settleAll, answered, flush } = flushed({ ...BY_DIGIT, maxQueueSize: 3 }, '055');
    flush();
    // Two newer items come; the second drops the first.
    source.next('1');
    source.next('2');
    expect(answered()).toBe(false);
    settleAll();
    settleAll();
    expect(answered()).toBe(true);
    source.complete();
    for (let round = 0; round < 3; round += 1) settleAll();
  });

  test('error refuses the item that comes, emits what is queued, waits for the outcomes and then errors', () => {
    const { ledger, lost, seen, source, settleAll } = blocked({ maxQueueSize: 2, overflow: 'error' }, 'abcde');
    expect(lost).toEqual(['d queueFull']);
    expect(source.observed).toBe(false);
    expect(seen).toEqual(['a']);
    settleAll();
    settleAll();
    settleAll();
    expect(seen).toEqual(['a', 'b', 'c', 'adaptiveBatch: the queue is full (maxQueueSize 2, maxQueueBytes 67108864)']);
    expect(ledger.stats()).toMatchObject({ accepted: 3, delivered: 3, refused: { queueFull: 1 }, pending: 0 });
  });

  test('the queue is bounded in bytes, and an item that is larger than the queue is lost as tooLarge', () => {
    const sizeOf = (item: string) => (item === 'x' ? 11 : 4);
    const { ledger, lost, source, settleAll } = blocked({ maxQueueBytes: 10, sizeOf }, 'abcdx');
    expect(lost).toEqual(['d queueFull', 'x tooLarge']);
    expect(ledger.stats()).toMatchObject({ refused: { queueFull: 1, tooLarge: 1 }, queueBytes: 8 });
    source.complete();
    settleAll();
    settleAll();
  });

  test('the gate is closed while two full batches wait, and opened at one', () => {
    const gate = createGate();
    const states: boolean[] = [];
    gate.saturated$.subscribe((saturated) => states.push(saturated));
    const { source, settleAll } = blocked({ gate, maxExportBatchSize: 2, minExportBatchSize: 1 }, 'abcde');
    expect(gate.open).toBe(true);
    source.next('f');
    expect(gate.open).toBe(false);
    settleAll();
    expect(gate.open).toBe(true);
    source.complete();
    settleAll();
    settleAll();
    expect(states).toEqual([false, true, false]);
  });
});

describe('adaptiveBatch: others that misbehave', () => {
  test('an error of flushWhen unsubscribes the source, so that no later item vanishes', () => {
    const ledger = createLedger();
    const [source, flushWhen] = [new Subject<string>(), new Subject<void>()];
    const holder = new Holder<string>();
    source.pipe(adaptiveBatch<string>({ ...THREE, flushWhen, ledger })).subscribe({
      next: (batch) => holder.keep(batch),
      error: () => {},
    });
    source.next('a');
    flushWhen.error(new Error('mine'));
    expect(source.observed).toBe(false);
    holder.settle(0);
    expect(ledger.stats()).toMatchObject({ offered: 1, delivered: 1, pending: 0 });
  });

  test.each(['onLoss', 'sizeOf', 'left'] as const)('a %s that unsubscribes leaves nothing behind', (callback) => {
    const ledger = createLedger();
    const source = new Subject<string>();
    let armed = false;
    const leave = () => {
      if (armed) subscription.unsubscribe();
      return 1;
    };
    const strategy: BatchSizeStrategyFactory = () => ({
      size: 2,
      delayMillis: 4,
      left: () => void (callback === 'left' && leave()),
      ended() {},
    });
    const subscription = source
      .pipe(
        adaptiveBatch<string>({
          ...{
            maxQueueSize: 2,
            maxExportBatchSize: 2,
            minExportBatchSize: 1,
            overflow: 'dropOldest',
            strategy,
            ledger,
          },
          sizeOf: () => (callback === 'sizeOf' ? leave() : 1),
          onLoss: () => void (callback === 'onLoss' && leave()),
        }),
      )
      .subscribe((batch) => batch.hold());
    for (const item of 'abcd') source.next(item);
    armed = true;
    source.next('e');
    subscription.unsubscribe();
    const { accepted, lost, refused, queueSize, pending } = ledger.stats();
    const gone = (lost.unsubscribed ?? 0) + (lost.queueFull ?? 0) + pending;
    // The first batch is held; everything else is lost to the queue or to the end.
    expect({ queueSize, balance: accepted - gone, pending }).toEqual({ queueSize: 0, balance: 0, pending: 2 });
    expect(accepted + (refused.unsubscribed ?? 0)).toBe(5);
  });

  test('a flush request whose hold is a class instance is settled as a method call', () => {
    class Claim {
      #settled = false;
      settle() {
        this.#settled = true;
      }
      get settled() {
        return this.#settled;
      }
    }
    const claim = new Claim();
    const flushWhen = new Subject<unknown>();
    new Subject().pipe(adaptiveBatch({ ...THREE, flushWhen })).subscribe();
    flushWhen.next({ hold: () => claim });
    expect(claim.settled).toBe(true);
  });

  test('a source whose teardown throws does not prevent the report of what was queued', () => {
    const ledger = createLedger();
    const source = new Observable<string>((subscriber) => {
      subscriber.next('a');
      return throwing;
    });
    const subscription = source.pipe(adaptiveBatch<string>({ ...THREE, ledger })).subscribe();
    expect(() => subscription.unsubscribe()).toThrow('mine');
    expect(ledger.stats()).toMatchObject({ accepted: 1, lost: { unsubscribed: 1 }, pending: 0 });
  });

  test('a listener that offers an item while the gate closes does not keep the gate closed', () => {
    const gate = createGate();
    const holder = new Holder<string>();
    const source = new Subject<string>();
    const one = { ...THREE, maxExportBatchSize: 1, gate };
    source.pipe(adaptiveBatch<string>(one)).subscribe((batch) => holder.keep(batch));
    let offered = false;
    gate.saturated$.subscribe((saturated) => {
      if (!saturated || offered) return;
      offered = true;
      source.next('late');
    });
    for (const item of 'abc') source.next(item);
    expect(gate.open).toBe(false);
    for (let index = 0; index < 4; index += 1) holder.settle(index);
    expect([holder.holds.length, gate.open]).toEqual([4, true]);
    source.complete();
  });
});

describe('adaptiveBatch: a flush request', () => {
  test('is answered when everything accepted before it has an outcome; later items do not delay the answer', () =>
    marbles(async ({ hot, expectBatches, expectObservable, expectSubscriptions, advanceTo }) => {
      const holder = new Holder();
      const answered = new Subject<string>();
      const request = { hold: () => ({ settle: () => answered.next('y') }) };
      const flushWhen = hot('---f             ', { f: request });
      const source = hot('   -a------b-----   ');
      const unsub = '        ^---------------!';
      const expected = '     ---[a]------[b]--';
      const answers = '      --------------y--';
      const keep = tap((batch: Batch<unknown>) => {
        holder.keep(batch);
        holder.ready(holder.holds.length - 1);
      });
      expectObservable(answered, unsub).toBe(answers);
      expectBatches(source.pipe(adaptiveBatch({ ...THREE, flushWhen }), keep), unsub).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(unsub);
      expectSubscriptions(flushWhen.subscriptions).toBe(unsub);
      await advanceTo(14);
      holder.settle(0);
      await advanceTo(17);
      holder.settle(1);
    }));

  test('is answered at once when nothing waits', () => {
    let answers = 0;
    const flushWhen = new Subject<unknown>();
    new Subject().pipe(adaptiveBatch({ ...THREE, flushWhen })).subscribe();
    flushWhen.next({ hold: () => ({ settle: () => (answers += 1) }) });
    expect(answers).toBe(1);
  });
});

describe('adaptiveBatch: options', () => {
  test.each([
    [{ maxQueueSize: 0 }, 'adaptiveBatch.maxQueueSize must be a whole number from 1, but was given 0'],
    [
      { maxQueueSize: 10, maxExportBatchSize: 11 },
      'adaptiveBatch.maxExportBatchSize must be a whole number from 1 to 10',
    ],
    [{ initialExportBatchSize: 5_000 }, 'adaptiveBatch.initialExportBatchSize must be a whole number from 10 to 2000'],
    [{ minExportBatchSize: 700 }, undefined],
    [{ maxQueueSize: 5 }, undefined],
    [{ maxQueueBytes: 5 }, undefined],
    [
      { scheduledDelayMillis: -1 },
      'adaptiveBatch.scheduledDelayMillis must be a duration in milliseconds, from 0 to 2147483647',
    ],
    [{ scheduledDelayMillis: Number.NaN }, 'but was given NaN'],
    [
      { overflow: 'drop' },
      "adaptiveBatch.overflow must be one of 'dropNewest', 'dropOldest', 'dropLowestPriority', 'error', but was given \"drop\"",
    ],
    [
      { overflow: 'dropLowestPriority' },
      "adaptiveBatch.priorityOf must be a function, because overflow is 'dropLowestPriority'",
    ],
    [{ priorityOf: 5 }, 'adaptiveBatch.priorityOf must be a function, but was given 5'],
    [{ processHold: 'no' }, "adaptiveBatch.processHold must be one of 'whileWaiting', 'never', but was given \"no\""],
    [{ flushWhen: 5 }, 'adaptiveBatch.flushWhen must be an Observable, but was given 5'],
    [{ strategy: {} }, 'adaptiveBatch.strategy must be a function'],
    [{ gate: {} }, 'adaptiveBatch.gate must be a gate of createGate()'],
    [{ ledger: {} }, 'adaptiveBatch.ledger must be a ledger of createLedger()'],
    [{ maxUnsettledBatches: 0 }, 'adaptiveBatch.maxUnsettledBatches must be a whole number from 1, or Infinity'],
    [{ holdLeaseMillis: 0 }, 'adaptiveBatch.holdLeaseMillis must be a duration in milliseconds, from 1'],
    [{ maxQueuSize: 5 }, 'adaptiveBatch.maxQueuSize must be one of the known options'],
  ])('%o', (options, message) => {
    const call = () => adaptiveBatch(options as AdaptiveBatchOptions<unknown>);
    if (message === undefined) expect(call).not.toThrow();
    else expect(call).toThrow(message);
  });
});
