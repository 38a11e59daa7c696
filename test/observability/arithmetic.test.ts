import fc from 'fast-check';
import { NEVER, of, throwError, timer } from 'rxjs';
import { map } from 'rxjs/operators';
import { expect, test } from 'vitest';
import { ExportError, exponentialBackoff, type Response, type Sink, spanPipeline } from '../../src/index.ts';
import { statsToMetrics } from '../../src/observability/index.ts';
import { marbles } from '../../src/testing/index.ts';
import { seededRandom } from '../support/random.ts';
import { randomRuns } from '../support/randomRuns.ts';
import { spanWith } from '../support/spans.ts';
import { DURATION, metered, type Reading, SPAN } from './support.ts';

const answers = fc.oneof(
  fc.record({ is: fc.constant('delivered' as const), afterMillis: fc.nat(2_000) }),
  fc.record({ is: fc.constant('rejecting' as const), rejected: fc.nat(9) }),
  fc.record({ is: fc.constantFrom('retryable' as const, 'permanent' as const, 'tooLarge' as const) }),
  fc.record({ is: fc.constant('silent' as const) }),
);
type Answer = typeof answers extends fc.Arbitrary<infer A> ? A : never;

const sinkScripts = fc.array(answers, { minLength: 1, maxLength: 8 });

const schedules = fc.record({
  bursts: fc.array(fc.record({ spans: fc.nat(50), waitMillis: fc.nat(3_000) }), { minLength: 1, maxLength: 8 }),
  deadlineMillis: fc.nat(3_000),
  maxQueueSize: fc.integer({ min: 10, max: 60 }),
  concurrency: fc.integer({ min: 1, max: 3 }),
  overflow: fc.constantFrom('dropNewest' as const, 'dropOldest' as const),
});

function sinkOf(script: readonly Answer[]): Sink<unknown> {
  let calls = 0;
  return {
    name: 'scripted',
    export: ({ items }) => {
      const answer = script[calls++ % script.length] as Answer;
      if (answer.is === 'delivered') return timer(answer.afterMillis).pipe(map((): Response => ({})));
      if (answer.is === 'rejecting') return of({ rejected: Math.min(answer.rejected, items.length) });
      return answer.is === 'silent' ? NEVER : throwError(() => new ExportError({ kind: answer.is }, answer.is));
    },
  };
}

const COMMON = {
  ...{ environment: {}, maxExportBatchSize: 10, scheduledDelayMillis: 100, attemptTimeoutMillis: 1_000 },
  retry: { backoff: exponentialBackoff({ initialMillis: 50 }), maxElapsedMillis: 4_000 },
};

const total = (counts: object) => Object.values(counts).reduce<number>((sum, count) => sum + count, 0);

/** What the conventions say of one processor and its exporter, which are told apart by their names. */
function expectArithmetic(reading: Reading, ended: number, processor: string, exporter: string): void {
  const [byProcessor, byExporter] = [{ 'otel.component.name': processor }, { 'otel.component.name': exporter }];
  const processed = reading.byError(SPAN.processed, byProcessor);
  const exported = reading.byError(SPAN.exported, byExporter);
  const queueSize = reading.sum(SPAN.queueSize, byProcessor);
  const inflight = reading.sum(SPAN.inflight, byExporter);
  expect({ ended: total(processed) + queueSize }).toEqual({ ended });
  expect({ processed: total(exported) + inflight }).toEqual({ processed: processed.ok ?? 0 });
  expect(queueSize).toBeGreaterThanOrEqual(0);
  expect(inflight).toBeGreaterThanOrEqual(0);
}

test('spanPipeline, by any schedule, at every collection: what ended was processed or is queued, and what was processed was exported or is in flight', () =>
  fc.assert(
    fc.asyncProperty(schedules, sinkScripts, ({ bursts, deadlineMillis, ...options }, script) =>
      marbles(async ({ advanceBy }) => {
        const { meterProvider, read } = metered();
        let operations = 0;
        const pipeline = spanPipeline({ sink: sinkOf(script), ...COMMON, random: seededRandom(7), ...options });
        pipeline.outcomes$.subscribe(() => {
          operations += 1;
        });
        statsToMetrics(pipeline, { meterProvider });
        let ended = 0;
        for (const { spans, waitMillis } of bursts) {
          for (let count = 0; count < spans; count += 1) pipeline.processor.onEnd(spanWith());
          ended += spans;
          expectArithmetic(await read(), ended, 'batching_span_processor/0', 'scripted/0');
          await advanceBy(waitMillis);
          const reading = await read();
          expectArithmetic(reading, ended, 'batching_span_processor/0', 'scripted/0');
          expect(reading.sum(SPAN.queueSize)).toBeLessThanOrEqual(reading.sum(SPAN.queueCapacity));
        }
        const closed = pipeline.shutdown({ deadlineMillis });
        for (let late = 0; late < 3; late += 1) pipeline.processor.onEnd(spanWith());
        await closed;
        await advanceBy(0);
        const last = await read();
        expectArithmetic(last, ended + 3, 'batching_span_processor/0', 'scripted/0');
        const processed = last.byError(SPAN.processed);
        const exported = last.byError(SPAN.exported);
        const { delivered, rejected, lost, refused } = pipeline.stats();
        expect(processed.already_shutdown).toBe(3);
        expect(exported.ok ?? 0).toBe(delivered);
        expect(exported.rejected ?? 0).toBe(rejected);
        expect(total(processed) - (processed.ok ?? 0) + total(exported) - (exported.ok ?? 0)).toBe(
          rejected + total(lost) + total(refused),
        );
        expect(last.sum(DURATION)).toBe(operations);
      }),
    ),
    randomRuns(60),
  ));

test('a fan-out, by any schedule: the same on each route', () =>
  fc.assert(
    fc.asyncProperty(schedules, sinkScripts, sinkScripts, ({ bursts, deadlineMillis, ...options }, main, other) =>
      marbles(async ({ advanceBy }) => {
        const { meterProvider, read } = metered();
        const sinks = { main: sinkOf(main), other: { sink: sinkOf(other), required: false } };
        const pipeline = spanPipeline({ sinks, ...COMMON, random: seededRandom(7), ...options });
        statsToMetrics(pipeline, { meterProvider });
        let ended = 0;
        const expectBoth = (reading: Reading) => {
          expectArithmetic(reading, ended, 'batching_span_processor/0/main', 'scripted/0/main');
          expectArithmetic(reading, ended, 'batching_span_processor/1/other', 'scripted/1/other');
        };
        for (const { spans, waitMillis } of bursts) {
          for (let count = 0; count < spans; count += 1) pipeline.processor.onEnd(spanWith());
          ended += spans;
          await advanceBy(waitMillis);
          expectBoth(await read());
        }
        await pipeline.shutdown({ deadlineMillis });
        expectBoth(await read());
      }),
    ),
    randomRuns(40),
  ));
