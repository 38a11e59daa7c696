// The real SDK around a test: a context manager, and a global tracer whose spans are kept.

import { type Context, type ContextManager, context, ROOT_CONTEXT, type Tracer, trace } from '@opentelemetry/api';
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

/** A context manager that knows synchronous calls only, as one without hooks of the engine does: each `await` loses the context. Until the test has ended. */
export function useSynchronousContext(): void {
  let active: Context = ROOT_CONTEXT;
  const manager: ContextManager = {
    active: () => active,
    with: (within, work, that, ...args) => {
      const before = active;
      active = within;
      try {
        return work.apply(that, args);
      } finally {
        active = before;
      }
    },
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  context.setGlobalContextManager(manager);
  onTestFinished(() => context.disable());
}
