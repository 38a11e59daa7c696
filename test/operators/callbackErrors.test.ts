import { concat, EMPTY, NEVER, Observable, of, Subject, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  adaptiveBatch,
  createLedger,
  ExportError,
  exponentialBackoff,
  exportTo,
  type Hold,
  InvalidOptionError,
  retryWithBackoff,
  type Sink,
  type Tally,
} from '../../src/index.ts';
import { marbles } from '../../src/testing/index.ts';

const failing = (what: string) => () => {
  throw new Error(what);
};
const messagesOf = (thrown: readonly unknown[]) => thrown.map((error) => (error as Error).message);
const DELIVERED: Tally = { delivered: 1, rejected: 0, lost: [], attempts: 1, attemptMillis: 1, elapsedMillis: 1 };
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('adaptiveBatch: onCallbackError is called', () => {
  const thrownBy = (options: Parameters<typeof adaptiveBatch<string>>[0]) => {
    const ledger = createLedger();
    const thrown: unknown[] = [];
    const onCallbackError = (error: unknown) => thrown.push(error);
    of('a', 'b')
      .pipe(adaptiveBatch({ maxQueueSize: 4, ...options, ledger, onCallbackError }))
      .subscribe();
    expect(ledger.stats().callbackErrors).toBe(thrown.length);
    return messagesOf(thrown);
  };

  test('when sizeOf throws', () => {
    expect(thrownBy({ sizeOf: failing('size') })).toEqual(['size', 'size']);
  });

  test('when sizeOf returns an invalid number', () => {
    expect(thrownBy({ sizeOf: () => -1 })).toHaveLength(2);
  });

  test('when sizeOf returns a promise, whose rejection ends nothing', async () => {
    const sizeOf = (() => Promise.reject(new Error('late'))) as unknown as () => number;
    expect(thrownBy({ sizeOf })).toHaveLength(2);
    await nextTurn(); // an unhandled rejection would fail this run
  });

  test('when onLoss throws', () => {
    expect(thrownBy({ maxQueueBytes: 1, sizeOf: () => 2, onLoss: failing('loss') })).toEqual(['loss', 'loss']);
  });

  test('when the strategy throws', () => {
    expect(thrownBy({ strategy: failing('strategy') })).toEqual(['strategy']);
  });

  test('when onLoss rejects', async () => {
    const thrown: unknown[] = [];
    const onLoss = () => Promise.reject(new Error('late'));
    const options = {
      maxQueueBytes: 1,
      sizeOf: () => 2,
      onLoss,
      onCallbackError: (error: unknown) => thrown.push(error),
    };
    of('a').pipe(adaptiveBatch(options)).subscribe();
    await nextTurn();
    expect(messagesOf(thrown)).toEqual(['late']);
  });

  test('when the teardown of the source throws after the queue has overflowed', () => {
    const items = new Subject<string>();
    const source = new Observable<string>((subscriber) => {
      items.subscribe(subscriber);
      return failing('teardown');
    });
    const thrown: unknown[] = [];
    const holds: Hold[] = [];
    const ended: string[] = [];
    const onCallbackError = (error: unknown) => thrown.push(error);
    source
      .pipe(adaptiveBatch({ maxQueueSize: 1, maxUnsettledBatches: 1, overflow: 'error', onCallbackError }))
      .subscribe({ next: (batch) => holds.push(batch.hold()), error: ({ code }) => ended.push(code) });
    for (const item of ['a', 'b', 'c']) items.next(item);
    expect(messagesOf(thrown)).toEqual([expect.stringContaining('teardown')]);
    for (const hold of holds) hold.settle(DELIVERED);
    expect(ended).toEqual(['QUEUE_FULL']);
  });
});

describe('exportTo: onCallbackError is called', () => {
  const RETRY = { backoff: exponentialBackoff({ initialMillis: 3, jitter: 'none' }), maxAttempts: 2 };
  const refusing: Sink<string> = {
    name: 'refusing',
    export: () => throwError(() => new ExportError({ kind: 'retryable' }, 'no')),
  };
  const hanging: Sink<string> = { name: 'hanging', export: () => new Observable(() => failing('abort')) };

  const thrownBy = async (sink: Sink<string>, options: Parameters<typeof exportTo<string>>[1]) => {
    const ledger = createLedger();
    const thrown: unknown[] = [];
    const onCallbackError = (error: unknown) => thrown.push(error);
    await marbles(async ({ flush }) => {
      of(['a'])
        .pipe(exportTo(sink, { retry: RETRY, ...options, ledger, onCallbackError }))
        .subscribe();
      await flush();
    });
    expect(ledger.stats().callbackErrors).toBe(thrown.length);
    return messagesOf(thrown);
  };

  test('when onLoss or onRetry throws', async () => {
    const options = { onLoss: failing('loss'), onRetry: failing('retry') };
    expect(await thrownBy(refusing, options)).toEqual(['retry', 'loss']);
  });

  test('when onLoss or onRetry rejects', async () => {
    const rejecting = (what: string) => () => Promise.reject(new Error(what));
    const options = { onLoss: rejecting('loss'), onRetry: rejecting('retry') };
    expect(await thrownBy(refusing, options)).toEqual(['retry', 'loss']);
  });

  test('when random throws', async () => {
    const retry = { ...RETRY, backoff: exponentialBackoff() };
    expect(await thrownBy(refusing, { retry, random: failing('random') })).toEqual(['random', 'random']);
  });

  test('when an abort of the sink throws', async () => {
    const thrown = await thrownBy(hanging, { retry: { maxAttempts: 1 }, attemptTimeoutMillis: 5 });
    expect(thrown).toEqual([expect.stringContaining('abort')]);
  });

  test('when concurrency fails or emits an invalid limit', async () => {
    const concurrency = concat(
      of(-1),
      throwError(() => new Error('limit')),
    );
    const [invalid, failed] = await thrownBy({ name: 'fine', export: () => of({}) }, { concurrency });
    expect(invalid).toContain('exportTo.concurrency must be a whole number from 0');
    expect(failed).toBe('limit');
  });
});

describe('exportTo: a value that is no batch', () => {
  test('errors the stream after the outcomes, and stopWhen still ends what is pending', () => {
    const source = new Subject<never>();
    const stopWhen = new Subject<void>();
    const seen: unknown[] = [];
    source.pipe(exportTo({ name: 'never', export: () => NEVER }, { stopWhen })).subscribe({
      next: ({ lost }) => seen.push(lost[0]?.reason),
      error: (error: unknown) => seen.push(error instanceof InvalidOptionError),
    });
    source.next(['a'] as never);
    source.next(5 as never);
    expect(seen).toEqual([]);
    stopWhen.next();
    expect(seen).toEqual(['unconfirmed', true]);
  });
});

describe('retryWithBackoff: onCallbackError is called', () => {
  test('when onRetry rejects', async () => {
    const thrown: unknown[] = [];
    const backoff = exponentialBackoff({ initialMillis: 1, jitter: 'none' });
    const onRetry = () => Promise.reject(new Error('late'));
    await marbles(async ({ flush }) => {
      const options = { maxAttempts: 2, backoff, onRetry, onCallbackError: (error: unknown) => thrown.push(error) };
      throwError(() => 'no')
        .pipe(retryWithBackoff(options))
        .subscribe({ error() {} });
      await flush();
    });
    expect(messagesOf(thrown)).toEqual(['late']);
  });
});

test.each([
  ['adaptiveBatch', () => adaptiveBatch({ onCallbackError: 5 as never })],
  ['exportTo', () => exportTo({ name: 'none', export: () => EMPTY }, { onCallbackError: 5 as never })],
])('%s refuses an onCallbackError that is no function', (name, call) => {
  expect(call).toThrow(`${name}.onCallbackError must be a function`);
});
