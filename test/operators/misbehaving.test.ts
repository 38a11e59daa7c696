import { diag } from '@opentelemetry/api';
import { lastValueFrom, Observable, of, Subject, throwError, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  boundedMergeMap,
  type ConcurrencyLimiter,
  channel,
  createGate,
  exponentialBackoff,
  exportHandle,
  exportTo,
  type Failure,
  mergeByPriority,
  raceTimeout,
  retryWithBackoff,
  type Sink,
  safely,
  spanPipeline,
  toAsyncIterable,
  toMemory,
  toWritableStream,
} from '../../src/index.ts';
import { marbles } from '../../src/testing/index.ts';

/** A source that never emits, and whose teardown fails. */
const stubborn = new Observable<string>(() => () => {
  throw new Error('teardown');
});

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a source whose teardown throws', () => {
  test('does not prevent the error of raceTimeout', () =>
    marbles(({ expectObservable }) => {
      expectObservable(stubborn.pipe(raceTimeout({ millis: 5 }))).toBe('-----#', undefined, { code: 'TIMEOUT' });
    }));

  test('does not prevent the next attempt of retryWithBackoff, and is reported', () =>
    marbles(async ({ expectObservable, flush }) => {
      const told: unknown[] = [];
      const failing = new Observable<string>((subscriber) => {
        setTimeout(() => subscriber.error('no'), 1);
        return () => {
          throw new Error('teardown');
        };
      });
      const backoff = exponentialBackoff({ initialMillis: 3, jitter: 'none' });
      const onCallbackError = (thrown: unknown) => told.push(thrown);
      const retried = failing.pipe(retryWithBackoff({ maxAttempts: 2, backoff, onCallbackError }));
      expectObservable(retried).toBe('-----#', undefined, 'no');
      await flush();
      expect(told).toHaveLength(2);
    }));

  test('does not prevent the error of a full queue in a reader', async () => {
    const source = new Subject<number>();
    const outer = new Observable<number>((subscriber) => {
      source.subscribe(subscriber);
      return () => {
        throw new Error('teardown');
      };
    });
    const iterator = toAsyncIterable(outer, { maxQueueSize: 1 })[Symbol.asyncIterator]();
    const first = iterator.next();
    for (const number of [1, 2, 3]) source.next(number);
    expect(await first).toEqual({ done: false, value: 1 });
    expect(await iterator.next()).toEqual({ done: false, value: 2 });
    await expect(iterator.next()).rejects.toMatchObject({ code: 'QUEUE_FULL' });
  });
});

/** A value, and a teardown that fails. */
function stubbornly<T>(value: T): Observable<T> {
  return new Observable<T>((subscriber) => {
    subscriber.next(value);
    return () => {
      throw new Error('teardown');
    };
  });
}

describe('an option that is an Observable', () => {
  test('may throw at its teardown: boundedMergeMap completes, and it is reported', async () => {
    const told: unknown[] = [];
    const options = { concurrency: stubbornly(2), onCallbackError: (thrown: unknown) => told.push(thrown) };
    const merged = of(1, 2).pipe(
      boundedMergeMap((item) => of(item), options),
      toArray(),
    );
    expect(await lastValueFrom(merged)).toHaveLength(2);
    expect(told).toHaveLength(1);
  });

  test('may throw at its teardown: mergeByPriority completes, and it is reported', async () => {
    const told: unknown[] = [];
    const gate = createGate();
    const stubbornGate = { ...gate, open: true, saturated$: stubbornly(false) };
    const options = { gate: stubbornGate, onCallbackError: (thrown: unknown) => told.push(thrown) };
    expect(await lastValueFrom(mergeByPriority([of(1), of(2)], options).pipe(toArray()))).toEqual([1, 2]);
    expect(told).toHaveLength(1);
  });

  test('may throw at its teardown: a pipeline closes all the same, and counts it', async () => {
    const pipeline = spanPipeline({ sink: toMemory(), environment: {}, pauseWhen: stubbornly(false) });
    const states: string[] = [];
    pipeline.state$.subscribe({ next: (state) => states.push(state), complete: () => states.push('|') });
    await pipeline.shutdown();
    expect(states).toEqual(['running', 'draining', 'stopped', '|']);
    expect(pipeline.stats().callbackErrors).toBe(1);
  });

  test('may throw at the subscription: the first limit stays, and it is reported', async () => {
    const told: unknown[] = [];
    const limit$ = {
      subscribe() {
        throw new Error('no subscription');
      },
    };
    const concurrency = { limit$, attemptEnded() {} } as unknown as ConcurrencyLimiter;
    const onCallbackError = (thrown: unknown) => told.push(thrown);
    const outcomes = of([1]).pipe(exportTo(toMemory<number>(), { concurrency, onCallbackError }));
    expect(await lastValueFrom(outcomes)).toMatchObject({ delivered: 1 });
    expect(told).toHaveLength(1);
  });
});

describe('a limiter of the user', () => {
  test('may reject: that is reported, and no rejection is unhandled', async () => {
    const told: unknown[] = [];
    const attemptEnded = async () => {
      throw new Error('metrics are down');
    };
    const options = {
      concurrency: { limit$: of(2), attemptEnded },
      onCallbackError: (thrown: unknown) => told.push((thrown as Error).message),
    };
    await lastValueFrom(of([1], [2]).pipe(exportTo(toMemory<number>(), options)));
    await nextTurn();
    expect(told).toEqual(['metrics are down', 'metrics are down']);
  });
});

describe('a callback that misbehaves', () => {
  test.each([undefined, {}, { kind: 'nope' }])(
    'classify may return %o: that is reported, and counts as retryable',
    (odd) =>
      marbles(async ({ expectObservable, flush }) => {
        const told: unknown[] = [];
        const options = {
          ...{ maxAttempts: 2, backoff: exponentialBackoff({ initialMillis: 3, jitter: 'none' }) },
          classify: () => odd as Failure,
          onCallbackError: (thrown: unknown) => told.push(thrown),
        };
        expectObservable(throwError(() => 'no').pipe(retryWithBackoff(options))).toBe('---#', undefined, 'no');
        await flush();
        expect(told).toMatchObject([{ code: 'INVALID_OPTION' }, { code: 'INVALID_OPTION' }]);
      }),
  );

  test('project may unsubscribe and reject: the rejection is handled', async () => {
    const source = new Subject<number>();
    const subscription = source
      .pipe(
        boundedMergeMap(async () => {
          subscription.unsubscribe();
          throw new Error('late');
        }),
      )
      .subscribe();
    source.next(1);
    await nextTurn();
    expect(subscription.closed).toBe(true);
  });

  test('onError of safely may reject: the rejection is handled', async () => {
    const callback = safely(
      () => {
        throw new Error('mine');
      },
      { onError: async () => Promise.reject(new Error('also mine')) },
    );
    expect(callback()).toBeUndefined();
    await nextTurn();
    expect(callback.errors).toBe(1);
  });
});

describe('a bridge', () => {
  test('closes its channel with the error of a write that fails', async () => {
    const lines = channel<string>({ maxQueueBytes: 100, sizeOf: (line) => line.length });
    const items = lastValueFrom(lines.items$.pipe(toArray()));
    const writer = toWritableStream(lines).getWriter();
    await writer.write('a');
    await expect(writer.write('x'.repeat(1_000))).rejects.toThrow();
    await expect(items).rejects.toThrow();
    expect(lines.trySend('b')).toBe('closed');
  });

  test('opens its gate again when a listener empties the queue while the gate closes', async () => {
    const gate = createGate();
    const source = new Subject<number>();
    const iterator = toAsyncIterable(source, { gate, maxQueueSize: 2 })[Symbol.asyncIterator]();
    const first = iterator.next();
    source.next(0);
    await first;
    const read: Promise<IteratorResult<number>>[] = [];
    gate.saturated$.subscribe((saturated) => {
      if (saturated) read.push(iterator.next());
    });
    source.next(1);
    expect(await read[0]).toEqual({ done: false, value: 1 });
    expect(gate.open).toBe(true);
  });
});

describe('a sink behind a handle', () => {
  const told: string[] = [];
  beforeEach(() => {
    told.length = 0;
    const tell = (message: string) => void told.push(message);
    diag.setLogger({ error: tell, warn: tell, info() {}, debug() {}, verbose() {} }, { suppressOverrideMessage: true });
  });
  afterEach(() => diag.disable());

  const sinkThat = (forceFlush: () => Promise<void>): Sink<number> => ({
    name: 'mine',
    export: () => of({}),
    forceFlush,
  });

  test('is flushed with the handle', async () => {
    const flushes: string[] = [];
    const handle = exportHandle(sinkThat(async () => void flushes.push('flushed')));
    await handle.forceFlush();
    expect(flushes).toEqual(['flushed']);
    await handle.shutdown();
  });

  test('may hang in forceFlush: that of the handle rejects at its timeout', () =>
    marbles(async ({ now }) => {
      const handle = exportHandle(sinkThat(() => new Promise(() => {})));
      const code = await handle.forceFlush({ timeoutMillis: 100 }).catch((error: { code: string }) => error.code);
      expect([code, now()]).toEqual(['FLUSH_TIMEOUT', 100]);
      await handle.shutdown();
    }));

  test('may fail in forceFlush: that is logged', async () => {
    const handle = exportHandle(sinkThat(() => Promise.reject(new Error('no disk'))));
    await handle.forceFlush();
    expect(told).toEqual(['exportHandle: mine did not flush: no disk']);
    await handle.shutdown();
  });

  test('there is one handle for a pipeline', async () => {
    const pipeline = spanPipeline({ sink: toMemory(), environment: {} });
    expect(pipeline.handle()).toBe(pipeline.handle());
    await pipeline.shutdown();
  });
});
