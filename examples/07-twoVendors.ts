/**
 * Two vendors during a migration. The old one gets everything and is required; the new one gets one trace in four and is best-effort, so that its bad days cost nothing but its own books.
 *
 *     node examples/07-twoVendors.ts
 */
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { otlpHttp, spanPipeline } from 'spanflow';
import { otlpBackend } from 'spanflow/testing';

const [oldVendor, newVendor] = [await otlpBackend(), await otlpBackend({ answers: { status: 401 } })];

/** The same traces at each run of the program, and all spans of a trace or none. */
const oneTraceInFour = (span: ReadableSpan) => Number.parseInt(span.spanContext().traceId.slice(-2), 16) < 64;

const pipeline = spanPipeline({
  sinks: {
    old: otlpHttp({ url: oldVendor.url }),
    new: { sink: otlpHttp({ url: newVendor.url }), filter: oneTraceInFour, required: false, maxQueueSize: 5_000 },
  },
});
const tracer = new TracerProvider({ spanProcessors: [pipeline.processor] }).getTracer('migration');

async function checkouts(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) tracer.startSpan(`checkout ${index}`).end();
  await pipeline.forceFlush(); // waits for the old vendor only
}

await checkouts(1_000); // the new vendor's key is wrong: it refuses everything
newVendor.respond('ok'); // somebody has repaired it
await checkouts(1_000);
await pipeline.shutdown(); // waits for both

const { routes, delivered } = pipeline.stats();
for (const [name, { offered, between, delivered, lost }] of Object.entries(routes)) {
  console.log(`${name}: ${offered - between} of ${offered} spans go this way, delivered ${delivered}, lost`, lost);
}
console.log(`the whole says ${delivered}; the vendors have ${oldVendor.spans} and ${newVendor.spans}`);
process.exitCode = delivered === oldVendor.spans && routes.new?.delivered === newVendor.spans ? 0 : 1;
await Promise.all([oldVendor.close(), newVendor.close()]);
