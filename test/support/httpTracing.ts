// The real SDK around a test: a context manager, and a global tracer whose spans are kept.

import { context, type Tracer, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { onTestFinished } from 'vitest';

export interface RecordedTracing {
  readonly tracer: Tracer;
  /** Names of the spans that have ended. */
  names(): string[];
}

/** Until the test has ended. */
export function recordTracing(): RecordedTracing {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(provider);
  onTestFinished(async () => {
    context.disable();
    trace.disable();
    await provider.shutdown();
  });
  return {
    tracer: trace.getTracer('test'),
    names: () => exporter.getFinishedSpans().map(({ name }) => name),
  };
}
