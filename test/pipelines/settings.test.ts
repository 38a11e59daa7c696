import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { BehaviorSubject, map, NEVER, Subject, timer } from 'rxjs';
import { afterEach, describe, expect, test } from 'vitest';
import { exportHandle, type PipelineChanges, type Sink, spanPipeline, toMemory } from '../../src/index.ts';
import { marbles } from '../../src/testing/index.ts';

/** A sink that answers after a while, and remembers how large its batches were. */
function slow<T>(millis: number) {
  const sizes: number[] = [];
  const sink: Sink<T> = {
    name: 'slow',
    export: ({ items }) => {
      sizes.push(items.length);
      return timer(millis).pipe(map(() => ({})));
    },
  };
  return { sink, sizes };
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

describe('settings$ of a pipeline', () => {
  test('changes its batches and its exports, from the first value on', () =>
    marbles(async ({ spans, advanceBy }) => {
      const { sink, sizes } = slow<ReadableSpan>(100);
      const settings$ = new BehaviorSubject<PipelineChanges>({ maxExportBatchSize: 2, concurrency: 3 });
      const pipeline = spanPipeline({ sink, environment: {}, concurrency: 1, settings$ });
      for (const span of Object.values(spans()).slice(0, 8)) pipeline.processor.onEnd(span);
      await advanceBy(10);
      expect(sizes).toEqual([2, 2, 2]);
      expect(pipeline.stats()).toMatchObject({ batchSize: 2, running: 3 });
      settings$.next({ concurrency: 100 });
      await pipeline.shutdown();
      expect(pipeline.stats()).toMatchObject({ delivered: 8, callbackErrors: 0 });
      expect(settings$.observed).toBe(false);
    }));

  test('lets as many batches be out as a higher concurrency needs', () =>
    marbles(async ({ spans, advanceBy }) => {
      const { sink, sizes } = slow<ReadableSpan>(100);
      const settings$ = new Subject<PipelineChanges>();
      const options = { maxExportBatchSize: 1, concurrency: 1 };
      const pipeline = spanPipeline({ sink, environment: {}, ...options, settings$ });
      settings$.next({ concurrency: 40 });
      const [span] = Object.values(spans());
      for (let index = 0; index < 40; index += 1) pipeline.processor.onEnd(span as ReadableSpan);
      await advanceBy(10);
      expect(sizes).toHaveLength(40);
      await pipeline.shutdown();
    }));

  test('a wrong change is told by the name of the pipeline, is counted, and changes no stage', () =>
    marbles(async () => {
      const told = listening();
      const settings$ = new Subject<PipelineChanges>();
      const pipeline = spanPipeline({ sink: toMemory(), environment: {}, warnIntervalMillis: 0, settings$ });
      settings$.next({ maxExportBatchSize: 2, attemptTimeoutMillis: -1 });
      settings$.next({ maxQueueSize: 2 } as never);
      settings$.error(new Error('no more of it'));
      expect(pipeline.stats()).toMatchObject({ batchSize: 500, callbackErrors: 3 });
      await pipeline.shutdown();
      expect(told.join()).toContain('spanPipeline.settings$.attemptTimeoutMillis must be');
    }));

  test('a longer deadline of retries makes the lease of batches longer, and a shorter one leaves it', () =>
    marbles(async ({ spans, advanceBy }) => {
      const settings$ = new Subject<PipelineChanges>();
      const sink: Sink<ReadableSpan> = { name: 'silent', export: () => NEVER };
      const retry = { maxElapsedMillis: 10_000 };
      const endless = { attemptTimeoutMillis: Number.POSITIVE_INFINITY, scheduledDelayMillis: 0 };
      const pipeline = spanPipeline({ sink, environment: {}, ...endless, retry, settings$ });
      const end = (letters: readonly ReadableSpan[]) => {
        for (const span of letters) pipeline.processor.onEnd(span);
        return advanceBy(100);
      };
      const [first, ...others] = Object.values(spans()).slice(0, 3);
      await end([first as ReadableSpan]);
      settings$.next({ retry: { maxElapsedMillis: 200_000 } });
      await end(others);
      settings$.next({ retry: { maxElapsedMillis: 10_000 } });
      await advanceBy(199_000);
      // The first one was taken with ten seconds, the others with two hundred.
      expect(pipeline.stats()).toMatchObject({ pending: 2, lost: { unconfirmed: 1 } });
      await advanceBy(2_000);
      expect(pipeline.stats()).toMatchObject({ pending: 0, lost: { unconfirmed: 3 } });
      await pipeline.shutdown();
    }));
});

test('settings$ of an exportHandle makes its batches larger than they were', () =>
  marbles(async () => {
    const { sink, sizes } = slow<number>(10);
    const settings$ = new Subject<PipelineChanges>();
    const handle = exportHandle(sink, { maxExportBatchSize: 5, settings$ });
    settings$.next({ maxExportBatchSize: 50 });
    const { delivered } = await handle.export(Array.from({ length: 100 }, (_, index) => index));
    expect(delivered).toBe(100);
    expect(Math.max(...sizes)).toBeGreaterThan(5);
    settings$.next({ maxExportBatchSize: 40_000 });
    expect(handle.stats().callbackErrors).toBe(1);
    await handle.shutdown();
  }));
