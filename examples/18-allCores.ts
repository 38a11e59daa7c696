/**
 * All cores: requests of OTLP are decoded, filtered, redacted, counted by name, encoded and compressed. First on the main thread, then in a pool of worker threads, to which their bytes are moved. The results are the same; how much faster the second way is depends on the
 * cores of the machine. With the name of a file, as the Collector's file exporter writes it (protobuf in zstd), its requests are taken.
 *
 *     node examples/18-allCores.ts [FILE]
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { zstdDecompressSync } from 'node:zlib';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { from, lastValueFrom, map, type Observable, toArray } from 'rxjs';
import { encodeTraces } from 'spanflow/otlp';
import { inWorkers, workerPool, workerTask } from 'spanflow/workers';
import { type Processed, process as processOne } from './support/allCoresTasks.ts';

const [file] = process.argv.slice(2);
const requests = file === undefined ? generated(40, 500) : recorded(file);

// Nobody else works here, so each core has a worker. A service that serves requests leaves one to its main thread, as the default does.
const workers = workerPool({ name: 'spans', size: availableParallelism() });
const task = workerTask<typeof processOne>({
  module: new URL('./support/allCoresTasks.ts', import.meta.url),
  export: 'process',
});

const direct = await timed(map(processOne));
const parallel = await timed(inWorkers(task, { workers, order: 'source', maxQueueSize: requests.length }));
await workers.shutdown();

const { spans, kept, bytes } = parallel.totals;
console.log(`${requests.length} requests with ${spans} spans, of which ${kept} were kept, in ${bytes} bytes of gzip`);
console.log(`GET /orders: ${JSON.stringify(parallel.totals.orders)}`);
const times = `${direct.millis.toFixed(0)} ms on the main thread, ${parallel.millis.toFixed(0)} ms on ${workers.size} workers`;
console.log(`${times}: ${(direct.millis / parallel.millis).toFixed(1)} times as fast`);
process.exitCode = JSON.stringify(direct.totals) === JSON.stringify(parallel.totals) && spans > 0 ? 0 : 1;

/** Runs it twice, so that threads and machine code are there, and measures the second time. */
async function timed(operator: (source: Observable<Uint8Array>) => Observable<Processed>) {
  // What was moved to a worker is gone here, so each run has copies.
  const run = () => lastValueFrom(from(requests.map((request) => request.slice())).pipe(operator, toArray()));
  await run();
  const start = performance.now();
  const results = await run();
  return { millis: performance.now() - start, totals: totalsOf(results) };
}

function totalsOf(results: readonly Processed[]) {
  const sumOf = (read: (result: Processed) => number) => results.reduce((sum, result) => sum + read(result), 0);
  return {
    spans: sumOf((result) => result.spans),
    kept: sumOf((result) => result.kept),
    bytes: sumOf((result) => result.body.byteLength),
    orders: { count: sumOf((result) => result.byName['GET /orders']?.count ?? 0) },
  };
}

function generated(count: number, size: number): Uint8Array[] {
  const ended: ReadableSpan[] = [];
  const collect = {
    onStart: () => {},
    onEnd: (span: ReadableSpan) => ended.push(span),
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  const tracer = new TracerProvider({ spanProcessors: [collect] }).getTracer('shop');
  for (let index = 0; index < count * size; index += 1) {
    const attributes = {
      'user.email': `user${index}@example.com`,
      'http.route': '/orders',
      'order.id': index,
      'order.note': 'as last time',
    };
    tracer.startSpan(index % 4 === 0 ? 'GET /healthz' : 'GET /orders', { attributes }).end();
  }
  return Array.from({ length: count }, (_, index) => encodeTraces(ended.slice(index * size, (index + 1) * size)));
}

/** Each request stands behind its length in four bytes. */
function recorded(path: string): Uint8Array[] {
  const bytes = zstdDecompressSync(readFileSync(path));
  const found: Uint8Array[] = [];
  for (let at = 0; at + 4 <= bytes.length; at += 4 + bytes.readUInt32BE(at))
    found.push(new Uint8Array(bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at))));
  return found;
}
