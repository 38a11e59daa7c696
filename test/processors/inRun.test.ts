import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import { adaptiveBatch, exportTo, fromSpanProcessor, runPipeline, spanPipeline, toMemory } from '../../src/index.ts';
import {
  enrich,
  type MetricDataPoint,
  redact,
  type SamplingPolicy,
  spanMetrics,
  tailSample,
} from '../../src/processors/index.ts';
import { checkBooks } from '../properties/books.ts';

const POLICIES: readonly SamplingPolicy[] = [{ kind: 'errors' }];

/** Two traces of real spans: one in which a span has failed, and one in which none has. */
function makeTraces(provider: TracerProvider): void {
  const tracer = provider.getTracer('shop');
  for (const code of [2, 1]) {
    const span = tracer.startSpan(code === 2 ? 'failed' : 'fine', { attributes: { pin: 1 } });
    span.setStatus({ code });
    span.end();
  }
}

test('within a run, the books of the operators are in its statistics, and its shutdown decides what is held', async () => {
  const input = fromSpanProcessor();
  const sink = toMemory<ReadableSpan>();
  const outcomes$ = input.spans$.pipe(
    redact({ keys: ['pin'] }),
    enrich({ region: 'eu' }),
    tailSample({ policies: POLICIES }),
    adaptiveBatch(),
    exportTo(sink),
  );
  const pipeline = runPipeline(input, outcomes$);
  makeTraces(new TracerProvider({ spanProcessors: [input] }));
  await pipeline.shutdown();
  expect(sink.items.map(({ name, attributes }) => [name, attributes])).toEqual([
    ['failed', { pin: '[redacted]', region: 'eu' }],
  ]);
  const stats = pipeline.stats();
  expect(stats).toMatchObject({ accepted: 2, delivered: 1, removed: 1, pending: 0, lost: {}, between: 0 });
  expect(stats.stages.tailSample).toMatchObject({
    accepted: 2,
    handedOn: 1,
    removed: 1,
    figures: { 'kept.errors': 1 },
  });
  expect(Object.keys(stats.stages)).toEqual([
    'fromSpanProcessor',
    'redact',
    'enrich',
    'tailSample',
    'adaptiveBatch',
    expect.stringContaining('exportTo'),
  ]);
  checkBooks(pipeline);
});

test('within a run, metrics of spans are batched and exported, and a flush waits for no span that is counted in them', async () => {
  const input = fromSpanProcessor();
  const sink = toMemory<MetricDataPoint>();
  const ofPoints = [adaptiveBatch<MetricDataPoint>(), exportTo<MetricDataPoint>(sink)] as const;
  const pipeline = runPipeline(input, input.spans$.pipe(spanMetrics({ exportIntervalMillis: 1 }), ...ofPoints));
  const provider = new TracerProvider({ spanProcessors: [input] });
  for (let round = 0; round < 20; round += 1) makeTraces(provider);
  const emitted = firstValueFrom(pipeline.outcomes$);
  await pipeline.forceFlush();
  await emitted;
  await pipeline.forceFlush();
  await pipeline.shutdown();
  const calls = sink.items.filter(({ metric }) => metric.descriptor.name === 'traces.span.metrics.calls');
  expect(calls.slice(-2).map(({ point }) => point.value)).toEqual([20, 20]);
  const stats = pipeline.stats();
  expect(stats.stages.spanMetrics).toMatchObject({ removed: 40, handedOn: sink.items.length });
  // The points were made in between.
  const made = sink.items.length;
  expect(stats).toMatchObject({ removed: 40, delivered: made, pending: 0, lost: {}, between: -made });
  checkBooks(pipeline);
});

test('as operators of a pipeline, they are drained by its shutdown', async () => {
  const sink = toMemory<ReadableSpan>();
  const operators = [redact({ keys: ['pin'] }), tailSample({ policies: POLICIES })];
  const pipeline = spanPipeline({ sink, operators, environment: {} });
  makeTraces(new TracerProvider({ spanProcessors: [pipeline.processor] }));
  await pipeline.shutdown();
  expect(sink.items.map(({ name, attributes }) => [name, attributes])).toEqual([['failed', { pin: '[redacted]' }]]);
  checkBooks(pipeline);
});
