import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { decodedSpan, scopeOf } from './decode-span.ts';
import { attributesOf } from './decode-value.ts';
import type { ResourceSpansMessage } from './messages.ts';
import { receivedResource } from './resource.ts';
import { traceRequest } from './schema.ts';

/**
 * The spans of an OTLP trace export request (protobuf), as plain objects that satisfy `ReadableSpan`.
 *
 * `encodeTraces(decodeTraces(bytes))` gives the same telemetry back. What `ReadableSpan` cannot hold is normalised; the list, with a
 * test for each entry, is in this folder's `README.md`. Spans of one `ResourceSpans` share one resource object, those of one
 * `ScopeSpans` one scope object, so that they find together again when they are encoded.
 *
 * **Order:** as in the message.
 *
 * **Loss:** none of spans. Fields that this version of OTLP does not know are skipped.
 *
 * The memory that a message takes is a multiple of its bytes (some 20 times at worst): limit the bytes first.
 *
 * @throws SpanflowError `MALFORMED_MESSAGE` with the message, the place and the reason; nothing else. Messages nested more than 100
 * deep are refused.
 *
 * @example
 * ```ts
 * const spans = decodeTraces(await readFile('spans.otlp'));
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otlp/
 */
export function decodeTraces(bytes: Uint8Array): ReadableSpan[] {
  const spans: ReadableSpan[] = [];
  for (const resourceSpans of traceRequest.decode(bytes).resourceSpans) addSpans(resourceSpans, spans);
  return spans;
}

function addSpans({ resource, scopeSpans, schemaUrl }: ResourceSpansMessage, spans: ReadableSpan[]): void {
  const attributes = attributesOf(resource?.attributes ?? []);
  const received = receivedResource(attributes, resource?.droppedAttributesCount ?? 0, schemaUrl);
  for (const group of scopeSpans) {
    const scope = scopeOf(group);
    for (const span of group.spans) spans.push(decodedSpan(span, received, scope));
  }
}
