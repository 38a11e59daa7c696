import { concat, defer, from, NEVER, of, throwError, timer } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  adaptiveBatch,
  ExportError,
  exponentialBackoff,
  exportTo,
  type Failure,
  monotonicScheduler,
  type Outcome,
  type Sink,
} from '../../src/index.ts';
import { FlushRequests } from '../../src/inputs/shared/flushRequests.ts';
import { marbles } from '../../src/testing/index.ts';

/** Waits of 4 s, 8 s, 16 s and then 30 s. */
const RETRY = { backoff: exponentialBackoff({ initialMillis: 4_000, jitter: 'none' }) } as const;

/** A backend that fails at once until it is up, and remembers when it was asked. */
function backendUpAt(upAtMillis: number, failure: Failure = { kind: 'retryable' }) {
  const askedAt: number[] = [];
  const sink: Sink<string> = {
    name: 'backend',
    export: () =>
      defer(() => {
        askedAt.push(monotonicScheduler.now());
        return monotonicScheduler.now() < upAtMillis ? throwError(() => new ExportError(failure, 'down')) : of({});
      }),
  };
  return { sink, askedAt };
}

interface Flush {
  readonly atMillis: number;
  readonly timeoutMillis: number;
  readonly isEnding: boolean;
}

/** Sends each item in a batch of its own, and flushes. It resolves when there is nothing more to do within two minutes. */
async function flushed(sink: Sink<string>, items: readonly string[], flushes: readonly Flush[]) {
  const outcomes: (Outcome<string> & { readonly atMillis: number })[] = [];
  const doneAt: number[] = [];
  await marbles(async ({ flush }) => {
    const requests = new FlushRequests();
    const batches = adaptiveBatch<string>({ maxExportBatchSize: 1, flushWhen: requests.requests$ });
    const subscription = concat(from(items), NEVER)
      .pipe(batches, exportTo(sink, { retry: RETRY, random: () => 0.5 }))
      .subscribe((outcome) => outcomes.push({ ...outcome, atMillis: monotonicScheduler.now() }));
    for (const { atMillis, ...urgency } of flushes) {
      timer(atMillis).subscribe(() => requests.send(() => doneAt.push(monotonicScheduler.now()), urgency));
    }
    timer(120_000).subscribe(() => subscription.unsubscribe());
    await flush();
  });
  return { outcomes, doneAt };
}

describe('exportTo: a flush does not wait out a backoff', () => {
  test('a batch that waits for its next attempt tries at once', async () => {
    const { sink, askedAt } = backendUpAt(1_000);
    const { doneAt } = await flushed(sink, ['a'], [{ atMillis: 1_500, timeoutMillis: 30_000, isEnding: false }]);
    expect(askedAt).toEqual([0, 1_500]);
    expect(doneAt).toEqual([1_500]);
  });

  test('attempts go on during the flush: a backend that is up for one second gets everything', async () => {
    const { sink, askedAt } = backendUpAt(7_000);
    const { outcomes } = await flushed(sink, ['a', 'b'], [{ atMillis: 5_000, timeoutMillis: 5_000, isEnding: false }]);
    expect(outcomes.map(({ delivered }) => delivered)).toEqual([1, 1]);
    expect(Math.max(...outcomes.map(({ atMillis }) => atMillis))).toBeLessThanOrEqual(7_500);
    expect(askedAt.filter((at) => at > 5_000 && at < 6_000).length).toBeLessThanOrEqual(6);
  });

  test('after the timeout of the flush the waits are those of the backoff again', async () => {
    const { sink, askedAt } = backendUpAt(Number.POSITIVE_INFINITY);
    await flushed(sink, ['a'], [{ atMillis: 1_000, timeoutMillis: 1_000, isEnding: false }]);
    const waits = askedAt.map((at, index) => at - (askedAt[index - 1] ?? 0)).slice(1);
    expect(waits.filter((wait) => wait <= 500).length).toBeLessThanOrEqual(3);
    expect(waits.at(-1)).toBeGreaterThanOrEqual(16_000);
  });

  test('a batch that is emitted while the flush waits is hurried, too', async () => {
    const { sink } = backendUpAt(3_000);
    const slow: Sink<string> = { ...sink, maxConcurrency: 1 };
    const { outcomes } = await flushed(
      slow,
      ['a', 'b', 'c'],
      [{ atMillis: 1, timeoutMillis: 30_000, isEnding: false }],
    );
    expect(Math.max(...outcomes.map(({ atMillis }) => atMillis))).toBeLessThanOrEqual(3_500);
  });

  test('a backend that sent Retry-After gets no attempt before that time', async () => {
    const { sink, askedAt } = backendUpAt(1_000, { kind: 'throttled', retryAfterMillis: 20_000 });
    await flushed(sink, ['a'], [{ atMillis: 1_500, timeoutMillis: 5_000, isEnding: true }]);
    expect(askedAt).toEqual([0, 20_000]);
  });
});

describe('exportTo: while the program ends', () => {
  const REFUSED = { kind: 'retryable', connectionRefused: true } as const;

  test('an address at which nothing listens is tried for two seconds', async () => {
    const { sink, askedAt } = backendUpAt(Number.POSITIVE_INFINITY, REFUSED);
    const ending = [{ atMillis: 1_000, timeoutMillis: 10_000, isEnding: true }];
    const { outcomes, doneAt } = await flushed(sink, ['a', 'b', 'c'], ending);
    expect(outcomes).toMatchObject(Array.from({ length: 3 }, () => ({ lost: [{ count: 1, reason: 'shutdown' }] })));
    expect(doneAt[0]).toBeGreaterThanOrEqual(3_000);
    expect(doneAt[0]).toBeLessThanOrEqual(3_500);
    expect(askedAt.filter((at) => at >= 1_000).length).toBeLessThanOrEqual(3 * 7);
  });

  test('the two seconds count from the end of the program: a batch that comes later is tried once', async () => {
    const { sink, askedAt } = backendUpAt(Number.POSITIVE_INFINITY, REFUSED);
    const items = Array.from({ length: 100 }, (_, index) => `item ${index}`);
    const { outcomes, doneAt } = await flushed(sink, items, [
      { atMillis: 1_000, timeoutMillis: 10_000, isEnding: true },
    ]);
    expect(outcomes).toHaveLength(100);
    expect(doneAt[0]).toBeLessThanOrEqual(3_500);
    expect(askedAt.length).toBeLessThanOrEqual(100 + 32 * 9);
  });

  test('a backend that starts within two seconds gets everything', async () => {
    const { sink } = backendUpAt(2_000, REFUSED);
    const { outcomes } = await flushed(sink, ['a'], [{ atMillis: 1_000, timeoutMillis: 10_000, isEnding: true }]);
    expect(outcomes).toMatchObject([{ delivered: 1 }]);
  });

  test('any other failure is tried again until the flush is over', async () => {
    const { sink } = backendUpAt(8_000);
    const { outcomes } = await flushed(sink, ['a'], [{ atMillis: 1_000, timeoutMillis: 10_000, isEnding: true }]);
    expect(outcomes).toMatchObject([{ delivered: 1 }]);
  });

  test('a refused connection is tried again while the program goes on', async () => {
    const { sink } = backendUpAt(8_000, REFUSED);
    const { outcomes } = await flushed(sink, ['a'], [{ atMillis: 1_000, timeoutMillis: 10_000, isEnding: false }]);
    expect(outcomes).toMatchObject([{ delivered: 1 }]);
  });
});

describe('exportTo: after an outage', () => {
  test('each batch that is delivered ends the long waits of two others', async () => {
    const { sink, askedAt } = backendUpAt(60_000);
    const outcomes: { items: readonly string[]; atMillis: number }[] = [];
    await marbles(async ({ flush }) => {
      of(['a'], ['b'], ['c'], ['d'])
        .pipe(exportTo(sink, { retry: RETRY }))
        .subscribe(({ batch }) => outcomes.push({ items: batch as string[], atMillis: monotonicScheduler.now() }));
      timer(62_000).subscribe(() => {
        of(['later'])
          .pipe(exportTo(sink, { retry: RETRY }))
          .subscribe();
      });
      await flush();
    });
    // Their own waits would have ended at 88 s.
    expect(outcomes.map(({ atMillis }) => atMillis)).toEqual([62_000, 62_000, 62_000, 62_000]);
    expect(askedAt.filter((at) => at > 60_000)).toHaveLength(5);
  });

  test('waits of up to a second are left alone: a backend that fails now and then is not hammered', async () => {
    const askedAt: number[] = [];
    let attempts = 0;
    const sink: Sink<string> = {
      name: 'backend',
      export: () =>
        defer(() => {
          askedAt.push(monotonicScheduler.now());
          attempts += 1;
          return attempts === 1 ? throwError(() => new ExportError({ kind: 'retryable' }, 'busy')) : of({});
        }),
    };
    const retry = { backoff: exponentialBackoff({ initialMillis: 900, jitter: 'none' }) };
    await marbles(async ({ flush }) => {
      of(['a'], ['b']).pipe(exportTo(sink, { retry })).subscribe();
      await flush();
    });
    expect(askedAt).toEqual([0, 0, 900]);
  });
});
