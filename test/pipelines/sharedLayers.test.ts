import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { of, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  type BreakerState,
  type CircuitBreaker,
  circuitBreaker,
  ExportError,
  exponentialBackoff,
  exportHandle,
  type Outcome,
  rateLimit,
  retryBudget,
  type Sink,
  spanPipeline,
} from '../../src/index.ts';
import { marbles, virtualTime } from '../../src/testing/index.ts';

const OPEN_FOR = exponentialBackoff({ initialMillis: 60_000, maxMillis: 60_000, jitter: 'none' });
const breakerAtOnce = () => circuitBreaker({ consecutiveFailures: 1, backoff: OPEN_FOR });
const SHORT = { retry: { backoff: exponentialBackoff({ initialMillis: 1, maxMillis: 1, jitter: 'none' }) } };

/** Fails as often, then answers; and how often it was asked. */
function flaky<T>(failures: number) {
  const sink: Sink<T> & { asked: number } = {
    name: 'flaky',
    asked: 0,
    export: () => {
      sink.asked += 1;
      return sink.asked > failures ? of({}) : throwError(() => new ExportError({ kind: 'retryable' }, '503'));
    },
  };
  return sink;
}

function statesOf(breaker: CircuitBreaker): BreakerState[] {
  const states: BreakerState[] = [];
  breaker.state$.subscribe((state) => states.push(state));
  return states;
}

describe('spanPipeline', () => {
  test('while its breaker is open, spans wait in the queue; at the deadline of a shutdown they are lost to it', () =>
    marbles(async ({ spans }) => {
      const { a, b } = spans();
      const [sink, breaker] = [flaky<ReadableSpan>(1), breakerAtOnce()];
      const pipeline = spanPipeline({ sink, breaker, ...SHORT, environment: {} });
      const outcomes: Outcome<ReadableSpan>[] = [];
      pipeline.outcomes$.subscribe((outcome) => outcomes.push(outcome));
      const states = statesOf(breaker);
      pipeline.processor.onEnd(a);
      await pipeline.forceFlush({ timeoutMillis: 1_000 }).catch(() => {});
      pipeline.processor.onEnd(b);
      await pipeline.forceFlush({ timeoutMillis: 1_000 }).catch(() => {});
      expect(pipeline.stats()).toMatchObject({ accepted: 2, pending: 2 });
      await pipeline.shutdown({ deadlineMillis: 5_000 });
      expect(sink.asked).toBe(1);
      expect(states).toEqual(['closed', 'open']);
      expect(outcomes.flatMap(({ lost }) => lost.map(({ reason }) => reason))).toEqual(['shutdown', 'shutdown']);
      expect(pipeline.stats()).toMatchObject({ accepted: 2, pending: 0 });
    }));

  test('two pipelines that share a breaker wait together', () =>
    marbles(async ({ spans }) => {
      const { a, b } = spans();
      const [one, other, breaker] = [flaky<ReadableSpan>(1), flaky<ReadableSpan>(0), breakerAtOnce()];
      const [first, second] = [one, other].map((sink) => spanPipeline({ sink, breaker, ...SHORT, environment: {} }));
      first?.processor.onEnd(a);
      await first?.forceFlush({ timeoutMillis: 1_000 }).catch(() => {});
      second?.processor.onEnd(b);
      await second?.forceFlush({ timeoutMillis: 1_000 }).catch(() => {});
      expect(other.asked).toBe(0);
      await Promise.all([first?.shutdown(), second?.shutdown()]);
    }));

  test('its rate and its retry budget hold', () =>
    marbles(async ({ spans, now }) => {
      const { a, b } = spans();
      const sink = flaky<ReadableSpan>(2);
      const limit = rateLimit({ requestsPerSecond: 10, burstMillis: 100 });
      const budget = retryBudget({ ratio: 0, minRetriesPerSecond: 1, maxSavedRetries: 1 });
      const options = { rateLimit: limit, retryBudget: budget, ...SHORT };
      const pipeline = spanPipeline({ sink, ...options, environment: {} });
      pipeline.processor.onEnd(a);
      const startedAt = now();
      await pipeline.forceFlush();
      // The first attempt at once, a retry 100 ms later, and the next one a second after the first took the only saved one.
      expect(now() - startedAt).toBeGreaterThan(1_000);
      expect(now() - startedAt).toBeLessThan(1_200);
      pipeline.processor.onEnd(b);
      await pipeline.shutdown();
      expect(pipeline.stats()).toMatchObject({ delivered: 2, pending: 0 });
      expect(sink.asked).toBe(4);
    }));
});

describe('exportHandle', () => {
  test('a call waits while the breaker is open, and is answered for what became of it', () =>
    virtualTime(async ({ now }) => {
      const [sink, breaker] = [flaky<number>(1), breakerAtOnce()];
      const handle = exportHandle(sink, { breaker, ...SHORT, scheduledDelayMillis: 1 });
      expect(await handle.export([1, 2])).toMatchObject({ delivered: 2, attempts: 2 });
      expect(now()).toBeGreaterThanOrEqual(60_000);
      await handle.shutdown();
    }));

  test('its rate and its retry budget hold', () =>
    virtualTime(async ({ now }) => {
      const options = {
        rateLimit: rateLimit({ itemsPerSecond: 10, burstMillis: 100 }),
        retryBudget: retryBudget({ ratio: 0, minRetriesPerSecond: 0.5, maxSavedRetries: 1 }),
      };
      const handle = exportHandle(flaky<number>(2), { ...options, ...SHORT, scheduledDelayMillis: 1 });
      expect(await handle.export([1])).toMatchObject({ delivered: 1, attempts: 3 });
      expect(now()).toBeGreaterThan(2_000);
      await handle.shutdown();
    }));
});
