// The official processor and exporter on the way to a backend, to compare with.

import type { Tracer } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { onTestFinished } from 'vitest';
import { otlpHttp, spanPipeline } from '../../src/index.ts';

/** A real tracer, and the processor that its spans end in. */
export interface Tracing {
  readonly tracer: Tracer;
  readonly processor: SpanProcessor;
}

/** The official processor and exporter, both with their defaults. */
export function officialTracing(url: string): Tracing {
  return tracingWith(new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url }) }));
}

/** Ours, with its defaults. */
export function ourTracing(url: string): Tracing {
  return tracingWith(spanPipeline({ sink: otlpHttp({ url, environment: {} }), environment: {} }).processor);
}

function tracingWith(processor: SpanProcessor): Tracing {
  const provider = new TracerProvider({ spanProcessors: [processor] });
  onTestFinished(() => provider.shutdown());
  return { tracer: provider.getTracer('comparison'), processor };
}

/** So many spans that end within one turn of the event loop. */
export function burst(tracer: Tracer, count: number): void {
  for (let index = 0; index < count; index++) tracer.startSpan(`span ${index}`, { attributes: { index } }).end();
}
