import { TracerProvider } from '@opentelemetry/sdk-trace';
import { filter, delay, map, of } from 'rxjs';
import { expect, test } from 'vitest';
import { adaptiveBatch, channel, exportTo, fromSpanProcessor, runPipeline, toMemory } from '../../src/index.ts';

test('runs', async () => {
  const input = fromSpanProcessor();
  const tracer = new TracerProvider({ spanProcessors: [input] }).getTracer('t');
  const sink = toMemory<any>();
  const pipeline = runPipeline(input, input.spans$.pipe(filter((s) => s.name !== 'b'), adaptiveBatch({scheduledDelayMillis: 60_000}), exportTo(sink)), { exitDeadlineMillis: 0 });
  for (const name of 'abc') tracer.startSpan(name).end();
  await pipeline.forceFlush();
  console.log(pipeline.stats());
  await pipeline.shutdown();
});
test('throws', async () => {
  const input = channel<string>();
  const sink = toMemory<any>();
  const pipeline = runPipeline(input, input.items$.pipe(map((s) => { if (s === 'b') throw new Error('no'); return s; }), adaptiveBatch({scheduledDelayMillis: 60_000}), exportTo(sink)), { exitDeadlineMillis: 0 });
  for (const name of 'abc') input.trySend(name);
  await pipeline.forceFlush();
  console.log(pipeline.stats());
  await pipeline.shutdown();
});
test('async', async () => {
  const input = channel<string>();
  const sink = toMemory<any>();
  const pipeline = runPipeline(input, input.items$.pipe(delay(20), adaptiveBatch({scheduledDelayMillis: 60_000}), exportTo(sink)), { exitDeadlineMillis: 0 });
  for (const name of 'abc') input.trySend(name);
  await pipeline.forceFlush();
  console.log(pipeline.stats().delivered);
  await pipeline.shutdown();
  console.log(pipeline.stats().delivered);
});
test('plain', async () => {
  const sink = toMemory<any>();
  const pipeline = runPipeline(of(1), of(1, 2).pipe(adaptiveBatch({scheduledDelayMillis: 60_000}), exportTo(sink)), { exitDeadlineMillis: 0 });
  await pipeline.forceFlush();
  console.log(pipeline.stats());
  await pipeline.shutdown();
});
