import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { BehaviorSubject, Subject } from 'rxjs';
import { afterEach, describe, expect, test } from 'vitest';
import { exportHandle, type PipelineState, type SpanPipelineOptions, spanPipeline, toMemory } from '../../src/index.ts';
import { marbles } from '../../src/testing/index.ts';

/** Runs a test in virtual time, with a pipeline and what it has been through. */
function piped(
  options: Partial<SpanPipelineOptions>,
  check: (piece: ReturnType<typeof parts> & { advanceBy: (millis: number) => Promise<void> }) => Promise<void>,
) {
  return marbles(async ({ spans, advanceBy }) => {
    await check({ ...parts(options, Object.values(spans())), advanceBy });
  });
}

function parts(options: Partial<SpanPipelineOptions>, spans: readonly ReadableSpan[]) {
  const sink = toMemory<ReadableSpan>();
  const pipeline = spanPipeline({ sink, environment: {}, scheduledDelayMillis: 5, ...options });
  const states: (PipelineState | '|')[] = [];
  pipeline.state$.subscribe({ next: (state) => states.push(state), complete: () => states.push('|') });
  let ended = 0;
  const end = (count: number) => {
    for (let index = 0; index < count; index += 1) pipeline.processor.onEnd(spans[ended++] as ReadableSpan);
  };
  return { pipeline, sink, states, end };
}

afterEach(() => diag.disable());

describe('a pipeline that is paused', () => {
  test('accepts spans and exports none until it is resumed; its state tells', () =>
    piped({}, async ({ pipeline, sink, states, end, advanceBy }) => {
      pipeline.pause();
      pipeline.pause();
      end(3);
      await advanceBy(1_000);
      expect(sink.items).toHaveLength(0);
      expect(pipeline.stats()).toMatchObject({ accepted: 3, pending: 3, attempts: 0 });
      pipeline.resume();
      await advanceBy(10);
      expect(sink.items).toHaveLength(3);
      await pipeline.shutdown();
      expect(states).toEqual(['running', 'paused', 'running', 'draining', 'stopped', '|']);
    }));

  test('is paused as long as pause() or pauseWhen says so', () => {
    const pauseWhen = new BehaviorSubject(true);
    return piped({ pauseWhen }, async ({ pipeline, states, advanceBy }) => {
      pipeline.pause();
      pauseWhen.next(false);
      await advanceBy(10);
      expect(states).toEqual(['paused']);
      pauseWhen.next(true);
      pipeline.resume();
      expect(states).toEqual(['paused']);
      pauseWhen.next(false);
      expect(states).toEqual(['paused', 'running']);
      await pipeline.shutdown();
      expect(pauseWhen.observed).toBe(false);
    });
  });

  test('a flush waits for the end of the pause', () =>
    piped({}, async ({ pipeline, sink, end, advanceBy }) => {
      pipeline.pause();
      end(2);
      const flushed = pipeline.forceFlush();
      await advanceBy(100);
      expect(sink.items).toHaveLength(0);
      pipeline.resume();
      await flushed;
      expect(sink.items).toHaveLength(2);
      await pipeline.shutdown();
    }));

  test('a flush rejects at its timeout, and says that the pipeline is paused', () =>
    piped({}, async ({ pipeline, end }) => {
      pipeline.pause();
      await pipeline.forceFlush(); // nothing is pending
      end(2);
      await expect(pipeline.forceFlush({ timeoutMillis: 50 })).rejects.toMatchObject({
        code: 'FLUSH_TIMEOUT',
        message:
          'forceFlush did not finish within 50 ms, because spanPipeline is paused; what is still pending goes on when it is resumed',
      });
      await pipeline.shutdown();
    }));

  test('a shutdown sends what it has, and nothing pauses it', () => {
    const pauseWhen = new BehaviorSubject(true);
    return piped({ pauseWhen }, async ({ pipeline, sink, states, end }) => {
      end(3);
      const closed = pipeline.shutdown();
      pipeline.pause();
      pauseWhen.next(true);
      await closed;
      pipeline.pause();
      expect(sink.items).toHaveLength(3);
      expect(pipeline.stats()).toMatchObject({ delivered: 3, pending: 0 });
      expect(states).toEqual(['paused', 'draining', 'stopped', '|']);
    });
  });

  test('a drain at exit sends what it has, and the pause goes on afterwards', () =>
    piped({}, async ({ pipeline, sink, states, end, advanceBy }) => {
      pipeline.pause();
      end(3);
      await advanceBy(10);
      process.emit('beforeExit', 0);
      await advanceBy(10);
      expect(sink.items).toHaveLength(3);
      expect(states).toEqual(['running', 'paused', 'running', 'paused']);
      await pipeline.shutdown();
    }));

  test('a pauseWhen that fails is counted and told, and the last state stays', async () => {
    const told: string[] = [];
    const tell = (message: string) => void told.push(message);
    const logger: DiagLogger = { error: tell, warn: tell, info: tell, debug: tell, verbose: tell };
    diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
    const pauseWhen = new Subject<boolean>();
    await piped({ pauseWhen }, async ({ pipeline, states }) => {
      pauseWhen.next(true);
      pauseWhen.error(new Error('no more of it'));
      expect(pipeline.stats().callbackErrors).toBe(1);
      expect(states).toEqual(['running', 'paused']);
      await pipeline.shutdown();
    });
    expect(told.join()).toContain('no more of it');
  });
});

test('an exportHandle is paused by pauseWhen, and answers when it goes on', () =>
  marbles(async ({ advanceBy }) => {
    const pauseWhen = new BehaviorSubject(true);
    const sink = toMemory<string>();
    const handle = exportHandle(sink, { pauseWhen });
    const answer = handle.export(['a', 'b']);
    await advanceBy(1_000);
    expect(sink.items).toEqual([]);
    await expect(handle.forceFlush({ timeoutMillis: 5 })).rejects.toThrow('because exportHandle is paused');
    pauseWhen.next(false);
    expect((await answer).delivered).toBe(2);
    await handle.shutdown();
  }));
