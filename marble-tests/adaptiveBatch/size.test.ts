import { Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { adaptiveBatch, type BatchSizeChange, type BatchSizeStrategyFactory, createLedger } from '../../src/index.ts';
import { marbles } from '../../src/testing/index.ts';
import { throwing } from '../support.ts';

/** A strategy that has a size, and perhaps a reason, after each batch. */
function said(...sizes: readonly { readonly size: number; readonly because?: string }[]): BatchSizeStrategyFactory {
  return () => {
    let batches = 0;
    const present = () => sizes[Math.min(batches, sizes.length - 1)];
    return {
      get size() {
        return present()?.size ?? Number.NaN;
      },
      get because() {
        return present()?.because as string;
      },
      delayMillis: 100,
      left() {
        batches += 1;
      },
      ended() {},
    };
  };
}

const LIMITS = { maxExportBatchSize: 5, minExportBatchSize: 1, initialExportBatchSize: 2 };

describe('adaptiveBatch: size$', () => {
  test('tells the first size, and each change with its reason', () =>
    marbles(({ hot, expectBatches, expectObservable, expectSubscriptions }) => {
      const strategy = said({ size: 2 }, { size: 3, because: 'latency' }, { size: 3, because: 'probe' }, { size: 1 });
      const batching = adaptiveBatch({ ...LIMITS, strategy });
      const source = hot('  -a-b-c-d-e-f-g-h-----i---j---|');
      const subs = '        ^----------------------------!';
      const expected = '    ---[ab]--[cde]-[fgh]-[i]-[j]-|';
      const sizes = '       i--l-----------s--------------';
      expectBatches(source.pipe(batching)).toBe(expected);
      expectObservable(batching.size$).toBe(sizes, {
        i: { size: 2, because: 'initial' },
        l: { size: 3, because: 'latency' },
        s: { size: 1, because: 'strategy' },
      });
      expectSubscriptions(source.subscriptions).toBe(subs);
    }));

  test('tells nothing before the operator is subscribed, and the present size to one who comes late', () => {
    const batching = adaptiveBatch<string>({ ...LIMITS, strategy: said({ size: 1 }, { size: 2, because: 'mood' }) });
    const seen: BatchSizeChange[] = [];
    batching.size$.subscribe((change) => seen.push(change));
    expect(seen).toEqual([]);
    const source = new Subject<string>();
    const subscription = source.pipe(batching).subscribe();
    source.next('a');
    batching.size$.subscribe((change) => seen.push(change));
    expect(seen).toEqual([
      { size: 1, because: 'initial' },
      { size: 2, because: 'mood' },
      { size: 2, because: 'mood' },
    ]);
    subscription.unsubscribe();
  });

  test('a reason that throws is counted, and told as `strategy`', () => {
    const ledger = createLedger();
    const strategy: BatchSizeStrategyFactory = (limits) =>
      Object.defineProperty(said({ size: 1 }, { size: 2 })(limits), 'because', { get: throwing });
    const batching = adaptiveBatch<string>({ ...LIMITS, strategy, ledger });
    const seen: string[] = [];
    batching.size$.subscribe(({ because }) => seen.push(because));
    const source = new Subject<string>();
    const subscription = source.pipe(batching).subscribe();
    source.next('a');
    expect(seen).toEqual(['initial', 'strategy']);
    expect(ledger.stats().callbackErrors).toBe(1);
    subscription.unsubscribe();
  });

  test('one who unsubscribes the stream while being told is obeyed', () => {
    const ledger = createLedger();
    const batching = adaptiveBatch<string>({ ...LIMITS, strategy: said({ size: 2 }, { size: 1 }), ledger });
    const source = new Subject<string>();
    const subscription = source.pipe(batching).subscribe();
    batching.size$.subscribe(({ because }) => {
      if (because === 'strategy') subscription.unsubscribe();
    });
    for (const item of 'abc') source.next(item);
    expect(source.observed).toBe(false);
    expect(ledger.stats()).toMatchObject({ handedOn: 2, pending: 0, batchSize: 0 });
  });
});
