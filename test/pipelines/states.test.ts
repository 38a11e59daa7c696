import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { BehaviorSubject, EMPTY, groupBy, mergeMap, NEVER, type Observable, of, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  adaptiveBatch,
  channel,
  circuitBreaker,
  ExportError,
  exponentialBackoff,
  exportHandle,
  exportTo,
  type Failure,
  type PipelineState,
  type Response,
  runPipeline,
  type Sink,
  type SpanPipelineOptions,
  spanPipeline,
  toMemory,
} from '../../src/index.ts';
import { logPipeline, type ReadableLogRecord } from '../../src/logs.ts';
import { type MetricDataPoint, metricPipeline } from '../../src/metrics.ts';
import { virtualTime } from '../../src/testing/index.ts';
import { logRecordWith } from '../support/logRecords.ts';
import { spanWith } from '../support/spans.ts';

const EACH_10_MILLIS = exponentialBackoff({ initialMillis: 10, maxMillis: 10, jitter: 'none' });

/** A sink that answers by turns, the last answer for ever: it is accepted, or fails as told. */
function answering<T>(...answers: readonly ('accepted' | Failure)[]): Sink<T> {
  let asked = 0;
  return {
    name: 'answering',
    export: (): Observable<Response> => {
      const answer = answers[Math.min(asked, answers.length - 1)] ?? 'accepted';
      asked += 1;
      return answer === 'accepted' ? of({}) : throwError(() => new ExportError(answer, 'as the test says'));
    },
  };
}

const LATER: Failure = { kind: 'retryable' };
const times = <V>(count: number, value: V) => Array.from({ length: count }, () => value);

function seen(source: { readonly state$: Observable<PipelineState> }): (PipelineState | '|')[] {
  const states: (PipelineState | '|')[] = [];
  source.state$.subscribe({ next: (state) => states.push(state), complete: () => states.push('|') });
  return states;
}

function piped(options: Partial<SpanPipelineOptions> & { sink: Sink<ReadableSpan> }) {
  const quick = { scheduledDelayMillis: 5, retry: { backoff: EACH_10_MILLIS }, environment: {} };
  const pipeline = spanPipeline({ ...quick, ...options } as SpanPipelineOptions);
  const end = (count = 1) => {
    for (let index = 0; index < count; index += 1) pipeline.processor.onEnd(spanWith() as ReadableSpan);
  };
  return { pipeline, states: seen(pipeline), end };
}

describe('every pipeline goes through the same states', () => {
  test.each([
    ['spanPipeline', () => spanPipeline({ sink: toMemory<ReadableSpan>(), environment: {} })],
    ['logPipeline', () => logPipeline({ sink: toMemory<ReadableLogRecord>(), environment: {} })],
    ['metricPipeline', () => metricPipeline({ sink: toMemory<MetricDataPoint>(), environment: {} })],
    ['a handle of a sink', () => exportHandle(toMemory())],
    ['a handle of a pipeline', () => spanPipeline({ sink: toMemory<ReadableSpan>(), environment: {} }).handle()],
    [
      'runPipeline',
      () => {
        const input = channel<string>();
        return runPipeline(input, input.items$.pipe(adaptiveBatch(), exportTo(toMemory<string>())));
      },
    ],
  ])('%s', (_name, make) =>
    virtualTime(async () => {
      const pipeline = make();
      const states = seen(pipeline);
      await pipeline.shutdown();
      expect(states).toEqual(['running', 'draining', 'stopped', '|']);
    }),
  );
});

describe('a composition is starting', () => {
  test('until the first stage that exports is subscribed', () =>
    virtualTime(async ({ advanceBy }) => {
      const input = channel<string>();
      const sink = toMemory<string>();
      const outcomes$ = input.items$.pipe(
        groupBy((item) => item),
        mergeMap((group) => group.pipe(adaptiveBatch({ scheduledDelayMillis: 5 }), exportTo(sink))),
      );
      const pipeline = runPipeline(input, outcomes$);
      const states = seen(pipeline);
      await advanceBy(1_000);
      expect(states).toEqual(['starting']);
      input.trySend('a');
      await advanceBy(1);
      expect(states).toEqual(['starting', 'running']);
      await pipeline.shutdown();
      expect(sink.items).toEqual(['a']);
    }));

  test('until its first outcome, where no stage of ours exports', () =>
    virtualTime(async ({ advanceBy }) => {
      const input = channel<string>();
      const pipeline = runPipeline(input, input.items$);
      const states = seen(pipeline);
      input.trySend('a');
      await advanceBy(10);
      expect(states).toEqual(['starting', 'running']);
      await pipeline.shutdown();
    }));

  test('and is not running when it is shut down before', () =>
    virtualTime(async () => {
      const pipeline = runPipeline(EMPTY, NEVER);
      const states = seen(pipeline);
      await pipeline.shutdown({ deadlineMillis: 10 });
      expect(states).toEqual(['starting', 'draining', 'stopped', '|']);
    }));
});

describe('a pipeline is degraded', () => {
  test('from five failed attempts in a row until one is accepted', () =>
    virtualTime(async ({ advanceBy }) => {
      const { pipeline, states, end } = piped({ sink: answering(...times(5, LATER), 'accepted') });
      end();
      await advanceBy(40);
      expect(states).toEqual(['running']);
      await advanceBy(6);
      expect(states).toEqual(['running', 'degraded']);
      await advanceBy(10);
      expect(states).toEqual(['running', 'degraded', 'running']);
      expect(pipeline.stats().delivered).toBe(1);
      await pipeline.shutdown();
    }));

  test('from a Retry-After until an attempt is accepted, not only until the time has passed', () =>
    virtualTime(async ({ advanceBy }) => {
      const throttled: Failure = { kind: 'throttled', retryAfterMillis: 100 };
      const { pipeline, states, end } = piped({ sink: answering(throttled, LATER, 'accepted') });
      end();
      await advanceBy(10);
      expect(states).toEqual(['running', 'degraded']);
      await advanceBy(97);
      expect(states).toEqual(['running', 'degraded']);
      await advanceBy(50);
      expect(states).toEqual(['running', 'degraded', 'running']);
      await pipeline.shutdown();
    }));

  test('while its breaker is not closed, also one that others have opened', () =>
    virtualTime(async ({ advanceBy }) => {
      const backoff = exponentialBackoff({ initialMillis: 1_000, maxMillis: 1_000, jitter: 'none' });
      const breaker = circuitBreaker({ consecutiveFailures: 1, backoff });
      const other = piped({ sink: answering(LATER, 'accepted'), breaker });
      const { pipeline, states } = piped({ sink: toMemory(), breaker });
      other.end();
      await advanceBy(10);
      const health = pipeline.stats().stages['exportTo(toMemory)']?.health;
      expect([states, health]).toEqual([['running', 'degraded'], { isFailing: true, breaker: 'open' }]);
      await advanceBy(1_000);
      expect(states).toEqual(['running', 'degraded', 'running']);
      expect(pipeline.stats().stages['exportTo(toMemory)']?.health).toEqual({ isFailing: false, breaker: 'closed' });
      await Promise.all([pipeline.shutdown(), other.pipeline.shutdown()]);
    }));

  test('when one of its sinks is failing, and the statistics say which', () =>
    virtualTime(async ({ advanceBy }) => {
      const sinks = { main: toMemory<ReadableSpan>(), audit: answering<ReadableSpan>(LATER) };
      const { pipeline, states, end } = piped({ sinks, sink: undefined } as never);
      end();
      await advanceBy(100);
      expect(states).toEqual(['running', 'degraded']);
      const { stages } = pipeline.stats();
      const failing = Object.entries(stages).filter(([, { health }]) => health?.isFailing);
      expect(failing.map(([stage]) => stage)).toEqual(['exportTo(answering)']);
      await pipeline.shutdown({ deadlineMillis: 0 });
    }));

  test('from the beginning, when its sink is known to fail', () =>
    virtualTime(async ({ advanceBy }) => {
      const sink = answering<ReadableSpan>(LATER);
      const first = piped({ sink });
      first.end();
      await advanceBy(100);
      expect(piped({ sink }).states).toEqual(['degraded']);
    }));

  test('and paused, or draining, hides it', () =>
    virtualTime(async ({ advanceBy }) => {
      const pauseWhen = new BehaviorSubject(false);
      const { pipeline, states, end } = piped({ sink: answering(LATER), pauseWhen });
      end();
      await advanceBy(100);
      pauseWhen.next(true);
      pauseWhen.next(false);
      await pipeline.shutdown({ deadlineMillis: 50 });
      expect(states).toEqual(['running', 'degraded', 'paused', 'degraded', 'draining', 'stopped', '|']);
    }));

  test('no longer, when what failed is not exported to any more', () =>
    virtualTime(async ({ advanceBy }) => {
      const input = channel<string>();
      const out = exportTo(answering<string>(LATER), { retry: { maxAttempts: 5, backoff: EACH_10_MILLIS } });
      const pipeline = runPipeline(input, input.items$.pipe(mergeMap((item) => of([item]).pipe(out))));
      const states = seen(pipeline);
      input.trySend('a');
      await advanceBy(100);
      expect(states).toEqual(['starting', 'running', 'degraded', 'running']);
      await pipeline.shutdown();
    }));
});

describe('a shutdown reports', () => {
  test('what it delivered and what it could not, not what was before', () =>
    virtualTime(async ({ advanceBy }) => {
      const silent: Sink<ReadableSpan> = { name: 'silent', export: () => NEVER };
      const { pipeline, end } = piped({ sink: silent, retry: { maxElapsedMillis: 100 } });
      end(3);
      await advanceBy(1_000);
      expect(pipeline.stats().lost).toEqual({ unconfirmed: 3 });
      end(2);
      const report = await pipeline.shutdown({ deadlineMillis: 50 });
      expect(report).toEqual({ delivered: 0, rejected: 0, lost: { unconfirmed: 2 }, elapsedMillis: 50 });
    }));

  test('nothing lost where everything is delivered, and how long that took', () =>
    virtualTime(async () => {
      const { pipeline, end } = piped({ sink: answering(LATER, 'accepted') });
      end(4);
      expect(await pipeline.shutdown()).toEqual({ delivered: 4, rejected: 0, lost: {}, elapsedMillis: 10 });
    }));

  test('what comes too late, and what the backend refuses', () =>
    virtualTime(async () => {
      const rejecting: Sink<ReadableSpan> = { name: 'rejecting', export: () => of({ rejected: 1 }) };
      const { pipeline, end } = piped({ sink: rejecting });
      end(2);
      const shutdown = pipeline.shutdown();
      end(3);
      expect(await shutdown).toMatchObject({ delivered: 1, rejected: 1, lost: { alreadyShutdown: 3 } });
    }));

  test('what a best-effort route loses, whatever another one has lost before', () =>
    virtualTime(async ({ advanceBy }) => {
      let isDown = false;
      const main: Sink<ReadableSpan> = {
        name: 'main',
        export: () => (isDown ? of({}) : throwError(() => new ExportError({ kind: 'permanent' }, 'no'))),
      };
      const audit: Sink<ReadableSpan> = {
        name: 'audit',
        export: () => (isDown ? throwError(() => new ExportError({ kind: 'permanent' }, 'no')) : of({})),
      };
      const { pipeline, end } = piped({ sinks: { main, audit: { sink: audit, required: false } } } as never);
      end(5);
      await advanceBy(100);
      isDown = true;
      end(2);
      expect(await pipeline.shutdown()).toMatchObject({ delivered: 2, lost: { permanent: 2 } });
    }));

  test('the same to everybody: a second call gives the promise of the first', () =>
    virtualTime(async () => {
      const { pipeline, end } = piped({ sink: answering() });
      end();
      const first = pipeline.shutdown();
      expect(pipeline.shutdown({ deadlineMillis: 0 })).toBe(first);
      expect(pipeline.handle().shutdown()).toBe(first);
      await first;
      expect(pipeline.shutdown()).toBe(first);
    }));

  test('in time, whatever a sink does', () =>
    virtualTime(async ({ now }) => {
      const stuck: Sink<ReadableSpan> = {
        name: 'stuck',
        export: () => NEVER,
        forceFlush: () => new Promise(() => {}),
        shutdown: () => new Promise(() => {}),
      };
      const { pipeline, end } = piped({ sink: stuck });
      end();
      await pipeline.shutdown({ deadlineMillis: 100 });
      // The sink has a second more, or the deadline once more if that is less.
      expect(now()).toBe(200);
    }));

  test('to a provider of the SDK, too, whose types it fits', () =>
    virtualTime(async () => {
      const { processor, shutdown } = logPipeline({ sink: toMemory<ReadableLogRecord>(), environment: {} });
      processor.onEmit(logRecordWith() as Parameters<typeof processor.onEmit>[0]);
      const ofSdk: () => Promise<void> = shutdown;
      expect(await ofSdk()).toMatchObject({ delivered: 1 });
    }));
});
