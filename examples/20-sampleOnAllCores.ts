/**
 * Tail sampling on all cores: spans of one trace go to one worker, which keeps the trace or drops it as a whole. First on the main thread, then in a pool of worker threads. What is kept is the same; how much faster the second way is, if at all, depends on the cores, and on how much there is
 * to decide: dividing the spans by their traces, on the main thread, costs a part of what is gained.
 *
 *     node examples/20-sampleOnAllCores.ts
 */
import { availableParallelism } from 'node:os';
import { trace as api, ROOT_CONTEXT } from '@opentelemetry/api';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { from, lastValueFrom, map, mergeMap, type Observable, toArray } from 'rxjs';
import { encodeTraces, viewTraces } from 'spanflow/otlp';
import { inWorkers, workerPool, workerTask } from 'spanflow/workers';
import { type sample, sampling } from './support/samplingTasks.ts';

interface Shard {
  readonly shard: number;
  readonly spans: readonly ReadableSpan[];
}

const requests = generated(40, 500);
const workers = workerPool({ name: 'sampling', size: availableParallelism() });
const task = workerTask<typeof sample>({
  module: new URL('./support/samplingTasks.ts', import.meta.url),
  export: 'sample',
  kind: 'operator',
});

const direct = await timed(
  mergeMap((body: Uint8Array) => viewTraces(body)),
  sampling,
);
const parallel = await timed(
  mergeMap((body: Uint8Array) => shardsOf(viewTraces(body))),
  inWorkers(task, {
    workers,
    shardBy: ({ shard }: Shard) => shard,
    send: ({ spans }) => encodeTraces(spans),
    receive: (bytes: Uint8Array) => viewTraces(bytes),
    maxQueueSize: 10_000,
  }),
  mergeMap((spans) => spans),
);
await workers.shutdown();

console.log(`${requests.length} requests: ${parallel.kept.length} spans were kept`);
const times = `${direct.millis.toFixed(0)} ms on the main thread, ${parallel.millis.toFixed(0)} ms on ${workers.size} workers`;
console.log(`${times}: ${(direct.millis / parallel.millis).toFixed(1)} times as fast`);
process.exitCode = direct.kept.join() === parallel.kept.join() && parallel.kept.length > 0 ? 0 : 1;

/** Chunks of which each has the spans of one shard: a few for each worker, so that their work is even. */
function shardsOf(spans: readonly ReadableSpan[]): Shard[] {
  const count = 4 * workers.size;
  const shards = Map.groupBy(spans, (span) => Number.parseInt(span.spanContext().traceId.slice(-6), 16) % count);
  return [...shards].map(([shard, of]) => ({ shard, spans: of }));
}

/** Runs it twice, so that threads and machine code are there, and measures the second time. */
async function timed<A, B>(
  begin: (source: Observable<Uint8Array>) => Observable<A>,
  middle: (source: Observable<A>) => Observable<B>,
  end: (source: Observable<B>) => Observable<ReadableSpan> = map((span) => span as unknown as ReadableSpan),
) {
  const identity = map((span: ReadableSpan) => `${span.spanContext().traceId}${span.spanContext().spanId}`);
  const run = () => lastValueFrom(from(requests).pipe(begin, middle, end, identity, toArray()));
  await run();
  const start = performance.now();
  const kept = await run();
  return { millis: performance.now() - start, kept: kept.sort() };
}

/** Traces of ten spans, of which one in twenty has failed. */
function generated(count: number, size: number): Uint8Array[] {
  const ended: ReadableSpan[] = [];
  const collect = {
    onStart: () => {},
    onEnd: (span: ReadableSpan) => ended.push(span),
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  const tracer = new TracerProvider({ spanProcessors: [collect] }).getTracer('shop');
  for (let trace = 0; trace < (count * size) / 10; trace += 1) {
    const root = tracer.startSpan('GET /orders');
    const within = api.setSpan(ROOT_CONTEXT, root);
    for (let index = 0; index < 9; index += 1) {
      const attributes = {
        'http.route': '/orders',
        'order.id': trace,
        'order.note': 'as last time, please '.repeat(5),
      };
      tracer.startSpan('SELECT', { attributes }, within).end();
    }
    if (trace % 20 === 0) root.setStatus({ code: 2 });
    root.end();
  }
  return Array.from({ length: count }, (_, index) => encodeTraces(ended.slice(index * size, (index + 1) * size)));
}
