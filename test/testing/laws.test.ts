import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HrTime } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import {
  bufferCount,
  concatMap,
  filter,
  map,
  merge,
  mergeMap,
  Observable,
  type OperatorFunction,
  share,
  takeUntil,
  timeout,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { asBatch } from '../../marble-tests/rxjs/support.ts';
import {
  adaptiveBatch,
  type Batch,
  exponentialBackoff,
  exportTo,
  raceTimeout,
  retryWithBackoff,
  withItems,
} from '../../src/index.ts';
import { boundedMergeMap } from '../../src/streams.ts';
import { anySpan, checkLaws, type Pipeline, pipelineLaws, type World } from '../../src/testing/laws/index.ts';
import { randomRuns } from '../support/randomRuns.ts';
import { violationOf } from './violationOf.ts';

const RUNS = randomRuns(60);

/** Options so small that a short schedule reaches all of them. */
const limits = fc.record({
  maxQueueSize: fc.integer({ min: 5, max: 60 }),
  maxExportBatchSize: fc.integer({ min: 1, max: 5 }),
  scheduledDelayMillis: fc.nat(100),
  maxUnsettledBatches: fc.integer({ min: 1, max: 12 }),
  overflow: fc.constantFrom('dropNewest' as const, 'dropOldest' as const),
  concurrency: fc.integer({ min: 1, max: 4 }),
  attemptTimeoutMillis: fc.integer({ min: 1, max: 150 }),
  maxAttempts: fc.integer({ min: 1, max: 4 }),
});
type Limits = typeof limits extends fc.Arbitrary<infer L> ? L : never;

const batches = (
  { ledger, onLoss, flushWhen }: World,
  { concurrency: _, attemptTimeoutMillis: __, maxAttempts: ___, ...options }: Limits,
) =>
  adaptiveBatch<ReadableSpan>({
    ...options,
    minExportBatchSize: 1,
    initialExportBatchSize: 1,
    flushWhen,
    ledger,
    onLoss,
  });

const exported = (
  { sink, ledger, onLoss, random, stopWhen }: World,
  { concurrency, attemptTimeoutMillis, maxAttempts }: Limits,
): OperatorFunction<Batch<ReadableSpan> | readonly ReadableSpan[], unknown> =>
  exportTo<ReadableSpan>(sink, {
    concurrency,
    attemptTimeoutMillis,
    retry: { maxAttempts, maxElapsedMillis: 1_000, backoff: exponentialBackoff({ initialMillis: 10, maxMillis: 200 }) },
    stopWhen,
    ledger,
    onLoss,
    random,
  });

const most = ({ maxQueueSize, maxUnsettledBatches, maxExportBatchSize, concurrency }: Limits) => ({
  pending: maxQueueSize + maxUnsettledBatches * maxExportBatchSize,
  attempts: concurrency,
});

describe('a pipeline of ours', () => {
  it('obeys the laws', async () => {
    const pipeline: Pipeline<Limits> = (world, drawn) =>
      world.spans$.pipe(batches(world, drawn), exported(world, drawn));
    await fc.assert(pipelineLaws(pipeline, { given: limits, bounds: most }), RUNS);
  });

  it('obeys them with a filter in front, if mayVanish names the filtered spans', async () => {
    const keeps = (span: ReadableSpan) => Number.parseInt(span.spanContext().spanId, 16) % 3 !== 0;
    const pipeline: Pipeline<Limits> = (world, drawn) =>
      world.spans$.pipe(filter(keeps), batches(world, drawn), exported(world, drawn));
    const options = { given: limits, bounds: most, mayVanish: (span: ReadableSpan) => !keeps(span) };
    await fc.assert(pipelineLaws(pipeline, options), RUNS);
    expect(await violationOf(pipeline, { given: limits })).toMatch(/^conservation: \d+ spans vanished/);
  });

  it('obeys them with plain arrays, except for the spans that bufferCount drops', async () => {
    const pipeline: Pipeline<Limits> = (world, drawn) => world.spans$.pipe(bufferCount(4), exported(world, drawn));
    const options = { given: limits, mayVanish: (_: ReadableSpan, ending: string) => ending !== 'complete' };
    await fc.assert(pipelineLaws(pipeline, options), RUNS);
  });

  it('obeys them with two subscribers by share, and a filter within the batches', async () => {
    const odd = ({ items }: Batch<ReadableSpan>) => items.filter((_, index) => index % 2 === 0);
    const pipeline: Pipeline<Limits> = (world, drawn) => {
      const shared = world.spans$.pipe(batches(world, drawn), share());
      const halved = shared.pipe(map((batch) => withItems(batch, odd(batch))));
      return merge(shared.pipe(exported(world, drawn)), halved.pipe(exported(world, drawn)));
    };
    const options = {
      given: limits,
      bounds: (drawn: Limits) => ({ ...most(drawn), attempts: 2 * drawn.concurrency }),
      // The first subscriber is unsubscribed before the second, which then filters a last batch alone.
      mayVanish: (_: ReadableSpan, ending: string) => ending === 'unsubscribe',
    };
    await fc.assert(pipelineLaws(pipeline, options), RUNS);
  });

  it('obeys them with operators that do not know each other', async () => {
    const pipeline: Pipeline<Limits> = ({ spans$, sink, onLoss, random }, drawn) => {
      const { concurrency, maxQueueSize, attemptTimeoutMillis, maxAttempts, overflow } = drawn;
      const backoff = exponentialBackoff({ initialMillis: 10, maxMillis: 200 });
      const attempts = (span: ReadableSpan) =>
        sink
          .export(asBatch([span]))
          .pipe(raceTimeout({ millis: attemptTimeoutMillis }), retryWithBackoff({ backoff, maxAttempts, random }));
      return spans$.pipe(boundedMergeMap(attempts, { concurrency, maxQueueSize, overflow, onLoss }));
    };
    const bounds = ({ maxQueueSize, concurrency }: Limits) => ({ pending: maxQueueSize, attempts: concurrency });
    await fc.assert(pipelineLaws(pipeline, { given: limits, bounds }), RUNS);
  });
});

describe('checkLaws', () => {
  it('runs one scenario, promises and host timers included', async () => {
    const [shape] = fc.sample(anySpan(), { numRuns: 1, seed: 1 });
    const schedule = {
      events: [
        { kind: 'spans', atMillis: 1, count: 3 },
        { kind: 'flush', atMillis: 2 },
        { kind: 'stop', atMillis: 90 },
      ],
      ending: { kind: 'complete', atMillis: 100 },
    } as const;
    const answers = [{ kind: 'answers', delayMillis: 5, rejected: 0 }] as const;
    const seen: unknown[] = [];
    const pipeline: Pipeline<undefined> = (world) =>
      world.spans$.pipe(
        concatMap(async (span) => {
          await new Promise((resolve) => setTimeout(resolve, 5));
          seen.push(span.name);
          return [span];
        }),
        mergeMap((items) => world.sink.export(asBatch(items))),
        timeout(1_000),
        takeUntil(new Observable(() => {})),
      );
    await checkLaws(pipeline, { schedule, answers, shapes: [shape as ReadableSpan] }, undefined);
    expect(seen).toHaveLength(3);
  });
});

describe('anySpan', () => {
  it('generates spans with valid times, ids and parents', () => {
    fc.assert(
      fc.property(anySpan(), (span) => {
        const { traceId, spanId } = span.spanContext();
        expect(traceId).toMatch(/^[0-9a-f]{32}$/);
        expect(spanId).toMatch(/^[0-9a-f]{16}$/);
        expect(span.endTime[0]).toBeGreaterThanOrEqual(span.startTime[0]);
        expect(nanosOf(span.endTime)).toBe(nanosOf(span.startTime) + nanosOf(span.duration));
        expect(span.endTime[1]).toBeLessThan(1_000_000_000);
        expect(span.parentSpanContext?.traceId ?? traceId).toBe(traceId);
        expect(span.resource.merge(null).attributes).toEqual(span.resource.attributes);
        expect(span.resource.getRawAttributes()).toEqual(Object.entries(span.resource.attributes));
      }),
    );
  });
});

function nanosOf([seconds, nanos]: HrTime): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
}

describe('fast-check', () => {
  it('is imported only by the laws', () => {
    const kit = join(import.meta.dirname, '..', '..', 'src', 'testing');
    const files = readdirSync(kit, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    const importing = files.filter((file) => readFileSync(join(kit, file), 'utf8').includes("from 'fast-check'"));
    expect(importing.every((file) => file.startsWith('laws'))).toBe(true);
    const reached = files
      .filter((file) => !file.startsWith('laws'))
      .map((file) => readFileSync(join(kit, file), 'utf8'));
    expect(reached.filter((text) => text.includes("from './laws/"))).toEqual([]);
  });
});
