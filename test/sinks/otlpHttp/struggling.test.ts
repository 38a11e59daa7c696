// Backends that refuse, come and go, over real sockets. Each step waits for the one before it; no assertion depends on how long a step takes.

import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { from, lastValueFrom, ReplaySubject, Subject, toArray } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  createLedger,
  exponentialBackoff,
  exportTo,
  type Outcome,
  retryBudget,
  spanPipeline,
} from '../../../src/index.ts';
import type { BackendAnswer, BackendRequest, OtlpBackend } from '../../../src/testing/index.ts';
import { otlpBackend } from '../../../src/testing/index.ts';
import { openSink, startBackend } from '../../support/httpExports.ts';
import { seeded, spanWith } from '../../support/spans.ts';

/** In real time, and long enough for the slowest machine: who waits for nothing is told so all the same. */
const WAIT_MILLIS = 60_000;
/** Timers count whole milliseconds. */
const TIMER_MILLIS = 1;

const BACKOFF = exponentialBackoff({ initialMillis: 1, maxMillis: 5 });

const batchesOf = (count: number, size = 1) =>
  Array.from({ length: count }, (_, batch) => Array.from({ length: size }, (_, item) => span(batch * size + item)));

function span(number: number): ReadableSpan {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const context = { traceId, spanId: (number + 1).toString(16).padStart(16, '0'), traceFlags: 1 };
  return spanWith({ spanContext: () => context });
}

/** Whether the n-th request is refused, whichever it is: drawn before, up to the last success. So the attempts are known, one for each answer. */
function refusalsBefore(batches: number, seed: number): boolean[] {
  const random = seeded(seed);
  const refusals: boolean[] = [];
  for (let successes = 0; successes < batches; ) {
    const isRefused = random() < 0.5;
    refusals.push(isRefused);
    if (!isRefused) successes += 1;
  }
  return refusals;
}

describe('a backend that answers 429 with Retry-After: 5 while eight requests are in flight', () => {
  it(
    'gets no other request in those five seconds, and then one alone',
    async () => {
      const refused = Promise.withResolvers<void>();
      const probed = Promise.withResolvers<void>();
      const cameAt: number[] = [];
      let saidAt = Number.NaN;
      const answers = async (_: BackendRequest, index: number): Promise<BackendAnswer> => {
        cameAt.push(performance.now());
        if (index === 0) {
          await backend.until(({ inFlight }) => inFlight === 8, WAIT_MILLIS);
          saidAt = performance.now();
          return { status: 429, headers: { 'retry-after': '5' } };
        }
        await (index < 8 ? refused.promise : probed.promise);
        return 'ok';
      };
      const backend = await startBackend({ answers });
      const ledger = createLedger();
      // Called when the refusal has arrived: only then the others are answered, and leave their slots to those that wait.
      const onRetry = () => refused.resolve();
      const options = {
        concurrency: 8,
        attemptTimeoutMillis: WAIT_MILLIS,
        retry: { backoff: BACKOFF },
        ledger,
        onRetry,
      };
      const outcomes = lastValueFrom(
        from(batchesOf(40)).pipe(exportTo(openSink({ url: backend.url }), options), toArray()),
      );
      await backend.until(({ requestCount }) => requestCount > 8, WAIT_MILLIS);
      // Whatever had begun together with the probe would come before these have been answered.
      const elsewhere = await startBackend();
      for (let count = 0; count < 20; count++) await (await fetch(elsewhere.url, { method: 'POST' })).arrayBuffer();
      expect(cameAt).toHaveLength(9);
      expect((cameAt[8] as number) - saidAt).toBeGreaterThanOrEqual(5_000 - TIMER_MILLIS);
      probed.resolve();
      expect((await outcomes).map(({ delivered }) => delivered)).toEqual(Array.from({ length: 40 }, () => 1));
      expect(backend.requestCount).toBe(41);
      expect(ledger.stats()).toMatchObject({ delivered: 40, possibleDuplicates: 0, pending: 0 });
    },
    WAIT_MILLIS,
  );
});

describe('a backend that is restarted again and again', () => {
  it(
    'loses nothing, and has twice only what is counted in possibleDuplicates',
    async () => {
      const restarts = 10;
      const taken: string[] = [];
      const take = ({ spans }: BackendRequest) => void taken.push(...spans.map(({ spanId }) => spanId));
      const down = new Subject<void>();
      /** Answers one request, keeps what it gets afterwards to itself, and is gone. */
      const mortal = (request: BackendRequest, index: number): BackendAnswer => {
        take(request);
        if (index === 0) return 'ok';
        down.next();
        return 'hang';
      };
      const immortal = (request: BackendRequest): BackendAnswer => {
        take(request);
        return 'ok';
      };
      let backend = await otlpBackend({ answers: mortal });
      onTestFinished(() => backend.close());
      const { port, url } = backend;
      const died = async () => {
        await new Promise<void>((resolve) => {
          const once = down.subscribe(() => {
            once.unsubscribe();
            resolve();
          });
        });
        await backend.close();
      };

      const retry = { backoff: BACKOFF, maxElapsedMillis: WAIT_MILLIS };
      const sink = openSink({ url });
      const pipeline = spanPipeline({ sink, maxExportBatchSize: 10, scheduledDelayMillis: 1, retry });
      onTestFinished(() => pipeline.shutdown({ deadlineMillis: 0 }));
      let sent = 0;
      for (let restart = 0; restart < restarts; restart++) {
        const dead = died();
        for (let count = 0; count < 100; count++) pipeline.processor.onEnd(span(sent++) as never);
        await dead;
        backend = await otlpBackend({ port, answers: restart === restarts - 1 ? immortal : mortal });
      }
      await pipeline.forceFlush({ timeoutMillis: WAIT_MILLIS });

      expect(new Set(taken).size).toBe(sent);
      const twice = taken.length - sent;
      const { delivered, possibleDuplicates, lost, pending } = pipeline.stats();
      expect({ delivered, lost, pending }).toEqual({ delivered: sent, lost: {}, pending: 0 });
      expect(twice).toBeGreaterThan(0);
      expect(twice).toBeLessThanOrEqual(possibleDuplicates);
    },
    WAIT_MILLIS,
  );
});

describe('a backend that answers every other request with 503, at random', () => {
  it.each([1, 2, 3])(
    'has each batch once, after as many attempts as it refuses: seed %d',
    async (seed) => {
      const batches = 200;
      const concurrency = 8;
      const refusals = refusalsBefore(batches, seed);
      const answers = (_: BackendRequest, index: number): BackendAnswer => (refusals[index] ? { status: 503 } : 'ok');
      const backend: OtlpBackend = await startBackend({ answers });
      const ledger = createLedger();
      const options = { concurrency, attemptTimeoutMillis: WAIT_MILLIS, retry: { backoff: BACKOFF }, ledger };
      const exported = from(batchesOf(batches, 5)).pipe(exportTo(openSink({ url: backend.url }), options), toArray());
      const outcomes: Outcome<ReadableSpan>[] = await lastValueFrom(exported);
      const attempts = outcomes.reduce((sum, outcome) => sum + outcome.attempts, 0);
      expect(outcomes.every(({ delivered }) => delivered === 5)).toBe(true);
      expect([attempts, backend.requestCount, backend.spans]).toEqual([refusals.length, refusals.length, 5 * batches]);
      // With n successes the refusals have mean n and variance 2n: six standard deviations.
      expect(attempts / batches).toBeLessThanOrEqual(2 + 6 * Math.sqrt(2 / batches));
      // Each refusal ends its connection.
      const refused = refusals.filter(Boolean).length;
      expect(backend.connections).toBeLessThanOrEqual(refused + concurrency);
      expect(ledger.stats()).toMatchObject({ delivered: 5 * batches, possibleDuplicates: 0, lost: {}, pending: 0 });
    },
    WAIT_MILLIS,
  );

  it.each([
    [1, 2.035],
    [2, 2.065],
    [3, 1.96],
  ])(
    'has each batch once, and never more retries than a budget gives: seed %d, %d attempts for each batch',
    async (seed, attemptsPerBatch) => {
      const batches = batchesOf(200);
      const concurrency = 8;
      const budget = { ratio: 0.5, minRetriesPerSecond: 50, maxSavedRetries: 10 };
      const refusals = refusalsBefore(batches.length, seed);
      const source = new ReplaySubject<ReadableSpan[]>();
      const sendNext = () => {
        const batch = batches.shift();
        if (batch === undefined) source.complete();
        else source.next(batch);
      };
      const begun = new Set<string>();
      let retries = 0;
      let tooMany = 0; // retries that are above the bound when they arrive, at most
      const beganAt = performance.now();
      const answers = ({ spans: [first] }: BackendRequest, index: number): BackendAnswer => {
        const id = first?.spanId as string;
        if (begun.has(id)) retries += 1;
        else sendNext();
        begun.add(id);
        // Of first attempts the budget has counted up to `concurrency` more: those that are on their way.
        const earned = budget.ratio * (begun.size + concurrency);
        const inTime = (budget.minRetriesPerSecond * (performance.now() - beganAt)) / 1_000;
        tooMany = Math.max(tooMany, retries - budget.maxSavedRetries - earned - inTime);
        return refusals[index] ? { status: 503 } : 'ok';
      };
      const backend = await startBackend({ answers });
      const ledger = createLedger();
      const retry = { backoff: BACKOFF };
      const options = {
        concurrency,
        attemptTimeoutMillis: WAIT_MILLIS,
        retry,
        retryBudget: retryBudget(budget),
        ledger,
      };
      for (let count = 0; count < concurrency; count++) sendNext();
      const outcomes = await lastValueFrom(source.pipe(exportTo(openSink({ url: backend.url }), options), toArray()));
      expect(tooMany).toBe(0);
      expect([retries, backend.requestCount]).toEqual([refusals.filter(Boolean).length, refusals.length]);
      expect(backend.requestCount / outcomes.length).toBe(attemptsPerBatch);
      expect(ledger.stats()).toMatchObject({ delivered: 200, possibleDuplicates: 0, lost: {}, pending: 0 });
    },
    WAIT_MILLIS,
  );
});
