import type { HrTime } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import {
  bufferCount,
  bufferTime,
  concatMap,
  filter,
  finalize,
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
import { boundedMergeMap } from '../../src/operators/index.ts';
import {
  anyBackend,
  anyScenario,
  anySpan,
  checkLaws,
  type LawOptions,
  LawViolation,
  type Pipeline,
  pipelineLaws,
  type World,
} from '../../src/testing/laws/index.ts';
import { pairs } from './wrongOperators.ts';

const RUNS = Number(process.env.SPANFLOW_RUNS ?? 60);

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

/** The message with which a pipeline breaks a law, at its smallest. */
async function violationOf<G = undefined>(pipeline: Pipeline<G>, options: LawOptions<G> = {}): Promise<string> {
  const scenario = anyScenario({ answers: anyBackend({ kinds: ['answers'] }) });
  const { failed, errorInstance } = await fc.check(pipelineLaws(pipeline, { scenario, ...options }), { numRuns: 300 });
  expect(failed, 'a law is broken').toBe(true);
  expect(errorInstance).toBeInstanceOf(LawViolation);
  return (errorInstance as LawViolation).message;
}

describe('a pipeline of ours', () => {
  it('obeys the laws', async () => {
    const pipeline: Pipeline<Limits> = (world, drawn) =>
      world.spans$.pipe(batches(world, drawn), exported(world, drawn));
    await fc.assert(pipelineLaws(pipeline, { given: limits, bounds: most }), { numRuns: RUNS });
  });

  it('obeys them with a filter in front, when it is said what that takes out', async () => {
    const keeps = (span: ReadableSpan) => Number.parseInt(span.spanContext().spanId, 16) % 3 !== 0;
    const pipeline: Pipeline<Limits> = (world, drawn) =>
      world.spans$.pipe(filter(keeps), batches(world, drawn), exported(world, drawn));
    const options = { given: limits, bounds: most, mayVanish: (span: ReadableSpan) => !keeps(span) };
    await fc.assert(pipelineLaws(pipeline, options), { numRuns: RUNS });
    expect(await violationOf(pipeline, { given: limits })).toMatch(/^conservation: \d+ spans vanished/);
  });

  it('obeys them with plain arrays, but for what bufferCount drops', async () => {
    const pipeline: Pipeline<Limits> = (world, drawn) => world.spans$.pipe(bufferCount(4), exported(world, drawn));
    const options = { given: limits, mayVanish: (_: ReadableSpan, ending: string) => ending !== 'complete' };
    await fc.assert(pipelineLaws(pipeline, options), { numRuns: RUNS });
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
    await fc.assert(pipelineLaws(pipeline, options), { numRuns: RUNS });
  });

  it('obeys them with operators that stand alone', async () => {
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
    await fc.assert(pipelineLaws(pipeline, { given: limits, bounds }), { numRuns: RUNS });
  });
});

describe('a pipeline of plain RxJS', () => {
  const sent = ({ sink }: World, concurrent: number) =>
    mergeMap((items: ReadableSpan[]) => sink.export(asBatch(items)), concurrent);

  it('bufferTime loses what it holds', async () => {
    const said = await violationOf((world) =>
      world.spans$.pipe(
        bufferTime(50),
        filter((items) => items.length > 0),
        sent(world, 2),
      ),
    );
    expect(said).toMatch(
      /^conservation: \d+ spans vanished, the first of them number \d+: they never came to the sink/,
    );
  });

  it('mergeMap queues without a bound', async () => {
    const pipeline = (world: World) => world.spans$.pipe(bufferCount(1), sent(world, 1));
    const said = await violationOf<undefined>(pipeline, {
      bounds: () => ({ pending: 30 }),
      mayVanish: () => true,
    });
    expect(said).toMatch(/^bounds: \d+ items are pending, and 30 is the most/);
  });

  it('a backend that hangs is waited for, for ever', async () => {
    const scenario = anyScenario({ answers: anyBackend({ kinds: ['hangs'] }) });
    const said = await violationOf((world) => world.spans$.pipe(bufferCount(1), sent(world, 1)), { scenario });
    expect(said).toMatch(/^end: the source has ended, and the pipeline never does; 1 attempts hang \(at /);
  });
});

describe('a wrong pipeline', () => {
  const flat = (world: World) => concatMap((items: readonly ReadableSpan[]) => world.sink.export(asBatch(items)));

  it('that leaks a timer does not release everything', async () => {
    // One span waits for another, and the end comes before its four milliseconds are over.
    const ending = fc.record({ kind: fc.constant('unsubscribe' as const), atMillis: fc.integer({ min: 11, max: 13 }) });
    const events = fc.constant([{ kind: 'spans', atMillis: 10, count: 1 } as const]);
    const scenario = anyScenario({ schedule: fc.record({ events, ending }) });
    const pipeline = (world: World) => world.spans$.pipe(pairs('leaks a timer'), flat(world));
    expect(await violationOf<undefined>(pipeline, { scenario, mayVanish: () => true })).toMatch(
      /^release: when it was unsubscribed, this was left: setTimeout 4ms, set at test\/testing\/wrongOperators\.ts:\d+:\d+ \(at 1[123]ms\)$/,
    );
  });

  it('that emits after completion is not silent', async () => {
    const pipeline = (world: World) => world.spans$.pipe(flatArray(world), pairs('emits after completion'));
    const said = await violationOf<undefined>(pipeline, { mayVanish: () => true });
    expect(said).toMatch(/^silence: something came after the end/);
  });

  it('that goes on sending after it was unsubscribed is not silent', async () => {
    const said = await violationOf(
      (world) => {
        const later = finalize<unknown>(() => setTimeout(() => world.sink.export(asBatch([])).subscribe()));
        return world.spans$.pipe(bufferCount(1), flat(world), later);
      },
      { mayVanish: () => true },
    );
    expect(said).toMatch(/^(release|silence): /);
  });

  it('whose books do not balance, or claim what the backend never had, breaks conservation', async () => {
    const unbalanced = await violationOf((world) => {
      const account = world.ledger.open('sink', 'mine');
      return world.spans$.pipe(
        concatMap((span) => {
          account.accept(1);
          account.lose(2, 'permanent');
          return [span];
        }),
      );
    });
    expect(unbalanced).toMatch(/^conservation: mine: 1 were accepted, but 2 have ended and -1 are pending/);
    const boasting = await violationOf((world) => {
      const account = world.ledger.open('sink', 'mine');
      return world.spans$.pipe(
        concatMap((span) => {
          account.accept(1);
          account.settle(1, { delivered: 1, rejected: 0, lost: [], attempts: 1, attemptMillis: 0, elapsedMillis: 0 });
          return [span];
        }),
      );
    });
    expect(boasting).toMatch(/^conservation: the books say that 1 arrived, but the backend has 0/);
  });

  it('that neither unsubscribes its source nor aborts does not release everything', async () => {
    const forgetful = (source: Observable<unknown>) =>
      new Observable((subscriber) => {
        source.subscribe({
          next: (value) => subscriber.next(value),
          error: (thrown) => subscriber.error(thrown),
          complete: () => subscriber.complete(),
        });
      });
    // The end comes while the backend is at it.
    const ending = fc.constant({ kind: 'unsubscribe', atMillis: 2 } as const);
    const events = fc.constant([{ kind: 'spans', atMillis: 1, count: 1 } as const]);
    const answers = fc.constant([{ kind: 'answers', delayMillis: 5, rejected: 0 } as const]);
    const scenario = anyScenario({ schedule: fc.record({ events, ending }), answers });
    const pipeline = (world: World) => forgetful(world.spans$.pipe(bufferCount(1), flat(world)));
    expect(await violationOf<undefined>(pipeline, { scenario })).toMatch(
      /^release: when it was unsubscribed, this was left: a subscription to the source, 1 attempts, setTimeout 5ms/,
    );
  });

  it('that begins an attempt after its end is not silent', async () => {
    const said = await violationOf<undefined>(
      (world) => {
        const later = finalize<unknown>(
          () => void Promise.resolve().then(() => world.sink.export(asBatch([])).subscribe()),
        );
        return world.spans$.pipe(bufferCount(1), flat(world), later);
      },
      {
        scenario: anyScenario({ answers: fc.constant([{ kind: 'answers', delayMillis: 0, rejected: 0 } as const]) }),
        mayVanish: () => true,
      },
    );
    expect(said).toMatch(/^silence: 1 attempts began after the end/);
  });

  it('whose stages let in more than they were offered breaks conservation', async () => {
    const said = await violationOf((world) => {
      const account = world.ledger.open('sink', 'mine');
      const stats = account.stats.bind(account);
      account.stats = () => ({ ...stats(), offered: 1 });
      return world.spans$.pipe(bufferCount(1), flat(world));
    });
    expect(said).toMatch(/^conservation: mine: 1 were offered, but 0 accepted and 0 refused/);
  });

  it('that forgets what is pending breaks conservation', async () => {
    const said = await violationOf((world) => {
      world.ledger.open('sink', 'mine').accept(1);
      return world.spans$.pipe(bufferCount(1), flat(world));
    });
    expect(said).toMatch(/^conservation: 1 items are pending when all is over/);
  });

  it('that makes more attempts at once than it may breaks its bounds', async () => {
    const pipeline = (world: World) =>
      world.spans$.pipe(
        bufferCount(1),
        mergeMap((items) => world.sink.export(asBatch(items))),
      );
    const said = await violationOf<undefined>(pipeline, { bounds: () => ({ attempts: 2 }) });
    expect(said).toMatch(/^bounds: 3 attempts at once, and 2 is the most/);
  });
});

/** Sends one by one, and passes the spans on. */
function flatArray(world: World): OperatorFunction<ReadableSpan, ReadableSpan> {
  return concatMap(
    (span) =>
      new Observable<ReadableSpan>((subscriber) =>
        world.sink.export(asBatch([span])).subscribe({
          complete: () => {
            subscriber.next(span);
            subscriber.complete();
          },
        }),
      ),
  );
}

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
  it('draws spans whose times, ids and parents make sense', () => {
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
