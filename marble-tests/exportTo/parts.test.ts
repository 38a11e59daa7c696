import { delay, NEVER, of, throwError, timer } from 'rxjs';
import { map, mergeMap } from 'rxjs/operators';
import { describe, expect, test } from 'vitest';
import {
  type Batch,
  createLedger,
  ExportError,
  type ExportToOptions,
  exponentialBackoff,
  exportTo,
  type Outcome,
  type Sink,
} from '../../src/index.ts';
import { marbles } from '../../src/testing/index.ts';

const RETRY = {
  backoff: exponentialBackoff({ initialMillis: 3, maxMillis: 100, jitter: 'none' }),
  maxAttempts: 2,
} as const;

/** A backend that answers after a millisecond, and remembers what it was sent. */
function backendThat(refuses: (batch: Batch<string>) => boolean) {
  const requests: string[][] = [];
  const arrived: string[] = [];
  const sink: Sink<string> = {
    name: 'backend',
    export: (batch) => {
      requests.push([...batch.items]);
      if (refuses(batch)) {
        return timer(1).pipe(mergeMap(() => throwError(() => new ExportError({ kind: 'tooLarge' }, 'answered 413'))));
      }
      arrived.push(...batch.items);
      return of({}).pipe(delay(1));
    },
  };
  return { sink, requests, arrived };
}

const bytesOf = ({ items }: Batch<string>) => items.join('').length;

/** What becomes of one batch after the other. */
async function outcomesOf(
  sink: Sink<string>,
  batches: readonly string[][],
  options: ExportToOptions<string> = {},
): Promise<Outcome<string>[]> {
  const outcomes: Outcome<string>[] = [];
  await marbles(async ({ flush }) => {
    of(...batches)
      .pipe(exportTo(sink, { concurrency: 1, retry: RETRY, ...options }))
      .subscribe((outcome) => outcomes.push(outcome));
    await flush();
  });
  return outcomes;
}

const small = (count: number) => Array.from({ length: count }, (_, index) => `item ${index % 10}`);

describe('exportTo: a batch that is too large in one piece', () => {
  test('is sent in halves, in order, and at once', () =>
    marbles(({ coldBatches, sink, expectOutcomes, expectSubscriptions, expectAttempts }) => {
      const source = coldBatches('[abcd]|');
      const subs = '              ^-----!';
      const attempts = ['         ^-!', '  --^-!', '----^-!'];
      const expected = '          ------(o|)';
      const backend = sink('--l', '--(r|)');
      expectOutcomes(source.pipe(exportTo(backend))).toBe(expected, { o: { delivered: 'abcd', attempts: 3 } });
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['abcd', 'ab', 'cd']);
    }));

  test.each([2, 3, 10, 100, 512, 1_000])(
    'costs at most ⌈log₂ n⌉ + 1 further requests where one of n = %i items is too large by itself',
    async (n) => {
      for (const index of new Set([0, 1, n >> 1, n - 1])) {
        const items = small(n);
        items[index] = 'x'.repeat(100_000);
        const { sink, requests, arrived } = backendThat((batch) => bytesOf(batch) > 50_000);
        const [outcome] = await outcomesOf(sink, [items]);
        expect(requests.length - 1).toBeLessThanOrEqual(Math.ceil(Math.log2(n)) + 1);
        expect(arrived).toEqual(items.filter((item) => item.length < 100));
        expect(outcome).toMatchObject({ delivered: n - 1, lost: [{ count: 1, reason: 'tooLarge' }] });
      }
    },
  );

  test('takes 2 × ⌈log₂ n⌉ + 1 requests to isolate an item whose size does not give it away', async () => {
    for (const index of [0, 37, 127]) {
      const items = small(128);
      items[index] = 'poison';
      const { sink, requests, arrived } = backendThat((batch) => batch.items.includes('poison'));
      const [outcome] = await outcomesOf(sink, [items]);
      expect(requests.length - 1).toBeLessThanOrEqual(2 * 7 + 1);
      expect(arrived).toHaveLength(127);
      expect(outcome).toMatchObject({ delivered: 127, lost: [{ count: 1, reason: 'tooLarge' }] });
    }
  });

  test('the size that was refused is remembered: later batches are sent in parts that fit', async () => {
    const batches = Array.from({ length: 10 }, () => small(300)); // 1,800 bytes each
    const { sink, requests } = backendThat((batch) => bytesOf(batch) > 1_000);
    const outcomes = await outcomesOf(sink, batches);
    expect(outcomes.map(({ delivered }) => delivered)).toEqual(batches.map(() => 300));
    expect(requests.filter((items) => items.join('').length > 1_000)).toHaveLength(1);
    expect(outcomes.at(-1)).toMatchObject({ requests: 2 });
  });

  test('a single item is lost alone, with one request', async () => {
    const { sink, requests } = backendThat(() => true);
    const [outcome] = await outcomesOf(sink, [['only']]);
    expect(requests).toHaveLength(1);
    expect(outcome).toMatchObject({
      lost: [{ count: 1, reason: 'tooLarge', stage: 'exportTo(backend)' }],
      attempts: 1,
    });
  });

  test('a backend that refuses everything as too large does not get each item alone', async () => {
    const { sink, requests } = backendThat(() => true);
    const outcomes = await outcomesOf(sink, [small(2_000), small(2_000)]);
    expect(outcomes).toMatchObject([1, 2].map(() => ({ lost: [{ count: 2_000, reason: 'tooLarge' }] })));
    expect(requests.length).toBeLessThanOrEqual(2 * 11 + 32 + 12);
  });

  test('a few items in a row that are too large are lost, and the others are delivered', async () => {
    const items = [...small(50), ...Array.from({ length: 20 }, () => 'x'.repeat(5_000)), ...small(50)];
    const { sink, requests, arrived } = backendThat((batch) => bytesOf(batch) > 2_000);
    const [outcome] = await outcomesOf(sink, [items]);
    expect(arrived).toHaveLength(100);
    expect(outcome).toMatchObject({ delivered: 100, lost: [{ count: 20, reason: 'tooLarge' }] });
    expect(requests.length).toBeLessThanOrEqual(60);
  });

  test('items of unknown size are halved by their number', async () => {
    const ledger = createLedger();
    let requests = 0;
    const sink: Sink<object> = {
      name: 'backend',
      export: ({ items }) => {
        requests += 1;
        return items.length > 3 ? throwError(() => new ExportError({ kind: 'tooLarge' }, '413')) : of({});
      },
    };
    await marbles(async ({ flush }) => {
      of(Array.from({ length: 16 }, (_, id) => ({ id })))
        .pipe(exportTo(sink, { ledger }))
        .subscribe();
      await flush();
    });
    expect(ledger.stats()).toMatchObject({ delivered: 16, lost: {}, pending: 0 });
    expect(requests).toBeLessThanOrEqual(20);
  });

  test('maxAttempts counts for the batch: when a part has used them up, the rest is lost, too', async () => {
    let isDown = false;
    const sink: Sink<string> = {
      name: 'backend',
      export: (batch) => {
        if (isDown) return throwError(() => new ExportError({ kind: 'retryable' }, '503'));
        return bytesOf(batch) > 100 ? throwError(() => new ExportError({ kind: 'tooLarge' }, '413')) : of({});
      },
    };
    await outcomesOf(sink, [small(200)]);
    isDown = true;
    const [outcome] = await outcomesOf(sink, [small(200)], { retry: { ...RETRY, maxAttempts: 2 } });
    expect(outcome).toMatchObject({ attempts: 2, lost: [{ count: 200, reason: 'retriesExhausted' }] });
  });

  test('a part that is refused as permanent is lost, and the others are delivered', async () => {
    const sink: Sink<string> = {
      name: 'backend',
      export: ({ items }) => {
        if (items.length > 2) return throwError(() => new ExportError({ kind: 'tooLarge' }, '413'));
        if (items.includes('!')) return throwError(() => new ExportError({ kind: 'permanent' }, '400'));
        return of({});
      },
    };
    const [outcome] = await outcomesOf(sink, [['!', 'a', 'b', 'c']]);
    expect(outcome).toMatchObject({ delivered: 2, lost: [{ count: 2, reason: 'permanent' }], requests: 2 });
  });

  test('a synchronous backend that accepts only single items needs no deep stack', async () => {
    const ledger = createLedger();
    const sink: Sink<string> = {
      name: 'backend',
      export: ({ items }) =>
        items.length > 1 ? throwError(() => new ExportError({ kind: 'tooLarge' }, '413')) : of({}),
    };
    await outcomesOf(sink, [small(20_000)], { ledger });
    expect(ledger.stats()).toMatchObject({ delivered: 20_000, pending: 0, lost: {} });
  });
});

describe('exportTo: a batch that is too slow in one piece', () => {
  test('is tried again in halves after a timeout, and what was in flight may be duplicated', async () => {
    const sizes: number[] = [];
    const sink: Sink<string> = {
      name: 'backend',
      export: ({ items }) => {
        sizes.push(items.length);
        return items.length > 20 ? NEVER : of({});
      },
    };
    const [outcome] = await outcomesOf(sink, [small(40)], { attemptTimeoutMillis: 5 });
    expect(sizes).toEqual([40, 20, 20]);
    expect(outcome).toMatchObject({ delivered: 40, possibleDuplicates: 40, timeouts: 1, requests: 2 });
  });

  test('a batch of less than twenty items is tried again whole', async () => {
    const sizes: number[] = [];
    const sink: Sink<string> = {
      name: 'backend',
      export: ({ items }) => {
        sizes.push(items.length);
        return NEVER;
      },
    };
    const [outcome] = await outcomesOf(sink, [small(19)], { attemptTimeoutMillis: 5 });
    expect(sizes).toEqual([19, 19]);
    expect(outcome).toMatchObject({ lost: [{ count: 19, reason: 'unconfirmed' }], timeouts: 2 });
  });

  test('a backend that is too slow for large batches gets all items, in parts that are in time', async () => {
    const sizes: number[] = [];
    const sink: Sink<string> = {
      name: 'backend',
      attemptTimeoutMillis: 500,
      export: ({ items }) =>
        timer(items.length * 0.5).pipe(
          map(() => {
            sizes.push(items.length);
            return {};
          }),
        ),
    };
    const batches = Array.from({ length: 20 }, () => small(2_000));
    const outcomes = await outcomesOf(sink, batches, { retry: { ...RETRY, maxAttempts: 5, maxElapsedMillis: 60_000 } });
    expect(outcomes.map(({ delivered }) => delivered)).toEqual(batches.map(() => 2_000));
    const timeouts = outcomes.reduce((sum, outcome) => sum + (outcome.timeouts ?? 0), 0);
    expect(timeouts).toBeLessThanOrEqual(4);
    expect(Math.max(...sizes)).toBeGreaterThanOrEqual(500);
  });

  test('possible duplicates are counted in outcomes and in the ledger', async () => {
    const ledger = createLedger();
    let attempts = 0;
    const sink: Sink<string> = {
      name: 'backend',
      export: () => {
        attempts += 1;
        return attempts === 1 ? throwError(() => new ExportError({ kind: 'unknownOutcome' }, 'reset')) : of({});
      },
    };
    const outcomes = await outcomesOf(sink, [['a', 'b'], ['c']], { ledger });
    expect(outcomes[0]?.possibleDuplicates).toBeUndefined();
    expect(outcomes[1]).toMatchObject({ delivered: 2, possibleDuplicates: 2 });
    expect(ledger.stats()).toMatchObject({ delivered: 3, possibleDuplicates: 2 });
  });

  test.each(['permanent', 'tooLarge'] as const)(
    'an uncertain attempt stays uncertain, though the next is %s',
    async (kind) => {
      let attempts = 0;
      const sink: Sink<string> = {
        name: 'backend',
        export: () => {
          attempts += 1;
          return throwError(() => new ExportError({ kind: attempts === 1 ? 'unknownOutcome' : kind }, 'no'));
        },
      };
      const [outcome] = await outcomesOf(sink, [['a']]);
      expect(outcome).toMatchObject({ lost: [{ count: 1, reason: 'unconfirmed' }], attempts: 2 });
    },
  );

  test('a permanent failure that may have arrived is unconfirmed after one attempt', async () => {
    const sink: Sink<string> = {
      name: 'backend',
      export: () => throwError(() => new ExportError({ kind: 'permanent', mayHaveArrived: true }, 'garbage')),
    };
    const [outcome] = await outcomesOf(sink, [['a']]);
    expect(outcome).toMatchObject({ lost: [{ count: 1, reason: 'unconfirmed' }], attempts: 1 });
  });
});
