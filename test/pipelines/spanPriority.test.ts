import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Subject } from 'rxjs';
import { expect, test } from 'vitest';
import { type Response, type Sink, spanPipeline, spanPriority } from '../../src/index.ts';
import { marbles } from '../../src/testing/index.ts';

const SHAPES = {
  a: { durationMillis: 10 },
  b: { durationMillis: 999 },
  c: { durationMillis: 1_000 },
  d: { durationMillis: 10, status: 'error' },
} as const;

test('errors are more important than slow spans, and these than the others', () =>
  marbles(({ spans }) => {
    const { a, b, c, d } = spans(SHAPES);
    expect([a, b, c, d].map(spanPriority())).toEqual([4, 4, 6, 8]);
    expect([a, b, c, d].map(spanPriority({ slowMillis: 999 }))).toEqual([4, 6, 6, 8]);
    expect(() => spanPriority({ slowMillis: -1 })).toThrow('spanPriority.slowMillis must be a duration');
  }));

test('a pipeline with a full queue keeps errors longest, then slow spans', () =>
  marbles(async ({ spans, advanceBy }) => {
    const { a, b, c, d, e } = spans(SHAPES);
    const exported: string[] = [];
    const answer = new Subject<Response>();
    const sink: Sink<ReadableSpan> = {
      name: 'slow',
      export: ({ items }) => {
        exported.push(...items.map(({ name }) => name));
        return answer;
      },
    };
    const options = { maxQueueSize: 2, maxExportBatchSize: 1, concurrency: 1, overflow: 'dropLowestPriority' } as const;
    const pipeline = spanPipeline({ sink, environment: {}, ...options });
    // The first one is out. The others come when the ring has been emptied, and wait in the queue.
    for (const span of [e, b, c, d, a]) {
      pipeline.processor.onEnd(span);
      await advanceBy(1);
    }
    expect(pipeline.stats()).toMatchObject({ accepted: 5, lost: { queueFull: 2 }, pending: 3 });
    const closed = pipeline.shutdown();
    for (let batch = 0; batch < 3; batch += 1) answer.next({});
    await closed;
    expect(exported).toEqual(['e', 'c', 'd']);
  }));
