import { of, Subject, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  type AdaptiveBatchChanges,
  adaptiveBatch,
  type Batch,
  createLedger,
  fixedSize,
  latencyTarget,
  responsiveSize,
} from '../../src/index.ts';
import { marbles } from '../../src/testing/index.ts';
import { Holder } from '../support.ts';

const THREE = { maxExportBatchSize: 3, minExportBatchSize: 1, scheduledDelayMillis: 4, strategy: fixedSize() } as const;

/** A batcher whose settings are changed by hand, and what it tells. */
function live(options: object = THREE) {
  const ledger = createLedger();
  const settings$ = new Subject<AdaptiveBatchChanges>();
  const [seen, told]: [string[], unknown[]] = [[], []];
  const sizes: string[] = [];
  const onCallbackError = (thrown: unknown) => void told.push(thrown);
  const batching = adaptiveBatch<string>({ ...options, settings$, ledger, onCallbackError });
  batching.size$.subscribe(({ size, because }) => sizes.push(`${size} ${because}`));
  const source = new Subject<string>();
  const holder = new Holder<string>();
  const onBatch = (batch: Batch<string>) => {
    seen.push(batch.items.join(''));
    holder.keep(batch);
    holder.ready(holder.holds.length - 1);
  };
  const subscription = source.pipe(batching).subscribe(onBatch);
  const send = (items: string) => {
    for (const item of items) source.next(item);
  };
  return { ledger, settings$, seen, told, sizes, send, holder, source, subscription };
}

describe('adaptiveBatch: settings$', () => {
  test('a new size holds at once, also for what is queued; a new delay from the next batch on', () =>
    marbles(({ hot, expectBatches, expectSubscriptions }) => {
      const source = hot('   -ab--------c-------------d-----|');
      const settings$ = hot('---s--------d----------------', {
        s: { maxExportBatchSize: 2 },
        d: { scheduledDelayMillis: 2 },
      });
      const subs = '         ^------------------------------!';
      const expected = '     ---[ab]--------[c]---------[d]-|';
      expectBatches(source.pipe(adaptiveBatch({ ...THREE, settings$ }))).toBe(expected, {
        closedBy: ['count', 'delay', 'delay'],
      });
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectSubscriptions(settings$.subscriptions).toBe(subs);
    }));

  test('the new size is told, with the settings as its reason', () => {
    const { settings$, sizes, seen, send, subscription } = live();
    settings$.next({ maxExportBatchSize: 2 });
    settings$.next({ targetLatencyMillis: 5 });
    settings$.next({ maxExportBatchSize: 4 });
    send('abcd');
    expect(sizes).toEqual(['3 initial', '2 settings', '4 settings']);
    expect(seen).toEqual(['abcd']);
    subscription.unsubscribe();
  });

  test.each([
    ['responsiveSize', responsiveSize()],
    ['latencyTarget', latencyTarget()],
  ])('%s goes on from within the new limits', (_name, strategy) => {
    const limits = { maxExportBatchSize: 100, minExportBatchSize: 1, initialExportBatchSize: 100 };
    const { settings$, sizes, send, holder, subscription } = live({ ...limits, strategy, targetLatencyMillis: 50 });
    settings$.next({ maxExportBatchSize: 10 });
    settings$.next({ maxExportBatchSize: 100 });
    settings$.next({ maxExportBatchSize: 10 });
    send('abcdefghij');
    holder.settle(0); // within a millisecond: it grows, as far as it may
    settings$.next({ maxExportBatchSize: 100 });
    send('abcdefghij');
    holder.settle(1);
    expect(sizes.slice(3)).toEqual(['10 settings', '12 latency']);
    subscription.unsubscribe();
  });

  test('a change of which one value is wrong changes nothing, is told and is counted', () => {
    const { ledger, settings$, seen, told, send, subscription } = live();
    settings$.next({ maxExportBatchSize: 1, scheduledDelayMillis: -1 });
    settings$.next({ maxExportBatchSize: 1, maxQueuSize: 5 } as never);
    settings$.next({ initialExportBatchSize: 1 } as never);
    settings$.next(null as never);
    settings$.next({ maxExportBatchSize: 40_000 });
    settings$.next({ minExportBatchSize: 4 });
    send('abc');
    expect(seen).toEqual(['abc']);
    expect(ledger.stats().callbackErrors).toBe(6);
    expect(told.map((thrown) => (thrown as Error).message)).toEqual([
      expect.stringContaining(
        'adaptiveBatch.settings$.scheduledDelayMillis must be a duration in milliseconds, from 0',
      ),
      expect.stringContaining("did you mean 'maxQueueSize'?"),
      expect.stringContaining('adaptiveBatch.settings$.initialExportBatchSize must be one of the known options'),
      'adaptiveBatch.settings$ options must be an object, but was given null',
      expect.stringContaining('maxExportBatchSize must be a whole number from 1 to 32768, but was given 40000'),
      expect.stringContaining('minExportBatchSize must be a whole number from 1 to 3, but was given 4'),
    ]);
    subscription.unsubscribe();
  });

  test('a smaller maximum lowers the minimum with it', () => {
    const { settings$, seen, told, send, subscription } = live({ ...THREE, minExportBatchSize: 3 });
    settings$.next({ maxExportBatchSize: 2 });
    send('ab');
    expect(seen).toEqual(['ab']);
    expect(told).toEqual([]);
    subscription.unsubscribe();
  });

  test('a smaller queue keeps what it has, and takes nothing until there is room', () => {
    const one = { ...THREE, maxExportBatchSize: 1, maxUnsettledBatches: 1 };
    const { ledger, settings$, send, holder, seen, subscription } = live(one);
    send('abcd');
    settings$.next({ maxQueueSize: 2 });
    send('e');
    expect(ledger.stats()).toMatchObject({ queueSize: 3, refused: { queueFull: 1 } });
    settings$.next({ maxUnsettledBatches: 3 });
    expect(seen).toEqual(['a', 'b', 'c']);
    send('f');
    holder.settle(0);
    expect(seen).toEqual(['a', 'b', 'c', 'd']);
    expect(ledger.stats()).toMatchObject({ queueSize: 1, refused: { queueFull: 1 } });
    subscription.unsubscribe();
  });

  test('a longer lease holds for the batches that are out, too', () =>
    marbles(async ({ hot, expectSubscriptions, advanceTo }) => {
      const ledger = createLedger();
      const source = hot('   abc---------------|');
      const settings$ = hot('-----l-------------', { l: { holdLeaseMillis: 15 } });
      const subs = '         ^-----------------!';
      const batches = source.pipe(adaptiveBatch({ ...THREE, holdLeaseMillis: 5, settings$, ledger }));
      batches.subscribe((batch) => batch.hold());
      await advanceTo(16);
      expect(ledger.stats()).toMatchObject({ pending: 3, lost: {} });
      await advanceTo(17);
      expect(ledger.stats()).toMatchObject({ pending: 0, lost: { leaseExpired: 3 } });
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test.each([
    ['ends', of({ maxExportBatchSize: 2 }), 0],
    ['fails', throwError(() => new Error('mine')), 1],
  ])('an Observable that %s leaves the last settings', (_what, rest, errors) => {
    const { ledger, settings$, seen, send, subscription } = live();
    settings$.next({ maxExportBatchSize: 2 });
    rest.subscribe(settings$);
    send('ab');
    expect(seen).toEqual(['ab']);
    expect(ledger.stats().callbackErrors).toBe(errors);
    subscription.unsubscribe();
  });

  test('two subscriptions of one operator change each by itself', () => {
    const changes = [new Subject<AdaptiveBatchChanges>(), new Subject<AdaptiveBatchChanges>()];
    let subscribed = 0;
    const settings$ = new Subject<AdaptiveBatchChanges>();
    const lazily = Object.assign(settings$, {
      subscribe: (observer: never) => (changes[subscribed++] as Subject<AdaptiveBatchChanges>).subscribe(observer),
    });
    const batching = adaptiveBatch<string>({ ...THREE, settings$: lazily });
    const source = new Subject<string>();
    const seen: string[] = [];
    const one = source.pipe(batching).subscribe(({ items }) => seen.push(`one ${items.join('')}`));
    const other = source.pipe(batching).subscribe(({ items }) => seen.push(`other ${items.join('')}`));
    changes[0]?.next({ maxExportBatchSize: 2 });
    for (const item of 'abc') source.next(item);
    expect(seen).toEqual(['one ab', 'other abc']);
    one.unsubscribe();
    other.unsubscribe();
  });
});
