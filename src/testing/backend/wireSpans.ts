import { fieldOf, listOf } from './jsonLists.ts';
import { children } from './wireMessages.ts';

/** A span in an encoded request. */
export interface WireSpan {
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** The name of the span. */
  readonly name: string;
}

// Field numbers of opentelemetry-proto: ExportTraceServiceRequest → ResourceSpans → ScopeSpans → Span.
const RESOURCE_SPANS = 1;
const SCOPE_SPANS = 2;
const SPANS = 2;
const SPAN_ID = 2;
const SPAN_NAME = 5;

const text = new TextDecoder();

/**
 * Finds the spans of an encoded `ExportTraceServiceRequest`. It reads only the fields that lead to them, and shares no code with the encoder, so that
 * a test can check one against the other.
 *
 * @throws RangeError when the bytes are no protobuf message.
 */
export function walkSpans(body: Uint8Array): WireSpan[] {
  return spanMessages(body).map((span) => ({
    spanId: Buffer.from(children(span, SPAN_ID).at(-1) ?? []).toString('hex'),
    name: text.decode(children(span, SPAN_NAME).at(-1)),
  }));
}

/** The number of spans in an encoded request. */
export function countSpans(body: Uint8Array): number {
  return spanMessages(body).length;
}

/** Finds the spans of a request in OTLP's JSON encoding. */
export function walkJsonSpans(body: Uint8Array): WireSpan[] {
  const request: unknown = JSON.parse(text.decode(body));
  const scopes = listOf(request, 'resourceSpans').flatMap((resource) => listOf(resource, 'scopeSpans'));
  const spans = scopes.flatMap((scope) => listOf(scope, 'spans'));
  return spans.map((span) => ({ spanId: String(fieldOf(span, 'spanId')), name: String(fieldOf(span, 'name')) }));
}

function spanMessages(body: Uint8Array): Uint8Array[] {
  const scopes = children(body, RESOURCE_SPANS).flatMap((resource) => children(resource, SCOPE_SPANS));
  return scopes.flatMap((scope) => children(scope, SPANS));
}
