/**
 * A sink of one's own: spans as lines of JSON in a file. An Observable of one answer is all that a sink owes; what a failure means is said by its kind. Batching, retries, deadlines and the
 * books come with the pipeline.
 *
 *     node examples/05-ownSink.ts [FILE]
 */
import { open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { defer } from 'rxjs';
import { ExportError, type Sink, spanPipeline } from 'spanflow';

/** One append per batch, in the order of the batches: therefore one at a time. */
async function toLines(path: string): Promise<Sink<ReadableSpan>> {
  const file = await open(path, 'a');
  return {
    name: 'toLines',
    maxConcurrency: 1,
    export: ({ items }) =>
      defer(async () => {
        const lines = items.map((span) =>
          JSON.stringify({ ...span.spanContext(), name: span.name, attributes: span.attributes }),
        );
        try {
          await file.appendFile(`${lines.join('\n')}\n`);
        } catch (cause) {
          // A part may be in the file: the disk may have filled up in the middle.
          throw new ExportError({ kind: 'unknownOutcome' }, `cannot append to ${path}`, { cause });
        }
        return {};
      }),
    forceFlush: () => file.datasync(),
    shutdown: () => file.close(),
  };
}

const path = process.argv[2] ?? join(tmpdir(), `spans-${process.pid}.jsonl`);
const pipeline = spanPipeline({ sink: await toLines(path) });
const provider = new TracerProvider({ spanProcessors: [pipeline.processor] });
const tracer = provider.getTracer('own-sink');
for (let index = 0; index < 1_000; index += 1)
  tracer.startSpan(`order ${index}`, { attributes: { 'shop.order': index } }).end();
await provider.shutdown();

const written = (await readFile(path, 'utf8')).trim().split('\n').length;
console.log(`${written} lines in ${path}; the books say ${pipeline.stats().delivered} delivered`);
if (process.argv[2] === undefined) await rm(path);
process.exitCode = written === pipeline.stats().delivered ? 0 : 1;
