/** A worker thread, or a child process, whose spans leave through its parent: makes as many as it is asked for, and tells its books at the end. */
import { parentPort } from 'node:worker_threads';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { spanPipeline } from '../../../src/index.ts';
import { encodeTraces } from '../../../src/otlp/index.ts';
import { toPort } from '../../../src/workers/index.ts';

const count = Number(process.env.SPANS ?? '100');
const sink = toPort(parentPort ?? process, { send: encodeTraces });
const pipeline = spanPipeline({ sink });
const tracer = new TracerProvider({ spanProcessors: [pipeline.processor] }).getTracer('worker');
for (let index = 0; index < count; index += 1) tracer.startSpan(`span ${index}`).end();
await pipeline.shutdown();
const { delivered, rejected, lost, pending } = pipeline.stats();
const books = { books: { delivered, rejected, lost, pending } };
if (parentPort !== null) parentPort.postMessage(books);
else process.send?.(books);
