import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Flushable, spanPipeline, toMemory, withFlush } from '../../src/index.ts';
import { virtualTime } from '../../src/testing/index.ts';
import { spanWith } from '../support/spans.ts';

let told: string[] = [];

beforeEach(() => {
  told = [];
  const tell = (message: string) => void told.push(message);
  const logger: DiagLogger = { error: tell, warn: tell, info: tell, debug: tell, verbose: tell };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
});

afterEach(() => diag.disable());

/** Flushes at once, or as the test says, and notes what it was asked for. */
function flushing(flush: () => Promise<unknown> = async () => {}): Flushable & { readonly timeouts: number[] } {
  const timeouts: number[] = [];
  const forceFlush = (options?: { timeoutMillis?: number }) => {
    timeouts.push(options?.timeoutMillis ?? Number.NaN);
    return flush();
  };
  return { timeouts, forceFlush };
}

const contextWith = (getRemainingTimeInMillis: () => number) => ({ awsRequestId: 'a', getRemainingTimeInMillis });

describe('a handler that is flushed', () => {
  test('has delivered its span when its answer leaves', async () => {
    const sink = toMemory();
    const pipeline = spanPipeline({ sink, environment: {} });
    const handler = withFlush(async (order: string) => {
      pipeline.processor.onEnd(spanWith() as Parameters<SpanProcessor['onEnd']>[0]);
      return { placed: order };
    }, pipeline);
    expect(await handler('lamp')).toEqual({ placed: 'lamp' });
    expect(sink.items).toHaveLength(1);
    await pipeline.shutdown();
  });

  test('keeps this, arguments and result', async () => {
    const given = { name: 'shop', handle: withFlush(shopHandler, flushing()) };
    expect(await given.handle('lamp', 2)).toEqual(['shop', 'lamp', 2]);
  });

  test('that is not asynchronous answers with a promise', async () => {
    expect(await withFlush((n: number) => n + 1, flushing())(1)).toBe(2);
  });

  test.each([
    ['rejects', () => Promise.reject(ERROR)],
    [
      'throws',
      () => {
        throw ERROR;
      },
    ],
  ])('that %s is flushed, too, and its error is the same', async (_how, handler) => {
    const flushable = flushing();
    const failed = withFlush(handler as () => Promise<never>, flushable)();
    await expect(failed).rejects.toBe(ERROR);
    expect(flushable.timeouts).toEqual([2_000]);
  });

  test.each([
    ['rejects', () => Promise.reject(new Error('the backend is down'))],
    [
      'throws',
      () => {
        throw new Error('the backend is down');
      },
    ],
  ])('answers as it would when the flush %s, which is told', async (_how, flush) => {
    expect(await withFlush(async () => 1, flushing(flush))()).toBe(1);
    await expect(withFlush(() => Promise.reject(ERROR), flushing(flush))()).rejects.toBe(ERROR);
    expect(told).toEqual(Array(2).fill('withFlush: the backend is down'));
  });

  test('answers after timeoutMillis when the flush does not end, whatever the flushable promises', () =>
    virtualTime(async ({ advanceBy }) => {
      let answer: number | undefined;
      const handler = withFlush(
        async () => 1,
        flushing(() => new Promise(() => {})),
        { timeoutMillis: 500 },
      );
      void handler().then((result) => {
        answer = result;
      });
      await advanceBy(499);
      expect(answer).toBeUndefined();
      await advanceBy(1);
      expect(answer).toBe(1);
      expect(told.join()).toContain('withFlush: the flush after a call did not finish within 500 ms');
    }));
});

describe('the time of a flush', () => {
  test.each([
    ['is timeoutMillis where the call has more time', 60_000, 2_000],
    ['is what the call has left, but for the reserve', 1_000, 800],
    ['is a millisecond where nothing is left: what is queued is sent all the same', 100, 1],
    ['is timeoutMillis where the context knows no number', Number.NaN, 2_000],
  ])('%s', async (_title, remainingMillis, timeoutMillis) => {
    const flushable = flushing();
    await withFlush(async (_event: object, _context: object) => 1, flushable)(
      {},
      contextWith(() => remainingMillis),
    );
    expect(flushable.timeouts).toEqual([timeoutMillis]);
  });

  test('is read when the handler has ended', async () => {
    let leftMillis = 1_500;
    const flushable = flushing();
    const handler = withFlush(async (_event: object, _context: object) => {
      leftMillis = 700;
    }, flushable);
    await handler(
      {},
      contextWith(() => leftMillis),
    );
    expect(flushable.timeouts).toEqual([500]);
  });

  test('is found where the context is the third argument, as that of a streaming handler', async () => {
    const flushable = flushing();
    const handler = withFlush(async (_event: null, _stream: object, _context: object) => {}, flushable);
    await handler(
      null,
      { write() {} },
      contextWith(() => 700),
    );
    expect(flushable.timeouts).toEqual([500]);
  });

  test('is timeoutMillis where the context throws', async () => {
    const flushable = flushing();
    const broken = contextWith(() => {
      throw new Error('no time');
    });
    await withFlush(async (_context: object) => 1, flushable)(broken);
    expect(flushable.timeouts).toEqual([2_000]);
  });
});

test.each([
  [5, flushing(), {}, 'withFlush.handler must be a function'],
  [async () => {}, {}, {}, 'withFlush.flushable must be a pipeline, or another object with forceFlush()'],
  [async () => {}, flushing(), { timeoutMillis: 0 }, 'withFlush.timeoutMillis must be a duration in milliseconds'],
  [async () => {}, flushing(), { reserveMillis: -1 }, 'withFlush.reserveMillis must be a duration in milliseconds'],
])('refuses %o, %o, %o', (handler, flushable, options, message) => {
  expect(() => withFlush(handler as () => void, flushable as Flushable, options)).toThrow(message);
});

const ERROR = new Error('an order needs a name');

async function shopHandler(this: { name: string }, order: string, count: number) {
  return [this.name, order, count];
}

test('types: arguments and result are those of the handler, also of hosts whose handlers may have a callback', () => {
  // biome-ignore lint/suspicious/noConfusingVoidType: that of Lambda says so
  type HostHandler = (event: string, context: object, callback: () => void) => void | Promise<{ placed: string }>;
  const hosted: HostHandler = withFlush<unknown, Parameters<HostHandler>, ReturnType<HostHandler>>(
    async (event) => ({ placed: event }),
    flushing(),
  );
  const counting: (n: number) => Promise<number> = withFlush((n: number) => n + 1, flushing());
  const silent: () => Promise<void> = withFlush(async () => {}, flushing());
  // @ts-expect-error: it is given a number
  void withFlush((n: number) => n, flushing())('one');
  expect([hosted, counting, silent].map((each) => typeof each)).toEqual(['function', 'function', 'function']);
});
