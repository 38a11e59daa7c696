import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { checkArguments } from '../../encode/encodeItems.ts';
import type { EncodeOptions, OwnBytes } from '../../encode/encodeOptions.ts';
import { oneGo, TRACES } from './traceSignal.ts';

/** Options of {@link encodeTraces}. */
export type EncodeTracesOptions = EncodeOptions<ReadableSpan>;

/**
 * Spans as the body of an OTLP trace export request (protobuf).
 *
 * Every value that a span can hold goes out exactly: nanoseconds, int64, bytes, NaN. What OTLP has no form for (a function, a
 * symbol) is left out and counted in `dropped_attributes_count`; lone surrogates become U+FFFD. A span is unencodable where OTLP
 * cannot express it: circular or too deeply nested values, ids that are not hex of the right length, times that are not finite
 * or lie before 1970, more than 262,144 values or 64 Mi characters in one span, a getter that throws, a resource or scope for which
 * any of this holds.
 *
 * **Order:** resources and scopes (each by identity) in the order of their first span; spans in their own order inside.
 *
 * **Loss:** none without {@link EncodeOptions.onUnencodable}; with it, exactly the spans that it is called with.
 *
 * @throws SpanflowError `UNENCODABLE`, naming the span and the reason, and, callback or not, where the request as a whole does not
 * fit into memory; `INVALID_OPTION` for arguments of the wrong kind.
 *
 * @example
 * ```ts
 * const body = encodeTraces(spans, { onUnencodable: (span, error) => console.warn(error.message) });
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otlp/
 */
export function encodeTraces(spans: readonly ReadableSpan[], options?: EncodeTracesOptions): OwnBytes {
  checkArguments('encodeTraces', TRACES.noun, spans, options);
  return oneGo.protobuf(spans, options?.onUnencodable);
}
