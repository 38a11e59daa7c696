/**
 * A primary that goes down and comes back, the fallback that takes over meanwhile, and a backup that gets a copy of everything and that nobody waits for.
 *
 *     node examples/08-failover.ts
 */
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { exponentialBackoff, failover, otlpHttp, spanPipeline, toMemory } from 'spanflow';
import { otlpBackend } from 'spanflow/testing';

const [primary, fallback] = [await otlpBackend(), await otlpBackend()];
const backup = toMemory<ReadableSpan>();

const sink = failover(otlpHttp({ url: primary.url }), otlpHttp({ url: fallback.url }), {
  maxFailedAttempts: 3,
  probeIntervalMillis: 100,
  backup,
});
sink.state$.subscribe((state) => console.log(`spans go to the ${state}`));

const pipeline = spanPipeline({ sink, retry: { backoff: exponentialBackoff({ initialMillis: 20, maxMillis: 100 }) } });
const tracer = new TracerProvider({ spanProcessors: [pipeline.processor] }).getTracer('shop');

/** Ends some spans, and waits until they are delivered. */
async function batch(): Promise<void> {
  for (let index = 0; index < 10; index += 1) tracer.startSpan(`order ${index}`).end();
  await pipeline.forceFlush();
}

await batch();
primary.respond({ status: 503 });
for (let count = 0; count < 3; count += 1) await batch();
primary.respond('ok');
let batches = 4;
for (const back = performance.now() + 30_000; primary.spans < 20 && performance.now() < back; batches += 1)
  await batch();
await pipeline.shutdown();

const { offered, delivered, lost, possibleDuplicates } = pipeline.stats();
console.log(`${batches} batches: offered ${offered}, delivered ${delivered}, lost`, lost, { possibleDuplicates });
console.log(`the primary has ${primary.spans}, the fallback ${fallback.spans}, the backup ${backup.items.length}`);
console.log('of the copies', sink.backup());
process.exitCode = primary.spans + fallback.spans === offered && backup.items.length === offered ? 0 : 1;
await Promise.all([primary.close(), fallback.close()]);
