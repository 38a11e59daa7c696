import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { lastValueFrom, NEVER, of, Subject, throwError, toArray } from 'rxjs';
import { afterEach, describe, expect, test } from 'vitest';
import {
  adaptiveConcurrency,
  ExportError,
  exponentialBackoff,
  type Response,
  type Sink,
  type SpanPipeline,
  type SpanPipelineOptions,
  spanPipeline,
  toMemory,
} from '../../src/index.ts';
import { ADAPTIVE_BATCH_DEFAULTS } from '../../src/operators/adaptiveBatch/options.ts';
import { RETRY_DEFAULTS } from '../../src/operators/exportTo/options.ts';
import { signalPipelineSettings } from '../../src/pipelines/signalPipeline/settings.ts';
import { SPANS } from '../../src/pipelines/spanPipeline/options.ts';
import { marbles } from '../../src/testing/index.ts';

/** A pipeline with a real tracer in front of it. */
function traced(options: SpanPipelineOptions) {
  const pipeline = spanPipeline({ environment: {}, ...options });
  const provider = new TracerProvider({ spanProcessors: [pipeline.processor] });
  const tracer = provider.getTracer('test');
  const end = (count: number) => {
    for (let index = 0; index < count; index += 1) tracer.startSpan(`span ${index}`).end();
  };
  return { pipeline, provider, end };
}

/** Everything that is told to `diag` while the test runs. */
function listening(): string[] {
  const told: string[] = [];
  const tell = (message: string) => void told.push(message);
  const logger: DiagLogger = { error: tell, warn: tell, info: tell, debug: tell, verbose: tell };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  return told;
}

afterEach(() => diag.disable());

describe('spanPipeline', () => {
  test('delivers what ends, tells each outcome, and completes at shutdown', async () => {
    const memory = toMemory<ReadableSpan>();
    const { pipeline, provider, end } = traced({ sink: memory });
    const outcomes = lastValueFrom(pipeline.outcomes$.pipe(toArray()));
    end(3);
    await provider.forceFlush();
    expect(memory.items.map((span) => span.name)).toEqual(['span 0', 'span 1', 'span 2']);
    end(2);
    await provider.shutdown();
    expect((await outcomes).map((outcome) => outcome.delivered)).toEqual([3, 2]);
    expect(pipeline.stats()).toMatchObject({ offered: 5, accepted: 5, delivered: 5, pending: 0, between: 0 });
    expect((await lastValueFrom(pipeline.stats$)).delivered).toBe(5);
  });

  test('is disposed of by await using', async () => {
    const memory = toMemory<ReadableSpan>();
    {
      await using pipeline = spanPipeline({ sink: memory });
      new TracerProvider({ spanProcessors: [pipeline.processor] }).getTracer('test').startSpan('a').end();
    }
    expect(memory.items).toHaveLength(1);
  });

  test('a burst of 10,000 in one turn is delivered whole', async () => {
    const memory = toMemory<ReadableSpan>();
    const { pipeline, end } = traced({ sink: memory });
    end(10_000);
    await pipeline.forceFlush();
    expect(memory.items).toHaveLength(10_000);
    expect(new Set(memory.items.map((span) => span.spanContext().spanId)).size).toBe(10_000);
    await pipeline.shutdown();
  });

  test('owns its sink: it is flushed with the pipeline, and shut down after the last export', async () => {
    const calls: string[] = [];
    const sink: Sink<ReadableSpan> = {
      name: 'mine',
      export: () => {
        calls.push('export');
        return of({});
      },
      forceFlush: async () => void calls.push('forceFlush'),
      shutdown: async () => void calls.push('shutdown'),
    };
    const { pipeline, end } = traced({ sink });
    end(1);
    await pipeline.forceFlush();
    end(1);
    const [first, second] = [pipeline.shutdown(), pipeline.shutdown()];
    expect(first).toBe(second);
    await first;
    expect(calls).toEqual(['export', 'forceFlush', 'export', 'forceFlush', 'shutdown']);
  });

  test('forceFlush resolves although everything was lost: that is in the outcomes', async () => {
    listening();
    const sink: Sink<ReadableSpan> = {
      name: 'refusing',
      export: () => throwError(() => new ExportError({ kind: 'permanent' }, 'no')),
    };
    const { pipeline, end } = traced({ sink });
    end(2);
    await pipeline.forceFlush();
    expect(pipeline.stats()).toMatchObject({ lost: { permanent: 2 }, pending: 0 });
    await pipeline.shutdown();
  });
});

describe('spanPipeline: a shutdown from within', () => {
  test.each(['an outcome', 'an export'])('%s may shut it down: nothing that has ended is lost', async (where) => {
    const memory = toMemory<ReadableSpan>();
    const closing: Promise<void>[] = [];
    const close = () => void (closing.length === 0 && closing.push(pipeline.shutdown()));
    const sink: Sink<ReadableSpan> = {
      name: 'mine',
      export: (batch) => {
        if (where === 'an export') close();
        return memory.export(batch);
      },
    };
    const { pipeline, end } = traced({ sink });
    if (where === 'an outcome') pipeline.outcomes$.subscribe(close);
    end(10_000);
    await pipeline.forceFlush();
    await closing[0];
    expect(memory.items).toHaveLength(10_000);
    expect(pipeline.stats()).toMatchObject({ delivered: 10_000, lost: {}, refused: {} });
  });
});

describe('spanPipeline: waits end', () => {
  test('forceFlush rejects at its timeout where the sink does not flush, and keeps to it during a shutdown', () =>
    marbles(async ({ now }) => {
      const sink: Sink<ReadableSpan> = { name: 'stuck', export: () => NEVER, forceFlush: () => new Promise(() => {}) };
      const { pipeline, end } = traced({ sink });
      const code = (error: { code: string }) => error.code;
      expect(await pipeline.forceFlush({ timeoutMillis: 50 }).catch(code)).toBe('FLUSH_TIMEOUT');
      expect(now()).toBe(50);
      end(1);
      const closed = pipeline.shutdown({ deadlineMillis: 1_500 });
      expect(await pipeline.forceFlush({ timeoutMillis: 50 }).catch(code)).toBe('FLUSH_TIMEOUT');
      expect(now()).toBe(100);
      await closed;
    }));

  test('a sink that fails to flush is warned about: forceFlush rejects at its timeout only', async () => {
    const told = listening();
    const forceFlush = () => Promise.reject(new Error('no disk'));
    const { pipeline } = traced({ sink: { name: 'broken', export: () => of({}), forceFlush } });
    await pipeline.forceFlush();
    expect(told).toEqual(['spanflow: broken did not flush: no disk']);
    await pipeline.shutdown();
  });

  test('forceFlush rejects at its timeout, and the export goes on', () =>
    marbles(async ({ advanceBy }) => {
      const answer = new Subject<Response>();
      const { pipeline, end } = traced({ sink: { name: 'slow', export: () => answer } });
      end(1);
      const flushed = pipeline.forceFlush({ timeoutMillis: 500 }).catch((error: { code: string }) => error.code);
      await advanceBy(500);
      expect(await flushed).toBe('FLUSH_TIMEOUT');
      answer.next({});
      await advanceBy(0);
      expect(pipeline.stats()).toMatchObject({ delivered: 1, pending: 0 });
      await pipeline.shutdown();
    }));

  test('shutdown gives up at its deadline: what was sent is unconfirmed, what waited is lost to the shutdown', () => {
    const told = listening();
    return marbles(async ({ now }) => {
      const { pipeline, end } = traced({
        sink: { name: 'silent', export: () => NEVER },
        concurrency: 1,
        maxExportBatchSize: 2,
        attemptTimeoutMillis: 60_000,
      });
      const outcomes = lastValueFrom(pipeline.outcomes$.pipe(toArray()));
      end(5);
      const before = now();
      await pipeline.shutdown({ deadlineMillis: 700 });
      expect(now() - before).toBe(700);
      expect(pipeline.stats()).toMatchObject({ accepted: 5, lost: { unconfirmed: 2, shutdown: 3 }, pending: 0 });
      expect((await outcomes).flatMap((outcome) => outcome.lost.map((loss) => `${loss.count} ${loss.reason}`))).toEqual(
        ['2 unconfirmed', '2 shutdown', '1 shutdown'],
      );
    }).then(() => {
      expect(told.join('\n')).toContain('lost items: 2 unconfirmed at exportTo(silent)');
      expect(told.join('\n')).toContain('3 shutdown at exportTo(silent)');
    });
  });

  test('shuts the sink down also where its flush hangs, within the deadline and as long again', () =>
    marbles(async ({ now }) => {
      const calls: string[] = [];
      const { pipeline, end } = traced({
        sink: {
          name: 'hanging',
          export: () => of({}),
          forceFlush: () => {
            calls.push('forceFlush');
            return new Promise(() => {});
          },
          shutdown: async () => void calls.push('shutdown'),
        },
      });
      end(1);
      await pipeline.shutdown({ deadlineMillis: 300 });
      expect(calls).toEqual(['forceFlush', 'shutdown']);
      expect(now()).toBe(300);
      expect(pipeline.stats()).toMatchObject({ delivered: 1, pending: 0 });
    }));

  test('shutdown takes ten seconds at most by default', () => {
    listening();
    return marbles(async ({ now }) => {
      const { pipeline, end } = traced({ sink: { name: 'silent', export: () => NEVER }, attemptTimeoutMillis: 60_000 });
      end(1);
      await pipeline.shutdown();
      expect(now()).toBe(10_000);
      expect(pipeline.stats()).toMatchObject({ lost: { unconfirmed: 1 }, pending: 0 });
    });
  });

  test('a sink that never shuts down is left behind at the deadline', () =>
    marbles(async ({ now }) => {
      const sink: Sink<ReadableSpan> = { name: 'stuck', export: () => of({}), shutdown: () => new Promise(() => {}) };
      const { pipeline } = traced({ sink });
      await pipeline.shutdown({ deadlineMillis: 300 });
      expect(now()).toBe(300);
    }));

  test('an outage of half a minute at 100 spans a second costs nothing with the defaults', () =>
    marbles(async ({ now, advanceBy }) => {
      const received = new Set<string>();
      const sink: Sink<ReadableSpan> = {
        name: 'down for a while',
        export: ({ items }) => {
          if (now() < 40_000 && now() >= 10_000)
            return throwError(() => new ExportError({ kind: 'retryable' }, 'down'));
          for (const span of items) received.add(span.spanContext().spanId);
          return of({});
        },
      };
      const { pipeline, end } = traced({ sink, random: () => 0.5 });
      for (let second = 0; second < 60; second += 1) {
        end(100);
        await advanceBy(1_000);
      }
      await pipeline.shutdown();
      expect(received.size).toBe(6_000);
      expect(pipeline.stats()).toMatchObject({ offered: 6_000, delivered: 6_000, lost: {}, refused: {} });
    }));
});

describe('spanPipeline: what it warns of', () => {
  const failing = (kind: 'retryable' | 'permanent'): Sink<ReadableSpan> => ({
    name: 'failing',
    export: () => throwError(() => new ExportError({ kind }, 'the backend is on fire')),
  });

  test('at once, then at most once per interval, summed up', () => {
    const told = listening();
    return marbles(async ({ advanceBy }) => {
      const { pipeline, end } = traced({
        sink: failing('permanent'),
        warnIntervalMillis: 5_000,
        scheduledDelayMillis: 100,
      });
      for (let second = 0; second < 12; second += 1) {
        end(10);
        await advanceBy(1_000);
      }
      const losses = told.filter((message) => message.includes('lost'));
      expect(losses).toEqual([
        'spanflow: lost items: 10 permanent at exportTo(failing)',
        'spanflow: lost items: 40 permanent at exportTo(failing)',
        'spanflow: lost items: 50 permanent at exportTo(failing)',
      ]);
      await pipeline.shutdown();
      expect(told.filter((message) => message.includes('lost')).at(-1)).toBe(
        'spanflow: lost items: 20 permanent at exportTo(failing)',
      );
    });
  });

  test('of an export that fails and is tried again, before anything is lost', () => {
    const told = listening();
    return marbles(async ({ advanceBy }) => {
      const retry = { maxAttempts: 2, backoff: exponentialBackoff({ jitter: 'none' }) };
      const { pipeline, end } = traced({ sink: failing('retryable'), retry, scheduledDelayMillis: 100 });
      end(1);
      await advanceBy(150);
      expect(told).toEqual(['spanflow: an export failed and will be tried again: the backend is on fire']);
      expect(pipeline.stats()).toMatchObject({ pending: 1, lost: {} });
      await pipeline.shutdown();
    });
  });

  test('of what a backend rejects', async () => {
    const told = listening();
    const { pipeline, end } = traced({
      sink: { name: 'picky', export: () => of({ rejected: 1, message: 'too old' }) },
    });
    end(3);
    await pipeline.shutdown();
    expect(told).toEqual(['spanflow: the backend rejected 1 item: too old']);
    expect(pipeline.stats()).toMatchObject({ delivered: 2, rejected: 1 });
  });
});

const UP_TO_QUEUE = `a whole number from 1 to ${ADAPTIVE_BATCH_DEFAULTS.maxQueueSize}`;

describe('spanPipeline: options and variables', () => {
  const sink = toMemory<ReadableSpan>();
  const settled = (environment: Record<string, string>, options: Partial<SpanPipelineOptions> = {}) =>
    signalPipelineSettings(SPANS, { sink, environment, ...options });

  test('the variables of the batch processor count where an option is left out', () => {
    const settings = settled({
      OTEL_BSP_MAX_QUEUE_SIZE: '4096',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '128',
      OTEL_BSP_SCHEDULE_DELAY: '250',
      OTEL_BSP_EXPORT_TIMEOUT: '9000',
    });
    expect(settings.input.maxQueueSize).toBe(4_096);
    expect(settings.batch).toMatchObject({ maxQueueSize: 4_096, maxExportBatchSize: 128, scheduledDelayMillis: 250 });
    expect(settings.export.retry?.maxElapsedMillis).toBe(9_000);
  });

  test('a queue of the environment that is smaller than the batches which were asked for is warned about and ignored', () => {
    const told = listening();
    const settings = settled({ OTEL_BSP_MAX_QUEUE_SIZE: '100' }, { maxExportBatchSize: 512 });
    expect(told).toEqual(['spanflow: OTEL_BSP_MAX_QUEUE_SIZE is ignored: it must be a whole number from 512']);
    expect(settings.batch.maxQueueSize).toBe(ADAPTIVE_BATCH_DEFAULTS.maxQueueSize);
    expect(settings.input).not.toHaveProperty('maxQueueSize');
  });

  test('options come before variables', () => {
    const settings = settled({ OTEL_BSP_SCHEDULE_DELAY: '250' }, { scheduledDelayMillis: 10 });
    expect(settings.batch.scheduledDelayMillis).toBe(10);
  });

  test('an export timeout of 0 means no timeout', () => {
    expect(settled({ OTEL_BSP_EXPORT_TIMEOUT: '0' }).export.retry?.maxElapsedMillis).toBe(Number.POSITIVE_INFINITY);
  });

  test.each([
    ['OTEL_BSP_MAX_QUEUE_SIZE', '0', 'a whole number from 1'],
    ['OTEL_BSP_MAX_QUEUE_SIZE', 'many', 'a whole number from 1'],
    ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '99999', UP_TO_QUEUE],
    ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '0x10', UP_TO_QUEUE],
    ['OTEL_BSP_SCHEDULE_DELAY', '-1', 'a duration in milliseconds, from 0 to 2147483647'],
    ['OTEL_BSP_EXPORT_TIMEOUT', '1e99', 'a duration in milliseconds, from 0 to 2147483647'],
  ])('%s=%s is warned about and ignored', (name, value, rule) => {
    const told = listening();
    const settings = settled({ [name]: value });
    expect(told).toEqual([`spanflow: ${name} is ignored: it must be ${rule}`]);
    const { maxQueueSize, maxExportBatchSize, scheduledDelayMillis } = ADAPTIVE_BATCH_DEFAULTS;
    expect(settings.batch).toMatchObject({ maxQueueSize, maxExportBatchSize, scheduledDelayMillis });
    expect(settings.input).not.toHaveProperty('maxQueueSize');
    expect(settings.export.retry?.maxElapsedMillis).toBe(RETRY_DEFAULTS.maxElapsedMillis);
  });

  test('enough batches may be out for the concurrency, and a lease outlives every export', () => {
    expect(settled({}).batch).toMatchObject({ maxUnsettledBatches: 256, holdLeaseMillis: 360_000 });
    expect(settled({}, { concurrency: 20 }).batch.maxUnsettledBatches).toBe(80);
    expect(settled({}, { concurrency: adaptiveConcurrency() }).batch.maxUnsettledBatches).toBe(256);
    expect(settled({}, { concurrency: 3 }).batch.maxUnsettledBatches).toBe(32);
    expect(settled({}, { concurrency: of(20) }).batch.maxUnsettledBatches).toBe(128);
    expect(settled({}, { concurrency: of(99), maxUnsettledBatches: 400 }).batch.maxUnsettledBatches).toBe(400);
    const patient = settled({}, { retry: { maxElapsedMillis: Number.POSITIVE_INFINITY } });
    expect(patient.batch.holdLeaseMillis).toBe(2 ** 31 - 1);
  });

  test.each([
    [
      {},
      'spanPipeline.sink must be a sink, an object with name and export(): otlpHttp() for example, but was given undefined',
    ],
    [{ sink, concurrency: 0 }, 'spanPipeline.concurrency must be a whole number from 1, but was given 0'],
    [{ sink, concurrency: Number.NaN }, 'spanPipeline.concurrency must be a whole number from 1, but was given NaN'],
    [{ sink, retry: 3 }, 'spanPipeline.retry must be an object, but was given 3'],
    [{ sink, retry: null }, 'spanPipeline.retry must be an object, but was given null'],
    [
      { sink, retry: { maxElapsedMillis: Number.NaN } },
      'spanPipeline.retry.maxElapsedMillis must be a duration in milliseconds, from 1',
    ],
    [{ sink, environment: 5 }, 'spanPipeline.environment must be an object, but was given 5'],
    [{ sink, maxUnsettledBatches: 0 }, 'spanPipeline.maxUnsettledBatches must be a whole number from 1, or Infinity'],
    [{ sink, maxQueueSize: -1 }, 'spanPipeline.maxQueueSize must be a whole number from 1, but was given -1'],
    [{ sink, overflow: 'error' }, "spanPipeline.overflow must be one of 'dropNewest', 'dropOldest'"],
    [
      { sink, exitDeadlineMillis: -1 },
      'spanPipeline.exitDeadlineMillis must be a duration in milliseconds, from 0 to 2147483647, but was given -1',
    ],
    [{ sink, delay: 5 }, 'spanPipeline.delay must be one of the known options'],
  ])('refuses %o', (options, message) => {
    const before = process.listenerCount('beforeExit');
    expect(() => spanPipeline(options as unknown as SpanPipelineOptions)).toThrow(message);
    expect(process.listenerCount('beforeExit')).toBe(before);
  });

  test('a span that ends while a shutdown sends the last ones is refused', async () => {
    const sink: Sink<ReadableSpan> = { name: 'ending', export: () => of({}) };
    const { pipeline, end } = traced({ sink });
    pipeline.outcomes$.subscribe(() => end(1));
    end(1);
    await pipeline.shutdown();
    expect(pipeline.stats()).toMatchObject({ delivered: 1, refused: { alreadyShutdown: 1 }, pending: 0 });
  });

  test('an option that a shutdown or a flush does not have is refused', async () => {
    const { pipeline } = traced({ sink: toMemory<ReadableSpan>() });
    expect(() => pipeline.shutdown({ timeoutMillis: 300 } as object)).toThrow(
      'spanPipeline.shutdown.timeoutMillis must be one of the known options',
    );
    expect(() => pipeline.forceFlush({ deadlineMillis: 300 } as object)).toThrow(
      'spanPipeline.forceFlush.deadlineMillis must be one of the known options',
    );
    await pipeline.shutdown();
  });

  test('a shutdown with an invalid deadline is refused, and shuts nothing down', async () => {
    const pipeline: SpanPipeline = spanPipeline({ sink });
    expect(() => pipeline.shutdown({ deadlineMillis: -1 })).toThrow(
      'spanPipeline.shutdown.deadlineMillis must be a duration in milliseconds',
    );
    await pipeline.shutdown();
  });
});
