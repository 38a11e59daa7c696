import { type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

/** Returns a function that ends so many spans of a real tracer, whose processors these are. */
export function spanSource(spanProcessors: SpanProcessor[]): (count: number) => void {
  const tracer = new TracerProvider({ spanProcessors }).getTracer('conformance');
  return (count) => {
    for (let index = 0; index < count; index++) tracer.startSpan(`span ${index}`).end();
  };
}
