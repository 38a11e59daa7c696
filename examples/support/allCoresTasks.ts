/** What the workers of 18-allCores do with each request: they see bytes, and give bytes back. */
import { gzipSync } from 'node:zlib';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { decodeTraces, encodeTraces } from 'spanflow/otlp';

export interface Processed {
  /** Spans that came. */
  readonly spans: number;
  /** Spans that were kept. */
  readonly kept: number;
  /** Of all spans, by their name: how many, and how many milliseconds together. */
  readonly byName: Readonly<Record<string, { readonly count: number; readonly millis: number }>>;
  /** The request with the spans that were kept, in gzip. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Filter, map, aggregate and gzip, for one request. */
export function process(request: Uint8Array): Processed {
  const spans = decodeTraces(request);
  const kept = spans.filter((span) => span.name !== 'GET /healthz').map(redacted);
  const body = new Uint8Array(gzipSync(encodeTraces(kept)));
  return { spans: spans.length, kept: kept.length, byName: byName(spans), body };
}

function redacted(span: ReadableSpan): ReadableSpan {
  if (span.attributes['user.email'] === undefined) return span;
  return { ...span, attributes: { ...span.attributes, 'user.email': '***' }, spanContext: () => span.spanContext() };
}

function byName(spans: readonly ReadableSpan[]): Processed['byName'] {
  const sums: Record<string, { count: number; millis: number }> = {};
  for (const { name, duration } of spans) {
    sums[name] ??= { count: 0, millis: 0 };
    const sum = sums[name];
    sum.count += 1;
    sum.millis += duration[0] * 1_000 + duration[1] / 1e6;
  }
  return sums;
}
