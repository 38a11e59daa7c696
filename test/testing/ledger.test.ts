import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { map, Observable, Subject, tap } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type AdaptiveBatchOptions, adaptiveBatch, type Batch, createLedger, exportTo } from '../../src/index.ts';
import { fixedSize } from '../../src/strategies/batchSize.ts';
import { type ExpectedOutcome, type MarbleKit, marbles } from '../../src/testing/index.ts';
import { failureOf, text } from './failureOf.ts';

const TWO: AdaptiveBatchOptions<ReadableSpan> = {
  maxExportBatchSize: 2,
  minExportBatchSize: 1,
  scheduledDelayMillis: 4,
  strategy: fixedSize(),
};

describe('expectLedger', () => {
  it('compares counts, and letters that a sink or onLoss has shown', () =>
    marbles(({ hot, sink, onLoss, expectOutcomes, expectLedger }) => {
      const ledger = createLedger();
      const source = hot('  abcdef--|             ');
      const expected = '    -----------o---------(p|)';
      const options = {
        ...TWO,
        maxQueueSize: 2,
        maxUnsettledBatches: 1,
        overflow: 'dropOldest',
        ledger,
        onLoss,
      } as const;
      const batched = adaptiveBatch<ReadableSpan>(options);
      const exported = exportTo<ReadableSpan>(sink('----------(r|)', '----------(r|)', '------(r|)'), {
        ledger,
        onLoss,
      });
      expectOutcomes(source.pipe(batched, exported)).toBe(expected, {
        o: { delivered: 'ab' },
        p: { delivered: 'ef', attempts: 1 },
      });
      expectLedger(ledger, { accepted: 6, delivered: 'efab', lost: { queueFull: 'dc' } });
    }));

  it('knows the letters of observed outcomes and batches', () =>
    marbles(({ coldBatches, hot, sink, expectOutcomes, expectBatches, expectLedger }) => {
      const [exporting, batching] = [createLedger(), createLedger()];
      const backend = sink('-(r|)', '-p', '-w', { responses: { w: { rejected: 1 } } });
      const source = coldBatches('  [ab][c]-[de]|');
      const expected = '            -o---x---w--|';
      expectOutcomes(source.pipe(exportTo(backend, { ledger: exporting }))).toBe(expected, {
        o: { delivered: 'ab' },
        x: { lost: { permanent: 'c' } },
        w: { delivered: 1, rejected: 1, batch: 'de' },
      });
      expectBatches(hot('ab---|').pipe(adaptiveBatch({ ...TWO, ledger: batching }))).toBe('-[ab]|');
      expectLedger(exporting, { offered: 5, delivered: 3, rejected: 1, lost: { permanent: 'c' } });
      expectLedger(batching, { handedOn: 'ab' });
    }));

  it('reads the ledger before the cleanup', () =>
    marbles(({ hot, expectBatches, expectLedger }) => {
      const ledger = createLedger();
      expectBatches(hot('a').pipe(adaptiveBatch({ ...TWO, scheduledDelayMillis: 4, ledger })), '^--!').toBe('----');
      expectLedger(ledger, { lost: { unsubscribed: 1 } });
    }));

  it('lists the differences', async () => {
    const failure = failureOf(({ hot, sink, onLoss, expectOutcomes, expectLedger }) => {
      const ledger = createLedger();
      const batched = adaptiveBatch<ReadableSpan>({ ...TWO, ledger });
      const exported = exportTo<ReadableSpan>(sink('-(r|)', '-p'), { ledger, onLoss, concurrency: 1 });
      const source = hot('  ab--cd--|');
      const expected = '    --o---x-|';
      expectOutcomes(source.pipe(batched, exported)).toBe(expected, {
        o: { delivered: 'ab' },
        x: { lost: { permanent: 2 } },
      });
      expectLedger(ledger, { delivered: 'ac', lost: { permanent: 'd', queueFull: 1 } });
    });
    expect(await failure).toBe(text`
      the ledger differs

        delivered       2 (ac) expected, but it was 2 (ab)
        lost permanent  1 (d) expected, but it was 2 (cd)
        lost queueFull  1 expected, but it was 0
    `);
  });

  it('expects 0 for a fate that is left out', async () => {
    const failure = failureOf(({ hot, expectBatches, expectLedger }) => {
      const ledger = createLedger();
      expectBatches(hot('ab---|').pipe(adaptiveBatch({ ...TWO, ledger }))).toBe('-[ab]|');
      expectLedger(ledger, { accepted: 3 });
    });
    expect(await failure).toBe(text`
      the ledger differs

        handedOn  0 expected, but it was 2 (ab)
        accepted  3 expected, but it was 2
    `);
  });
});

describe('expectOutcomes', () => {
  it('describes an outcome in words', async () => {
    const failure = failureOf(({ coldBatches, sink, expectOutcomes }) => {
      const outcomes = coldBatches('[ab]-|').pipe(exportTo(sink('-p')));
      expectOutcomes(outcomes).toBe('-o---|', { o: { delivered: 'ab', attempts: 2 } });
    });
    expect(await failure).toBe(text`
      the marbles differ

        expected  -o---|
        observed  -?---|
                   ^

      at 1ms: o was expected, but ? came
        o  2 (ab) delivered, attempts 2
        ?  [ab]: 2 lost to permanent, attempts 1
    `);
  });

  it.each<[string, ExpectedOutcome]>([
    ['delivered', { delivered: 1, rejected: 1, lost: {} }],
    ['rejected', { delivered: 2, rejected: 1 }],
    ['lost', { delivered: 2, lost: { expired: 1 } }],
    ['letters', { delivered: 'ac' }],
    ['attempts', { delivered: 2, attempts: 2 }],
    ['batch', { delivered: 2, batch: 'ac' }],
  ])('tells an outcome by its %s', async (_, outcome) => {
    const drawn = (expected: ExpectedOutcome) => (kit: MarbleKit) => {
      const outcomes = kit.coldBatches('[ab]--|').pipe(exportTo(kit.sink('-(r|)')));
      kit.expectOutcomes(outcomes).toBe('-o----|', { o: expected });
    };
    await marbles(drawn({ delivered: 'ab', rejected: 0, lost: {}, attempts: 1, batch: 'ab' }));
    expect(await failureOf(drawn(outcome))).toContain('o was expected, but ? came');
  });

  it('compares a loss by its letters, and a rejection by its number', async () => {
    const drawn = (lost: string, rejected: number) => (kit: MarbleKit) => {
      const backend = kit.sink('-p', '-w', { responses: { w: { rejected: 1 } } });
      const outcomes = kit.coldBatches('[ab][cd]--|').pipe(exportTo(backend));
      kit.expectOutcomes(outcomes).toBe('-o---p----|', {
        o: { lost: { permanent: lost } },
        p: { delivered: 2 - rejected, rejected },
      });
    };
    await marbles(drawn('ab', 1));
    expect(await failureOf(drawn('ac', 1))).toContain('o was expected, but ? came');
    expect(await failureOf(drawn('ab', 0))).toContain('p was expected, but ? came');
  });

  it('refuses letters without an outcome, and describes a value that is no outcome', async () => {
    const unknown = failureOf(({ cold, expectOutcomes }) => expectOutcomes(cold('|', {}) as never).toBe('-o'));
    expect(await unknown).toBe('the letter o has no outcome in the table given');
    const other = failureOf(({ cold, expectOutcomes }) => {
      expectOutcomes(cold('-a|', { a: 5 }) as never).toBe('-o|', {
        o: { rejected: 1, lost: { expired: 'a' }, batch: 'ab' },
      });
    });
    expect(await other).toContain('o  1 rejected, 1 (a) lost to expired, batch ab\n  ?  5');
  });
});

describe('after every test', () => {
  it('a batch that is held and never settled is a leak', async () => {
    const forgetful = tap((batch: Batch<ReadableSpan>) => batch.hold());
    const failure = failureOf(({ hot, expectBatches }) => {
      expectBatches(hot('ab').pipe(adaptiveBatch(TWO), forgetful), '^---!').toBe('-[ab]');
    });
    expect(await failure).toMatch(
      /the batch \[ab\], held at test\/testing\/ledger\.test\.ts:\d+:\d+ and never settled$/,
    );
  });

  it('a batch whose lease has run out, or that was handed on, is no leak', () =>
    marbles(({ hot, expectBatches }) => {
      const forgetful = tap((batch: Batch<ReadableSpan>) => batch.hold());
      const leased = adaptiveBatch({ ...TWO, holdLeaseMillis: 10 });
      expectBatches(hot('ab|').pipe(leased, forgetful)).toBe('-[ab] 6ms |');
      expectBatches(hot('ab---|').pipe(adaptiveBatch(TWO))).toBe('-[ab]|');
    }));

  it('an event after the end fails the test', async () => {
    const endsFirst = <T>(source: Observable<T>) =>
      new Observable<T>((subscriber) => {
        let last: T | undefined;
        return source.subscribe({
          next: (value) => {
            last = value;
          },
          complete: () => {
            subscriber.complete();
            subscriber.next(last as T);
            subscriber.complete();
            subscriber.error(new Error('late'));
          },
        });
      });
    const failure = failureOf(({ cold, expectObservable }) => {
      expectObservable(cold('-a-|').pipe(endsFirst)).toBe('---|');
    });
    expect(await failure).toBe(text`
      something came after the end

        ---|
           ^

      at 3ms, after the end: a came, which RxJS drops, and 1 more
    `);
  });

  it('an event after an unsubscription is no failure, because the source may be emitting', () =>
    marbles(({ expectObservable }) => {
      const told = new Subject<string>();
      const stubborn = new Observable<string>((subscriber) => () => {
        subscriber.next('a');
        subscriber.error(new Error('late'));
        subscriber.complete();
      });
      expectObservable(stubborn.pipe(map((value) => value)), '^--!').toBe('----');
      expectObservable(told, '^--!').toBe('----');
    }));
});
