import { map, Observable, Subject, tap } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  type Batch,
  createLedger,
  type FlushRequest,
  type FlushUrgency,
  type Hold,
  type Loss,
  memoryBudget,
  type RebatchOptions,
  rebatch,
  type Tally,
  withItems,
} from '../src/index.ts';
import { marbles } from '../src/testing/index.ts';
import { Holder, tallyOf, throwing } from './support.ts';

/** Three items or five milliseconds. */
const THREE = { maxExportBatchSize: 3, scheduledDelayMillis: 5 } as const;

/** Batches with holds, as a receiver makes them: what their sender is told. */
class Senders<T> {
  readonly told: Tally[] = []; // in the order in which their batches ended
  readonly ready: string[] = []; // the batches whose maker may send another
  flush: ((urgency: FlushUrgency) => void) | undefined; // of the newest batch

  readonly batch = (items: readonly T[]): Batch<T> => ({
    items,
    bytes: items.length * 10,
    closedBy: 'count',
    hold: (onFlush): Hold => {
      this.flush = onFlush;
      return { ready: () => this.ready.push(items.join('')), settle: (tally) => this.told.push(tally) };
    },
  });
}

const named = map((items: readonly { readonly name: string }[]) => items.map(({ name }) => name));

describe('rebatch', () => {
  test('merges small batches and splits large ones', () =>
    marbles(({ hotBatches, expectBatches, expectSubscriptions, diagram }) => {
      diagram('rebatch', { title: 'rebatch: count 3, delay 5 ms' });
      const source = hotBatches('-[a]-[bc]-----[defg]------|');
      const subs = '             ^-------------------------!';
      const expected = '         -----[abc]----[def][g]----|';
      expectBatches(source.pipe(rebatch(THREE))).toBe(expected, { closedBy: ['count', 'count', 'delay'] });
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('closes a batch by bytes, of which each item of a batch that came has an equal part', () =>
    marbles(({ hotBatches, expectBatches, expectSubscriptions }) => {
      const senders = new Senders<string>();
      const source = hotBatches('-[a]-[bcde]------|');
      const subs = '             ^----------------!';
      const expected = '         -----([ab][cd])--([e]|)';
      const batches = source.pipe(
        named,
        map(senders.batch),
        rebatch({ ...THREE, maxExportBatchSize: 9, maxExportBatchBytes: 20, scheduledDelayMillis: 100 }),
      );
      expectBatches(batches).toBe(expected, { closedBy: ['bytes', 'bytes', 'complete'] });
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('a batch that leaves as it came is not copied', async () => {
    const given = ['a', 'b', 'c'];
    const seen: unknown[] = [];
    new Observable<string[]>((subscriber) => subscriber.next(given))
      .pipe(rebatch<string>(THREE))
      .subscribe(({ items }) => seen.push(items))
      .unsubscribe();
    expect(seen[0]).toBe(given);
  });
});

describe('rebatch: the compulsory cases', () => {
  test('never: emits nothing, and has no timer', () =>
    marbles(({ coldBatches, expectBatches, expectSubscriptions }) => {
      const source = coldBatches('------');
      const subs = '              ^----!';
      const expected = '          ------';
      expectBatches(source.pipe(rebatch(THREE)), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('empty: completes without a batch', () =>
    marbles(({ coldBatches, expectBatches, expectSubscriptions }) => {
      const source = coldBatches('---|');
      const subs = '              ^--!';
      const expected = '          ---|';
      expectBatches(source.pipe(rebatch(THREE))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('one: is emitted after its delay', () =>
    marbles(({ hotBatches, expectBatches, expectSubscriptions }) => {
      const source = hotBatches('-[a]-------|');
      const subs = '             ^----------!';
      const expected = '         ------[a]--|';
      expectBatches(source.pipe(rebatch(THREE))).toBe(expected, { closedBy: ['delay'] });
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('many: emits what is queued when the source completes', () =>
    marbles(({ hotBatches, expectBatches, expectSubscriptions }) => {
      const source = hotBatches('-[ab]-[cd]---|');
      const subs = '             ^------------!';
      const expected = '         ------[abc]--([d]|)';
      const batches = source.pipe(rebatch({ ...THREE, scheduledDelayMillis: 50 }));
      expectBatches(batches).toBe(expected, { closedBy: ['count', 'complete'] });
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('error: what is queued is emitted first', () =>
    marbles(({ hotBatches, expectBatches, expectSubscriptions }) => {
      const source = hotBatches('-[ab]#     ');
      const subs = '             ^----!     ';
      const expected = '         -----([ab]#)';
      expectBatches(source.pipe(rebatch(THREE))).toBe(expected, { closedBy: ['error'], error: 'error' });
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('early unsubscribe: what is queued is lost, and its senders are told', async () => {
    const senders = new Senders<string>();
    const losses: [Loss, readonly string[]][] = [];
    const ledger = createLedger();
    await marbles(({ hotBatches, expectBatches, expectSubscriptions }) => {
      const source = hotBatches('-[abcd]-[e]----|');
      const subs = '             ^--------!';
      const expected = '         -[abc]----';
      const onLoss = (loss: Loss, items: readonly string[]) => void losses.push([loss, items]);
      const result = source.pipe(
        named,
        map(senders.batch),
        rebatch({ ...THREE, scheduledDelayMillis: 50, onLoss, ledger }),
      );
      expectBatches(result, subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(losses.map(([{ count, reason }, items]) => [count, reason, items.join('')])).toEqual([
      [1, 'unsubscribed', 'd'],
      [1, 'unsubscribed', 'e'],
    ]);
    expect(senders.told.map(({ lost }) => lost)).toMatchObject([
      [{ count: 1, reason: 'unsubscribed', stage: 'rebatch' }],
      [{ count: 1, reason: 'unsubscribed', stage: 'rebatch' }],
    ]);
    expect(ledger.stats().stages.rebatch).toMatchObject({
      accepted: 5,
      handedOn: 3,
      lost: { unsubscribed: 2 },
      pending: 0,
    });
  });

  test('throwing callback: it is counted, and the stream goes on', async () => {
    const ledger = createLedger();
    await marbles(({ hotBatches, expectBatches, expectSubscriptions }) => {
      const source = hotBatches('-[abcd]-[e]---|');
      const subs = '             ^-------------!';
      const expected = '         --------------([e]|)';
      expectBatches(source.pipe(rebatch({ maxQueueSize: 3, scheduledDelayMillis: 50, onLoss: throwing, ledger }))).toBe(
        expected,
      );
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
    expect(ledger.stats()).toMatchObject({ callbackErrors: 1, refused: { tooLarge: 4 } });
  });

  test('synchronous re-entrancy: a batch that comes while one is being emitted is queued behind it', () =>
    marbles(({ expectBatches }) => {
      const source = new Subject<readonly string[]>();
      let isFirst = true;
      const again = tap<Batch<string>>(() => {
        if (isFirst) source.next(['d', 'e', 'f', 'g']);
        isFirst = false;
      });
      setTimeout(() => source.next(['a', 'b', 'c']), 1);
      const unsub = '   ^-----------------!';
      const expected = '-([abc][def])-----';
      expectBatches(source.pipe(rebatch<string>({ ...THREE, scheduledDelayMillis: 50 }), again), unsub).toBe(expected);
    }));
});

describe('rebatch: holds', () => {
  const out = (senders: Senders<string>, options: RebatchOptions<string> = {}) => {
    const source = new Subject<string>();
    const holder = new Holder<string>();
    const errors: unknown[] = [];
    const settings = { ...THREE, maxExportBatchSize: 4, ...options };
    const result = source.pipe(
      map((text) => senders.batch([...text])),
      rebatch(settings),
    );
    const subscription = result.subscribe({
      next: (batch) => holder.keep(batch),
      error: (thrown) => errors.push(thrown),
    });
    return { source, holder, subscription, errors, items: () => holder.holds.map(({ batch }) => batch.items.join('')) };
  };

  test('a request whose items left in two batches is settled when both are, with the sum of their tallies', () =>
    marbles(async ({ advanceBy }) => {
      const senders = new Senders<string>();
      const { source, holder, items } = out(senders);
      source.next('abcdef');
      holder.ready(0);
      await advanceBy(5);
      expect(items()).toEqual(['abcd', 'ef']);
      holder.settle(1);
      expect(senders.told).toEqual([]);
      holder.holds[0]?.hold.settle({ ...tallyOf(3), rejected: 1 });
      expect(senders.told).toMatchObject([{ delivered: 5, rejected: 1, lost: [] }]);
    }));

  test('requests that share a batch get the tally of their own items', () =>
    marbles(() => {
      const senders = new Senders<string>();
      const { source, holder } = out(senders);
      for (const text of ['a', 'bc', 'd']) source.next(text);
      holder.settle(0);
      expect(senders.told).toMatchObject([{ delivered: 1 }, { delivered: 2 }, { delivered: 1 }]);
    }));

  test('items that a batch rejects are shared out in proportion', () =>
    marbles(() => {
      const senders = new Senders<string>();
      const { source, holder } = out(senders);
      for (const text of ['ab', 'cd']) source.next(text);
      holder.holds[0]?.hold.settle({ ...tallyOf(2), rejected: 2 });
      expect(senders.told).toMatchObject([
        { delivered: 1, rejected: 1 },
        { delivered: 1, rejected: 1 },
      ]);
    }));

  test('a batch that lost one item for the time being counts one as lost for each of its requests', () =>
    marbles(() => {
      const senders = new Senders<string>();
      const { source, holder } = out(senders);
      for (const text of ['a', 'b', 'cd']) source.next(text);
      const lost = [{ count: 1, reason: 'retriesExhausted', stage: 'backend' }] as const;
      holder.holds[0]?.hold.settle({ ...tallyOf(3), lost });
      expect(senders.told.map(({ delivered, lost: [loss] }) => [delivered, loss?.count])).toEqual([
        [0, 1],
        [0, 1],
        [1, 1],
      ]);
    }));

  test('a batch that lost one item for good counts it for one of its requests', () =>
    marbles(() => {
      const senders = new Senders<string>();
      const { source, holder } = out(senders);
      for (const text of ['a', 'b', 'cd']) source.next(text);
      holder.holds[0]?.hold.settle({ ...tallyOf(3), lost: [{ count: 1, reason: 'tooLarge', stage: 'backend' }] });
      const lost = senders.told.flatMap((tally) => tally.lost);
      expect(lost).toMatchObject([{ count: 1, reason: 'tooLarge' }]);
    }));

  test('nobody holds a batch: its items count as removed', () =>
    marbles(({ hotBatches, expectBatches, expectSubscriptions }) => {
      const senders = new Senders<string>();
      const source = hotBatches('-[abcd]--|');
      const subs = '             ^--------!';
      expectBatches(source.pipe(named, map(senders.batch), rebatch({ ...THREE, scheduledDelayMillis: 50 }))).toBe(
        '-[abc]---([d]|)',
      );
      expectSubscriptions(source.subscriptions).toBe(subs);
      return () => expect(senders.told).toMatchObject([{ delivered: 0, rejected: 0, lost: [] }]);
    }));

  test('items that an operator takes out count as removed', () =>
    marbles(() => {
      const senders = new Senders<string>();
      const told: Tally[] = senders.told;
      const source = new Subject<Batch<string>>();
      source
        .pipe(
          rebatch(THREE),
          map((batch) => withItems(batch, batch.items.slice(1))),
        )
        .subscribe((batch) => batch.hold().settle(tallyOf(batch.items.length)));
      source.next(senders.batch(['a', 'b', 'c']));
      expect(told).toMatchObject([{ delivered: 2, rejected: 0, lost: [] }]);
    }));

  test('while no slot is free, what is due keeps growing to its maximum', () =>
    marbles(async ({ advanceBy }) => {
      const senders = new Senders<string>();
      const { source, holder, items } = out(senders);
      source.next('abcd');
      source.next('e');
      await advanceBy(6);
      source.next('fgh');
      expect(items()).toEqual(['abcd']);
      holder.ready(0);
      expect(items()).toEqual(['abcd', 'efgh']);
    }));

  test('another batch is not welcome while half of the queue is taken', () =>
    marbles(() => {
      const senders = new Senders<string>();
      const { source, holder } = out(senders, { maxQueueSize: 4, maxExportBatchSize: 2 });
      for (const text of ['ab', 'cd', 'e']) source.next(text);
      expect(senders.ready).toEqual(['ab', 'cd']);
      holder.ready(0);
      expect(senders.ready).toEqual(['ab', 'cd', 'e']);
    }));

  test('a batch that finds no room is refused as a whole: queueFull, or tooLarge if it never could', () =>
    marbles(() => {
      const senders = new Senders<string>();
      const ledger = createLedger();
      const { source } = out(senders, { maxQueueSize: 4, maxExportBatchSize: 2, ledger });
      for (const text of ['ab', 'cde', 'fg', 'hijkl']) source.next(text);
      expect(senders.told.flatMap(({ lost }) => lost)).toEqual([
        { count: 2, reason: 'queueFull', stage: 'rebatch' },
        { count: 5, reason: 'tooLarge', stage: 'rebatch' },
      ]);
      expect(ledger.stats().stages.rebatch).toMatchObject({
        ...{ offered: 12, accepted: 5, refused: { queueFull: 2, tooLarge: 5 }, pending: 5 },
      });
    }));

  test('used up memory is a full queue', () =>
    marbles(() => {
      const senders = new Senders<string>();
      const memory = memoryBudget({ maxBytes: 65_536 });
      const { source, subscription } = out(senders, { memory });
      const many = 'x'.repeat(24);
      for (const text of [many, many, 'y'.repeat(40)]) source.next(text);
      expect(senders.told.map(({ lost: [loss] }) => loss?.reason)).toEqual(['queueFull', 'tooLarge']);
      expect(memory.usedBytes).toBeGreaterThan(24 * 1_024);
      subscription.unsubscribe();
    }));

  test('the memory of a batch is given back when it has its outcome', () =>
    marbles(() => {
      const senders = new Senders<string>();
      const memory = memoryBudget({ maxBytes: 65_536 });
      const { source, holder } = out(senders, { memory });
      source.next('abc');
      source.next('defgh');
      holder.settle(0);
      expect(holder.holds).toHaveLength(2);
      holder.settle(1);
      expect(memory.usedBytes).toBe(0);
    }));

  test('a batch that is never settled ends when its lease is over', () =>
    marbles(async ({ advanceBy }) => {
      const senders = new Senders<string>();
      const { source } = out(senders, { holdLeaseMillis: 20 });
      source.next('abcd');
      await advanceBy(20);
      expect(senders.told).toMatchObject([
        { delivered: 0, lost: [{ count: 4, reason: 'leaseExpired', stage: 'rebatch' }] },
      ]);
    }));

  test('a flush that waits for a batch that came sends it out, and reaches its holders', () =>
    marbles(() => {
      const senders = new Senders<string>();
      const source = new Subject<Batch<string>>();
      const urgencies: FlushUrgency[] = [];
      const batches: string[] = [];
      source.pipe(rebatch(THREE)).subscribe((batch) => {
        batches.push(`${batch.items.join('')} ${batch.closedBy}`);
        batch.hold((urgency) => urgencies.push(urgency));
      });
      source.next(senders.batch(['a']));
      senders.flush?.({ timeoutMillis: 100, isEnding: true });
      expect(batches).toEqual(['a flush']);
      expect(urgencies).toMatchObject([{ timeoutMillis: 100, isEnding: true }]);
    }));

  test('a flush request is answered when everything before it has an outcome', () =>
    marbles(() => {
      const flushes = new Subject<FlushRequest>();
      const senders = new Senders<string>();
      const { source, holder } = out(senders, { flushWhen: flushes });
      let isDone = false;
      source.next('ab');
      flushes.next({
        hold: () => ({
          settle: () => {
            isDone = true;
          },
        }),
      });
      expect(isDone).toBe(false);
      holder.settle(0);
      expect(isDone).toBe(true);
    }));

  test('what is no batch ends the stream with an error, behind what was queued', () =>
    marbles(() => {
      const source = new Subject<string[]>();
      const events: unknown[] = [];
      source.pipe(rebatch(THREE)).subscribe({
        next: ({ items }) => events.push(items),
        error: ({ code }: { code: string }) => events.push(code),
      });
      source.next(['a']);
      source.next(7 as never);
      expect(events).toEqual([['a'], 'INVALID_OPTION']);
    }));

  test('refuses bad options by name', () => {
    expect(() => rebatch({ maxExportBatchSize: 0 })).toThrow(
      /rebatch\.maxExportBatchSize must be a whole number from 1/,
    );
    expect(() => rebatch({ maxQueueSize: 10, maxExportBatchSize: 11 })).toThrow(/from 1 to 10/);
    expect(() => rebatch({ maxQueueSizes: 1 } as never)).toThrow(/did you mean 'maxQueueSize'/);
    expect(() => rebatch({ maxQueueSize: 10 })).not.toThrow();
  });
});
