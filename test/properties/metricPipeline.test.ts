import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { of, throwError, timer } from 'rxjs';
import { map } from 'rxjs/operators';
import { expect, test } from 'vitest';
import { ExportError, exponentialBackoff, type Response, type Sink } from '../../src/index.ts';
import { type MetricDataPoint, metricPipeline } from '../../src/metrics.ts';
import { marbles } from '../../src/testing/index.ts';
import { seededRandom } from '../support/random.ts';
import { randomRuns } from '../support/randomRuns.ts';

const answers = fc.oneof(
  fc.record({ is: fc.constant('delivered' as const), afterMillis: fc.nat(3_000) }),
  fc.record({ is: fc.constant('rejecting' as const), rejected: fc.nat(9) }),
  fc.record({ is: fc.constantFrom('retryable' as const, 'permanent' as const, 'tooLarge' as const) }),
);
type Answer = typeof answers extends fc.Arbitrary<infer A> ? A : never;

const schedules = fc.record({
  collections: fc.array(fc.record({ points: fc.nat(60), waitMillis: fc.nat(4_000) }), { minLength: 1, maxLength: 8 }),
  answers: fc.array(answers, { minLength: 1, maxLength: 10 }),
  deadlineMillis: fc.nat(3_000),
  maxQueueSize: fc.integer({ min: 10, max: 80 }),
});

function sinkOf(script: readonly Answer[]): Sink<MetricDataPoint> {
  let calls = 0;
  return {
    name: 'sink',
    export: ({ items }) => {
      const answer = script[calls++ % script.length] as Answer;
      if (answer.is === 'delivered') return timer(answer.afterMillis).pipe(map((): Response => ({})));
      if (answer.is === 'rejecting') return of({ rejected: Math.min(answer.rejected, items.length) });
      const { is } = answer;
      return throwError(() => new ExportError({ kind: is }, is));
    },
  };
}

function collectionOf(points: number): ResourceMetrics {
  const descriptor = { name: 'orders', description: '', unit: '1', valueType: 0 };
  const dataPoints = Array.from({ length: points }, (_, shop) => ({
    ...{ startTime: [0, 0], endTime: [1, 0], attributes: { shop }, value: shop },
  }));
  const metric = { descriptor, dataPointType: 3, aggregationTemporality: 1, isMonotonic: true, dataPoints };
  return { resource: { attributes: {} }, scopeMetrics: [{ scope: { name: 'test' }, metrics: [metric] }] } as never;
}

test('metricPipeline, by any schedule: each collection is answered once, and the books add up with the answers', () =>
  fc.assert(
    fc.asyncProperty(schedules, ({ collections, answers: script, deadlineMillis, maxQueueSize }) =>
      marbles(async ({ advanceBy }) => {
        const pipeline = metricPipeline({
          ...{ sink: sinkOf(script), environment: {}, maxQueueSize, maxExportBatchSize: 10 },
          ...{ exportTimeoutMillis: 5_000, retry: { backoff: exponentialBackoff({ initialMillis: 50 }) } },
          random: seededRandom(7), // new in each run: a seed replays it
        });
        const results: (number | undefined)[][] = [];
        for (const { points, waitMillis } of collections) {
          const told: (number | undefined)[] = [];
          results.push(told);
          pipeline.exporter.export(collectionOf(points), ({ code, error }) =>
            told.push(code === 0 ? 0 : Number(/(\d+) of \d+ data points/.exec(error?.message ?? '')?.[1])),
          );
          await advanceBy(waitMillis);
        }
        await pipeline.shutdown({ deadlineMillis });
        await advanceBy(0);
        expect(results.map(({ length }) => length)).toEqual(collections.map(() => 1));
        const { offered, accepted, delivered, rejected, lost, refused, pending } = pipeline.stats();
        const sum = (counts: object) => Object.values(counts).reduce<number>((total, count) => total + count, 0);
        const points = collections.reduce((total, collection) => total + collection.points, 0);
        const undelivered = results.flat().reduce<number>((total, count) => total + (count ?? 0), 0);
        expect({ offered, undelivered, pending }).toEqual({
          offered: points,
          undelivered: points - delivered,
          pending: 0,
        });
        expect(accepted + sum(refused)).toBe(offered);
        expect(delivered + rejected + sum(lost)).toBe(accepted);
      }),
    ),
    randomRuns(60),
  ));
