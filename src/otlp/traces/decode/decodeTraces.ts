import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { decodeRequest, type SignalDecoding } from '../../decode/decodeRequest.ts';
import { type DecodeOptions, limitsOf } from '../../protobuf/decodeLimits.ts';
import { readSpan } from './readSpan.ts';

export const tracesDecoding: SignalDecoding<ReadableSpan> = {
  request: 'ExportTraceServiceRequest',
  readInto: readSpan,
};

/**
 * The spans of an OTLP trace export request (protobuf), as plain objects that satisfy `ReadableSpan`.
 *
 * `encodeTraces(decodeTraces(bytes))` gives the same telemetry back. What `ReadableSpan` cannot hold is normalised; the README of
 * `src/otlp` has the list, with a test for each entry. Spans of one `ResourceSpans` share one resource object, and spans of one
 * `ScopeSpans` share one scope object, so the encoder groups them again.
 *
 * **Order:** as in the message.
 *
 * **Loss:** no span is lost. Fields that this version of OTLP does not know are skipped.
 *
 * **Bounded:** two bytes can become a span of 600, so the length of a message does not bound the memory that its spans take.
 * `maxItems` and `maxDecodedBytes` do. Limit the length of the message itself before the call.
 *
 * @throws SpanflowError `MALFORMED_MESSAGE` with the message, the place and the reason (messages nested more than 100 deep are
 * refused): a receiver answers with 400. `MESSAGE_TOO_LARGE` with the option and its limit: a receiver answers with 413.
 * `INVALID_OPTION`. Nothing else.
 *
 * @example
 * ```ts
 * const spans = decodeTraces(await readFile('spans.otlp'));
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otlp/
 */
export function decodeTraces(bytes: Uint8Array, options: DecodeOptions = {}): ReadableSpan[] {
  return decodeRequest(bytes, limitsOf('decodeTraces', options), tracesDecoding);
}
