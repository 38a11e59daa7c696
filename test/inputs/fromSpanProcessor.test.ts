import { AsyncLocalStorage } from 'node:async_hooks';
import { getHeapStatistics } from 'node:v8';
import { context, TraceFlags, trace } from '@opentelemetry/api';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { type SpanProcessor as SpanProcessor2, TracerProvider as TracerProvider2 } from 'opentelemetry-sdk-trace-2';
import { lastValueFrom, type Observable, type Subscription, take, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  adaptiveBatch,
  createLedger,
  exportTo,
  type FromSpanProcessorOptions,
  fromSpanProcessor,
  type Loss,
  type SpanInput,
  toMemory,
} from '../../src/index.ts';

const namesOf = (spans: Observable<ReadableSpan>) => {
  const names: string[] = [];
  const subscription = spans.subscribe((span) => names.push(span.name));
  return { names, subscription };
};

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** An input, a real tracer of SDK 3 in front of it, and its ledger. */
function traced(options: FromSpanProcessorOptions = {}) {
  const ledger = createLedger();
  const losses: Loss[] = [];
  const input = fromSpanProcessor({ ledger, onLoss: (loss) => losses.push(loss), ...options });
  const tracer = new TracerProvider({ spanProcessors: [input] }).getTracer('test');
  const end = (...names: string[]) => {
    for (const name of names) tracer.startSpan(name).end();
  };
  return { input, ledger, losses, tracer, end };
}

describe('fromSpanProcessor', () => {
  test('onEnd only fills the ring; the stream runs in the next turn', async () => {
    const { input, end } = traced();
    const { names } = namesOf(input.spans$);
    end('a', 'b');
    expect(names).toEqual([]);
    await nextTurn();
    expect(names).toEqual(['a', 'b']);
  });

  test('spans that end before anybody subscribes wait', async () => {
    const { input, ledger, end } = traced();
    end('a', 'b');
    await nextTurn();
    expect(ledger.stats()).toMatchObject({ accepted: 2, pending: 2, queueSize: 2 });
    const { names } = namesOf(input.spans$);
    await nextTurn();
    expect(names).toEqual(['a', 'b']);
    expect(ledger.stats()).toMatchObject({ pending: 0, handedOn: 2 });
  });

  test('when all have unsubscribed, spans wait again for the next', async () => {
    const { input, end } = traced();
    const first = namesOf(input.spans$);
    end('a');
    await nextTurn();
    first.subscription.unsubscribe();
    end('b');
    await nextTurn();
    const second = namesOf(input.spans$);
    await nextTurn();
    expect([first.names, second.names]).toEqual([['a'], ['b']]);
  });

  test('a subscriber that leaves in the middle leaves the rest in the ring', async () => {
    const { input, ledger, end } = traced();
    end('a', 'b', 'c');
    const two = lastValueFrom(input.spans$.pipe(take(2), toArray()));
    expect((await two).map((span) => span.name)).toEqual(['a', 'b']);
    expect(ledger.stats()).toMatchObject({ pending: 1 });
  });

  test('several subscribers see the same spans', async () => {
    const { input, end } = traced();
    const [one, other] = [namesOf(input.spans$), namesOf(input.spans$)];
    end('a');
    await nextTurn();
    expect([one.names, other.names]).toEqual([['a'], ['a']]);
  });

  test('spans that are not sampled are skipped, and not counted', async () => {
    const { input, ledger, tracer } = traced();
    const { names } = namesOf(input.spans$);
    const remote = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: TraceFlags.NONE, isRemote: true };
    tracer.startSpan('unsampled', {}, trace.setSpanContext(context.active(), remote)).end();
    await nextTurn();
    expect(names).toEqual([]);
    // The SDK itself keeps unsampled spans from us; a recording one that is not sampled would come.
    input.onEnd({ spanContext: () => remote } as ReadableSpan);
    expect(ledger.stats().offered).toBe(0);
  });

  test('a long backlog is drained in slices, so that the event loop has its turn in between', async () => {
    const { input, end } = traced();
    end(...Array.from({ length: 10_000 }, (_, index) => String(index)));
    const { names } = namesOf(input.spans$);
    const seen: number[] = [];
    while (names.length < 10_000) {
      await nextTurn();
      seen.push(names.length);
    }
    expect(seen.length).toBeGreaterThanOrEqual(3);
    expect(names[9_999]).toBe('9999');
  });

  test('what is no span does no harm', () => {
    const { input, ledger } = traced();
    for (const odd of [undefined, null, {}, 5, { spanContext: () => undefined }]) {
      expect(() => input.onEnd(odd as unknown as ReadableSpan)).not.toThrow();
    }
    expect(ledger.stats()).toMatchObject({ offered: 0, callbackErrors: 5 });
  });

  test('the stream runs outside the asynchronous context in which the span ended', async () => {
    const requests = new AsyncLocalStorage<string>();
    const { input, end } = traced();
    const contexts: (string | undefined)[] = [];
    input.spans$.subscribe(() => contexts.push(requests.getStore()));
    requests.run('request', () => end('a'));
    await nextTurn();
    await requests.run('request', async () => {
      end('b');
      await input.forceFlush();
    });
    expect(contexts).toEqual([undefined, undefined]);
  });
});

describe('fromSpanProcessor: the ring is bounded', () => {
  test('dropNewest refuses, and tells it in the next turn', async () => {
    const { ledger, losses, end } = traced({ maxQueueSize: 2 });
    end('a', 'b', 'c', 'd');
    expect(losses).toEqual([]);
    await nextTurn();
    expect(losses).toEqual([{ count: 2, reason: 'queueFull', stage: 'fromSpanProcessor' }]);
    expect(ledger.stats()).toMatchObject({ offered: 4, accepted: 2, refused: { queueFull: 2 }, pending: 2 });
  });

  test('without maxQueueSize, a ring has a place for each 20 KiB of the heap, up to 32,768', async () => {
    const places = Math.min(32_768, Math.floor(getHeapStatistics().heap_size_limit / 20_480));
    const { ledger, end } = traced();
    end(...new Array<string>(places + 1).fill('a'));
    await nextTurn();
    expect(ledger.stats()).toMatchObject({ accepted: places, refused: { queueFull: 1 } });
  });

  test('dropOldest loses what has waited longest', async () => {
    const { input, ledger, losses, end } = traced({ maxQueueSize: 2, overflow: 'dropOldest' });
    end('a', 'b', 'c', 'd');
    const { names } = namesOf(input.spans$);
    await nextTurn();
    expect(names).toEqual(['c', 'd']);
    expect(losses).toEqual([{ count: 2, reason: 'queueFull', stage: 'fromSpanProcessor' }]);
    expect(ledger.stats()).toMatchObject({ offered: 4, accepted: 4, lost: { queueFull: 2 }, pending: 0 });
  });

  test('a listener that throws is counted', async () => {
    const { ledger, end } = traced({
      maxQueueSize: 1,
      onLoss: () => {
        throw new Error('mine');
      },
    });
    end('a', 'b');
    await nextTurn();
    expect(ledger.stats().callbackErrors).toBe(1);
  });
});

describe('fromSpanProcessor: forceFlush and shutdown', () => {
  const exporting = (input: SpanInput, ledger = createLedger()): { subscription: Subscription; names(): string[] } => {
    const memory = toMemory<ReadableSpan>();
    const batches = adaptiveBatch<ReadableSpan>({ flushWhen: input.flush$, ledger });
    const subscription = input.spans$.pipe(batches, exportTo(memory, { ledger })).subscribe();
    return { subscription, names: () => memory.items.map((span) => span.name) };
  };

  test('forceFlush resolves when everything before it has an outcome', async () => {
    const { input, end } = traced();
    const { names } = exporting(input);
    end('a', 'b');
    await input.forceFlush();
    expect(names()).toEqual(['a', 'b']);
  });

  test('forceFlush waits for a subscriber, and rejects when none comes in time', async () => {
    const { input, end } = traced();
    end('a');
    await expect(input.forceFlush({ timeoutMillis: 5 })).rejects.toMatchObject({
      code: 'FLUSH_TIMEOUT',
      message: 'forceFlush did not finish within 5 ms; what is still pending goes on',
    });
    const flushed = input.forceFlush();
    const { names } = exporting(input);
    await flushed;
    expect(names()).toEqual(['a']);
  });

  test('forceFlush without a holder of its request resolves when the ring is empty', async () => {
    const { input, end } = traced();
    const { names } = namesOf(input.spans$);
    end('a');
    await input.forceFlush();
    expect(names).toEqual(['a']);
  });

  test('shutdown ends the stream, and refuses what comes later', async () => {
    const { input, ledger, losses, end } = traced();
    const { names } = exporting(input);
    end('a');
    await input.shutdown();
    end('b');
    await nextTurn();
    expect(names()).toEqual(['a']);
    expect(losses).toEqual([{ count: 1, reason: 'alreadyShutdown', stage: 'fromSpanProcessor' }]);
    expect(ledger.stats()).toMatchObject({ offered: 2, accepted: 1, refused: { alreadyShutdown: 1 } });
    await input.forceFlush();
    expect(await lastValueFrom(input.spans$.pipe(toArray()))).toEqual([]);
  });

  test('shutdown without a subscriber loses the spans as noSubscriber, and reports it', async () => {
    const { input, ledger, losses, end } = traced();
    end('a', 'b');
    await input.shutdown();
    expect(losses).toEqual([{ count: 2, reason: 'noSubscriber', stage: 'fromSpanProcessor' }]);
    expect(ledger.stats()).toMatchObject({ lost: { noSubscriber: 2 }, pending: 0 });
  });

  test('shutdown gives its promise again', () => {
    const { input } = traced();
    expect(input.shutdown()).toBe(input.shutdown());
  });

  test('a tracer of SDK 2 works the same', async () => {
    const input = fromSpanProcessor();
    const { names } = exporting(input);
    const provider = new TracerProvider2({ spanProcessors: [input as unknown as SpanProcessor2] });
    provider.getTracer('test').startSpan('of SDK 2').end();
    await provider.forceFlush();
    expect(names()).toEqual(['of SDK 2']);
    await provider.shutdown();
  });

  test.each([
    [{ maxQueueSize: 0 }, 'fromSpanProcessor.maxQueueSize must be a whole number from 1, but was given 0'],
    [
      { overflow: 'error' },
      "fromSpanProcessor.overflow must be one of 'dropNewest', 'dropOldest', but was given \"error\"",
    ],
    [
      { flushTimeoutMillis: 0 },
      'fromSpanProcessor.flushTimeoutMillis must be a duration in milliseconds, from 1 to 2147483647, but was given 0',
    ],
    [{ onLoss: 'log' }, 'fromSpanProcessor.onLoss must be a function, but was given "log"'],
    [{ queue: 5 }, 'fromSpanProcessor.queue must be one of the known options'],
  ])('refuses %o', (options, message) => {
    expect(() => fromSpanProcessor(options as FromSpanProcessorOptions)).toThrow(message);
  });

  test('refuses a timeout out of its range', () => {
    expect(() => fromSpanProcessor().forceFlush({ timeoutMillis: -1 })).toThrow(
      'fromSpanProcessor.forceFlush.timeoutMillis must be',
    );
  });
});
