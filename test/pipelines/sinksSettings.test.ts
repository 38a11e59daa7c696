import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { map, Subject, timer } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { type Branch, fixedConcurrency, type PipelineChanges, type Sink, spanPipeline } from '../../src/index.ts';
import { virtualTime } from '../../src/testing/index.ts';
import { spanWith } from '../support/spans.ts';

/** A sink that answers after a while, and remembers how large its batches were. */
function slow(millis: number) {
  const sizes: number[] = [];
  const sink: Sink<ReadableSpan> = {
    name: 'slow',
    export: ({ items }) => {
      sizes.push(items.length);
      return timer(millis).pipe(map(() => ({})));
    },
  };
  return { sink, sizes };
}

type Sinks = Record<string, Branch<ReadableSpan> | Sink<ReadableSpan>>;

function changing(sinks: Sinks, options: object) {
  const settings$ = new Subject<PipelineChanges>();
  const pipeline = spanPipeline({ sinks, environment: {}, exitDeadlineMillis: 0, ...options, settings$ });
  const end = (count: number) => {
    for (let index = 0; index < count; index += 1) pipeline.processor.onEnd(spanWith({ name: `span ${index}` }));
  };
  return { pipeline, settings$, end };
}

const WITH_FILTER = { filter: () => true };

describe('settings$ of a pipeline to several sinks', () => {
  test('leaves a branch the options of its own, and changes the others', () =>
    virtualTime(async ({ advanceBy }) => {
      const [own, other] = [slow(5_000), slow(5_000)];
      const { pipeline, settings$, end } = changing(
        { own: { sink: own.sink, concurrency: fixedConcurrency(2) }, other: other.sink },
        { concurrency: 1, maxExportBatchSize: 1, retry: { maxAttempts: 1 } },
      );
      settings$.next({ concurrency: 3, attemptTimeoutMillis: 1_000 });
      end(4);
      await advanceBy(100);
      expect([own.sizes.length, other.sizes.length]).toEqual([2, 3]);
      await advanceBy(10_000);
      // The new timeout holds for both.
      expect(pipeline.stats().routes).toMatchObject({
        own: { lost: { unconfirmed: 4 } },
        other: { lost: { unconfirmed: 4 } },
      });
      expect(pipeline.stats().callbackErrors).toBe(0);
      await pipeline.shutdown();
    }));

  test.each<[string, Omit<Branch<ReadableSpan>, 'sink'>]>([
    ['that passes batches on', {}],
    ['that makes its own', WITH_FILTER],
  ])('lets as many batches be out as a higher concurrency needs, in a branch %s', (_kind, branch) =>
    virtualTime(async ({ advanceBy }) => {
      const { sink, sizes } = slow(100);
      const options = { maxExportBatchSize: 1, concurrency: 1, scheduledDelayMillis: 0 };
      const { pipeline, settings$, end } = changing({ a: { sink, ...branch } }, options);
      settings$.next({ concurrency: 40 });
      end(40);
      await advanceBy(50);
      expect(sizes).toHaveLength(40);
      await pipeline.shutdown();
    }),
  );

  test('leaves a branch that has one of its own the number of batches that may be out', () =>
    virtualTime(async ({ advanceBy }) => {
      const { sink, sizes } = slow(100);
      const { pipeline, settings$, end } = changing(
        { a: { sink, maxUnsettledBatches: 2 } },
        { maxExportBatchSize: 1, concurrency: 1 },
      );
      settings$.next({ concurrency: 40 });
      end(40);
      await advanceBy(50);
      expect(sizes).toHaveLength(2);
      await pipeline.shutdown({ deadlineMillis: 0 });
    }));

  test('a branch with a higher concurrency of its own has as many batches out as that needs', () =>
    virtualTime(async ({ advanceBy }) => {
      const { sink, sizes } = slow(100);
      const { pipeline, end } = changing({ a: { sink, concurrency: 40 } }, { maxExportBatchSize: 1, concurrency: 1 });
      end(40);
      await advanceBy(50);
      expect(sizes).toHaveLength(40);
      await pipeline.shutdown();
    }));

  test('changes size and delay of the batches that a branch makes', () =>
    virtualTime(async ({ advanceBy }) => {
      const { sink, sizes } = slow(1);
      const { pipeline, settings$, end } = changing({ a: { sink, ...WITH_FILTER } }, {});
      settings$.next({ maxExportBatchSize: 2, scheduledDelayMillis: 10 });
      end(5);
      await advanceBy(30);
      expect(sizes).toEqual([2, 2, 1]);
      await pipeline.shutdown();
    }));

  test.each<[string, object]>([
    ['the size', { maxExportBatchSize: 4, minExportBatchSize: 1 }],
    ['the range of sizes', { minExportBatchSize: 4, initialExportBatchSize: 4 }],
  ])('leaves a branch %s that it has itself', (_what, batching) =>
    virtualTime(async ({ advanceBy }) => {
      const { sink, sizes } = slow(1);
      const { pipeline, settings$, end } = changing({ a: { sink, batching } }, { scheduledDelayMillis: 0 });
      settings$.next({ maxExportBatchSize: 2 });
      end(12);
      await advanceBy(50);
      expect(sizes).toEqual([4, 4, 4]);
      expect(pipeline.stats().callbackErrors).toBe(0);
      await pipeline.shutdown();
    }),
  );

  test('makes no batch of a branch larger than what its queue has room for', () =>
    virtualTime(async ({ advanceBy }) => {
      const { sink, sizes } = slow(1);
      const small = { sink, ...WITH_FILTER, maxQueueSize: 3 };
      const { pipeline, settings$, end } = changing({ small }, { scheduledDelayMillis: 0 });
      settings$.next({ maxExportBatchSize: 6 });
      end(12);
      await advanceBy(50);
      expect(Math.max(...sizes)).toBe(3);
      expect(pipeline.stats().callbackErrors).toBe(0);
      await pipeline.shutdown();
    }));

  test('a branch that makes its own batches begins with the sizes and the delay of the pipeline', () =>
    virtualTime(async ({ advanceBy }) => {
      const { sink, sizes } = slow(1);
      const options = { maxExportBatchSize: 2, scheduledDelayMillis: 10 };
      const { pipeline, end } = changing({ a: { sink, ...WITH_FILTER } }, options);
      end(5);
      await advanceBy(30);
      expect(sizes).toEqual([2, 2, 1]);
      await pipeline.shutdown();
    }));

  test('a longer deadline of retries is no lost lease in a branch that makes its own batches', () =>
    virtualTime(async ({ advanceBy }) => {
      const { sink } = slow(100_000);
      const endless = { attemptTimeoutMillis: Number.POSITIVE_INFINITY, scheduledDelayMillis: 0 };
      const { pipeline, settings$, end } = changing(
        { a: { sink, ...WITH_FILTER } },
        { ...endless, retry: { maxElapsedMillis: 10_000 } },
      );
      settings$.next({ retry: { maxElapsedMillis: 600_000 } });
      end(1);
      await advanceBy(101_000);
      expect(pipeline.stats()).toMatchObject({ delivered: 1, lost: {}, pending: 0 });
      await pipeline.shutdown();
    }));
});
