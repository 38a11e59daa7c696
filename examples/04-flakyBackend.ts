/**
 * A backend with every bad habit: it refuses, asks for patience, breaks connections, answers nothing, rejects a part, and at last behaves. Each batch has one outcome all the same.
 *
 *     node examples/04-flakyBackend.ts
 */
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { exponentialBackoff, otlpHttp, spanPipeline } from 'spanflow';
import { otlpBackend } from 'spanflow/testing';

const backend = await otlpBackend({
  answers: [
    { status: 503 },
    { status: 429, headers: { 'retry-after': '1' } },
    'reset',
    'hang',
    { partialSuccess: { rejected: 1, message: 'one span is too old' } },
    { status: 400, headers: { 'content-type': 'text/plain' }, body: 'no, never' },
    'ok',
  ],
});

const pipeline = spanPipeline({
  sink: otlpHttp({ url: backend.url }),
  attemptTimeoutMillis: 2_000,
  retry: { backoff: exponentialBackoff({ initialMillis: 50, jitter: 'equal' }) },
});
const tracer = new TracerProvider({ spanProcessors: [pipeline.processor] }).getTracer('flaky');

pipeline.outcomes$.subscribe(({ delivered, rejected, lost, attempts, error, message }) => {
  const losses = lost.map(({ count, reason }) => `${count} ${reason}`).join(', ') || 'none';
  console.log(
    `delivered ${delivered}, rejected ${rejected}, lost: ${losses}, after ${attempts} attempts`,
    message ?? error?.message ?? '',
  );
});

for (const batch of ['first', 'second', 'third']) {
  for (let index = 0; index < 10; index += 1) tracer.startSpan(`${batch} ${index}`).end();
  await pipeline.forceFlush(); // each batch has its outcome now, whichever it is
}

await pipeline.shutdown();
const { offered, delivered, rejected, lost, pending } = pipeline.stats();
console.log({ offered, delivered, rejected, lost, pending }, `the backend accepted ${backend.spans}`);
await backend.close();
process.exitCode = delivered === backend.spans && pending === 0 ? 0 : 1;
