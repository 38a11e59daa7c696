import { encodeTraces } from '../../../../src/otlp/index.ts';
import { generatedSpans } from '../../../support/spans.ts';

/** The request of this number, and the ids in it: the same in each process. */
export function numberedRequest(number: number): { readonly bytes: Uint8Array; readonly ids: string[] } {
  const spans = generatedSpans({ seed: 1_000 + number, count: 5 + (number % 40) });
  const ids = spans.map((span) => `${span.spanContext().traceId} ${span.spanContext().spanId}`);
  return { bytes: encodeTraces(spans), ids };
}
