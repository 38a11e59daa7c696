/**
 * Keep your exporter: OpenTelemetry's own OTLP exporter stays as it is configured, and sends. spanflow does what stands around it: the queue, the batches, the retries, the deadlines and the books. So `BatchSpanProcessor` is all that a service has to replace. Later,
 * `otlpHttp()` may take the place of the exporter, for more than one export at a time and cheaper encoding.
 *
 *     node examples/15-keepYourExporter.ts
 */
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { spanPipeline, toExporter } from 'spanflow';
import { startBackend } from './support/backend.ts';

const backend = await startBackend();

// Before: new BatchSpanProcessor({ exporter })
const exporter = new OTLPTraceExporter({ url: backend.url, timeoutMillis: 500, headers: { 'x-api-key': 'secret' } });
const pipeline = spanPipeline({ sink: toExporter(exporter) });
const provider = new TracerProvider({ spanProcessors: [pipeline.processor] });
const tracer = provider.getTracer('shop');

// More than the queue of a BatchSpanProcessor holds, in one go.
for (let order = 0; order < 5_000; order += 1) tracer.startSpan(`order ${order}`).end();
await pipeline.forceFlush();

// The backend is down for longer than the exporter tries, and the pipeline tries again.
backend.be('down');
for (let order = 0; order < 100; order += 1) tracer.startSpan(`late order ${order}`).end();
const flushed = pipeline.forceFlush();
setTimeout(() => backend.be('well'), 2_000);
await flushed;
await provider.shutdown(); // shuts the exporter down, too

const { offered, delivered, lost, retries } = pipeline.stats();
const received = await backend.count();
console.log({ offered, delivered, lost, retries }, `the backend has ${received}`);
await backend.close();
// At least once: an export whose answer came too late is tried again, and may have arrived twice.
process.exitCode = delivered === offered && received >= delivered ? 0 : 1;
