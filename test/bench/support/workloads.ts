import { type AttributeValue, ROOT_CONTEXT, SpanKind, TraceFlags, trace } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { decodeTraces } from '../../../src/otlp/index.ts';
import { astronomy, type Origin } from '../../support/data.ts';
import { type Random, seeded } from '../../support/spans.ts';

/** Spans as they come out of the SDK, in batches as large as the official processor makes them. */
export interface Workload {
  readonly name: string;
  readonly origin: Origin;
  readonly batches: readonly ReadableSpan[][];
}

const BATCH = 512;
const MAX_BATCHES = 16;

/** Spans of an HTTP server, 512 unless told otherwise: ten attributes each, of which some repeat from span to span and some never do. */
export function requestSpans(count = BATCH): Workload {
  const random = seeded(1);
  const batch = sdkSpans(count, SpanKind.SERVER, (at) => ({
    name: `GET ${route(at)}`,
    attributes: requestOf(at, random),
  }));
  return { name: '10 attributes', origin: 'generated', batches: [batch] };
}

/** Spans of a name, ids and times, 512 unless told otherwise: eight to a trace, of which seven are children of the first. */
export function bareSpans(count = BATCH): Workload {
  const describe = (at: number) => ({ name: `step ${at % 20}`, attributes: {} });
  const batch = sdkSpans(count, SpanKind.INTERNAL, describe, 8);
  return { name: 'bare', origin: 'generated', batches: [batch] };
}

/** The first 8,192 spans of the recorded shop, in 512s as they came; generated spans where it is absent. */
function recordedSpans(): Workload {
  const set = astronomy();
  const spans: ReadableSpan[] = [];
  for (const bytes of set.requests()) {
    spans.push(...decodeTraces(bytes));
    if (spans.length >= MAX_BATCHES * BATCH) break;
  }
  const batches: ReadableSpan[][] = [];
  for (let at = 0; at + BATCH <= spans.length && batches.length < MAX_BATCHES; at += BATCH)
    batches.push(spans.slice(at, at + BATCH));
  return { name: `${set.origin} shop`, origin: set.origin, batches };
}

export type WorkloadName = 'request' | 'recorded' | 'bare';

/** @param count how many, of request and bare spans */
export function workloadOf(name: WorkloadName, count = BATCH): Workload {
  const makers = { request: requestSpans, bare: bareSpans, recorded: recordedSpans };
  return makers[name](count);
}

/** Enough different spans that none is in a pipeline twice at once, and that no cache holds all their values. */
const PIPELINE_SPANS = MAX_BATCHES * BATCH;

/** Spans for a whole pipeline, in one row. */
export function pipelineSpans(name: WorkloadName): { name: string; origin: Origin; spans: readonly ReadableSpan[] } {
  const workload = workloadOf(name, PIPELINE_SPANS);
  return { name: workload.name, origin: workload.origin, spans: workload.batches.flat().map(sampled) };
}

/** Older SDKs do not say on the wire that a span was sampled, which it was, and a processor skips those that were not. */
function sampled(span: ReadableSpan): ReadableSpan {
  span.spanContext().traceFlags |= TraceFlags.SAMPLED;
  return span;
}

/** What to make so many spans of, for who makes them while it is being measured. */
export function describedRequests(count: number): { name: string; attributes: [string, AttributeValue][] }[] {
  const random = seeded(1);
  return Array.from({ length: count }, (_, at) => {
    return { name: `GET ${route(at)}`, attributes: Object.entries(requestOf(at, random)) };
  });
}

interface Described {
  readonly name: string;
  readonly attributes: Record<string, string | number | boolean | string[]>;
}

function sdkSpans(count: number, kind: SpanKind, describe: (at: number) => Described, perTrace = 1): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'bench', 'service.version': '1.0.0', 'host.name': 'bench-1' }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer('bench', '1.0.0');
  let root = ROOT_CONTEXT;
  for (let at = 0; at < count; at++) {
    const isRoot = at % perTrace === 0;
    const { name, attributes } = describe(at);
    const span = tracer.startSpan(name, { kind }, isRoot ? ROOT_CONTEXT : root);
    if (isRoot) root = trace.setSpan(ROOT_CONTEXT, span);
    // One by one, as instrumentations do: it decides how the engine lays the object out.
    for (const [key, value] of Object.entries(attributes)) span.setAttribute(key, value);
    span.end();
  }
  return exporter.getFinishedSpans();
}

function route(at: number): string {
  return `/api/shop/${['products', 'cart', 'checkout', 'shipping', 'users'][at % 5]}/:id/${at % 4}`;
}

function requestOf(at: number, random: Random): Described['attributes'] {
  const id = Math.floor(random() * 1e9);
  return {
    'http.request.method': ['GET', 'GET', 'POST', 'PUT'][at % 4] ?? 'GET',
    'http.route': route(at),
    'url.full': `https://shop.example.com${route(at).replace(':id', String(id))}?session=${id * 7}`,
    'http.response.status_code': at % 50 === 0 ? 500 : 200,
    'server.address': 'shop.example.com',
    'server.port': 443,
    'user_agent.original': `Mozilla/5.0 (X11; Linux x86_64) Firefox/${100 + (at % 30)}.0`,
    'shop.discount.ratio': random(),
    'shop.returning': at % 3 === 0,
    'shop.categories': ['books', 'garden', `shelf-${at % 100}`],
  };
}
