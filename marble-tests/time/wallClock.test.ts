import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { defer, NEVER, of, Subject, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  adaptiveBatch,
  createLedger,
  ExportError,
  exponentialBackoff,
  exportHandle,
  exportTo,
  raceTimeout,
  retryWithBackoff,
  type Sink,
  spanPipeline,
} from '../../src/index.ts';
import { marbles } from '../../src/testing/index.ts';

const TEN_MINUTES = 600_000;
const backoff = exponentialBackoff({ initialMillis: 100, maxMillis: 100, jitter: 'none' });

/** The wall clock is set by so much, from now on; the timers and the monotonic clock do not see it. */
function jump(byMillis: number): () => void {
  const before = globalThis.Date;
  const now = () => before.now() + byMillis;
  globalThis.Date = new Proxy(before, { get: (date, key) => (key === 'now' ? now : Reflect.get(date, key)) });
  return () => {
    globalThis.Date = before;
  };
}

const failing = () => throwError(() => new ExportError({ kind: 'retryable' }, 'not now'));
const down = (attempts: { count: number }): Sink<number> => ({
  name: 'down',
  export: () =>
    defer(() => {
      attempts.count += 1;
      return failing();
    }),
});

describe.each([
  ['ahead', TEN_MINUTES],
  ['back', -TEN_MINUTES],
])('a wall clock that is set %s by ten minutes changes nothing for', (_direction, byMillis) => {
  /** Runs a scenario that has begun by 150 ms, and notes when what happens. */
  const timesOf = async (begin: (note: () => void) => void, untilMillis: number): Promise<number[]> => {
    const times: number[] = [];
    await marbles(async ({ now, advanceBy }) => {
      begin(() => times.push(now()));
      await advanceBy(150);
      const setBack = jump(byMillis);
      await advanceBy(untilMillis - 150);
      setBack();
    });
    return times;
  };

  test('retryWithBackoff', async () => {
    const options = { backoff, maxElapsedMillis: 450 };
    const times = await timesOf((note) => {
      const source = defer(() => {
        note();
        return failing();
      });
      source.pipe(retryWithBackoff(options)).subscribe({ error: note });
    }, 2_000);
    expect(times).toEqual([0, 100, 200, 300, 400, 400]);
  });

  test('raceTimeout', async () => {
    const times = await timesOf((note) => {
      NEVER.pipe(raceTimeout({ millis: 1_000 })).subscribe({ error: note });
    }, 2_000);
    expect(times).toEqual([1_000]);
  });

  test('exportTo gives a batch its whole maxElapsedMillis', async () => {
    const attempts = { count: 0 };
    const retry = { backoff, maxElapsedMillis: 1_050 };
    const times = await timesOf((note) => {
      of([1])
        .pipe(exportTo(down(attempts), { retry }))
        .subscribe({ next: note });
    }, 2_000);
    expect(attempts.count).toBe(11);
    expect(times).toEqual([1_000]);
  });

  test('adaptiveBatch keeps its delay and its lease', async () => {
    const times = await timesOf((note) => {
      const items = new Subject<number>();
      const batches = items.pipe(adaptiveBatch({ scheduledDelayMillis: 500, holdLeaseMillis: 700, onLoss: note }));
      batches.subscribe((batch) => {
        note();
        batch.hold();
      });
      items.next(1);
    }, 2_000);
    expect(times).toEqual([500, 1_200]);
  });

  test('stats$ of a ledger emits at its interval', async () => {
    const times = await timesOf((note) => {
      const ledger = createLedger({ intervalMillis: 1_000 });
      const items = new Subject<number>();
      items.pipe(adaptiveBatch({ ledger })).subscribe();
      ledger.stats$.subscribe(note);
      items.next(1);
    }, 1_500);
    expect(times).toEqual([0, 1_000, 2_000]);
  });

  test('forceFlush and shutdown keep their timeouts', async () => {
    const silent: Sink<ReadableSpan | number> = { name: 'silent', export: () => NEVER };
    const times = await timesOf((note) => {
      const pipeline = spanPipeline({ sink: silent });
      const handle = exportHandle<number>(silent, { attemptTimeoutMillis: 60_000 });
      handle.export([1]);
      handle.forceFlush({ timeoutMillis: 1_000 }).catch(note);
      pipeline.forceFlush({ timeoutMillis: 1_000 }).then(() => pipeline.shutdown());
      setTimeout(() => handle.shutdown({ deadlineMillis: 500 }).then(note), 1_100);
    }, 3_000);
    expect(times).toEqual([1_000, 1_600]);
  });
});
