// A service that ends spans of ten attributes at a rate, whatever becomes of its backend, and is measured meanwhile.

import { resourceFromAttributes } from '@opentelemetry/resources';
import { type IdGenerator, RandomIdGenerator, TracerProvider } from '@opentelemetry/sdk-trace';
import { processMemory } from '../../src/flow/memory.ts';
import {
  adaptiveConcurrency,
  exponentialBackoff,
  memoryBudget,
  otlpHttp,
  type SpanPipelineOptions,
  spanPipeline,
} from '../../src/index.ts';
import { otlpGrpc } from '../../src/sinks/otlpGrpc/index.ts';
import { paced, sleep } from '../bench/support/program.ts';
import { describedRequests } from '../bench/support/workloads.ts';
import { answer, inputOf } from '../scenarios/child.ts';
import { collectedHeapBytes, type Drained, factsOf, type Sample, Watch } from './measure.ts';
import type { Limits, Protocol } from './plan.ts';

export interface SenderInput {
  readonly protocol: Protocol;
  readonly url: string;
  readonly perSecond: number;
  readonly sliceMillis: number;
  readonly limits: Limits;
}

/** The serial number of a span is its id, so that the backend can tell spans apart. */
class SerialIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #spans = 0;

  get spans(): number {
    return this.#spans;
  }

  generateTraceId(): string {
    return this.#random.generateTraceId();
  }

  generateSpanId(): string {
    this.#spans += 1;
    return this.#spans.toString(16).padStart(16, '0');
  }
}

const { protocol, url, perSecond, sliceMillis, limits } = inputOf<SenderInput>();
const sink = protocol === 'http' ? otlpHttp({ url }) : otlpGrpc({ url });
const pipeline = spanPipeline({ sink, ...optionsOf(limits) });
const idGenerator = new SerialIds();
const tracer = new TracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'soak', 'service.version': '1.0.0', 'host.name': 'soak-1' }),
  spanProcessors: [pipeline.processor],
  idGenerator,
}).getTracer('soak', '1.0.0');
const requests = describedRequests(512);

let watch = watching();
answer({
  /** Another phase begins. */
  begin: (): Sample => {
    watch.end();
    watch = watching();
    return watch.sample();
  },
  slice: async (): Promise<Sample> => {
    await watch.slice(() => paced(perSecond, sliceMillis, endOne));
    return watch.sample();
  },
  /** As long as a slice, without spans. */
  idle: async (): Promise<Sample> => {
    await sleep(sliceMillis);
    return watch.sample();
  },
  end: () => watch.end(),
  drain: async (): Promise<Drained> => {
    await pipeline.forceFlush({ timeoutMillis: 60_000 });
    const flushed = { heapBytes: collectedHeapBytes(), memoryBytes: pipeline.stats().memoryBytes };
    await pipeline.shutdown();
    return { ...flushed, ended: idGenerator.spans, books: factsOf(pipeline.stats()) };
  },
});

function watching(): Watch {
  const budgetBytes = limits.memoryBytes ?? processMemory().maxBytes;
  return new Watch(() => pipeline.stats(), budgetBytes);
}

function endOne(index: number): void {
  const { name, attributes } = requests[index % requests.length] as (typeof requests)[number];
  const span = tracer.startSpan(name);
  for (const [key, value] of attributes) span.setAttribute(key, value);
  const before = performance.now();
  span.end();
  watch.ended(performance.now() - before);
}

function optionsOf({ maxElapsedMillis, maxBackoffMillis, memoryBytes, maxLimit, ...rest }: Limits) {
  const backoff =
    maxBackoffMillis === undefined ? {} : { backoff: exponentialBackoff({ maxMillis: maxBackoffMillis }) };
  return {
    ...rest,
    retry: { maxElapsedMillis, ...backoff },
    ...(memoryBytes !== undefined && { memory: memoryBudget({ maxBytes: memoryBytes }) }),
    ...(maxLimit !== undefined && { concurrency: adaptiveConcurrency({ maxLimit }) }),
  } satisfies Partial<SpanPipelineOptions>;
}
