import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { SpanflowError } from '../../../model/errors.ts';
import { checkArguments } from '../../encode/encodeItems.ts';
import { oneGo, TRACES } from './traceSignal.ts';

/** A `Uint8Array<ArrayBuffer>`, in words that TypeScript 5.4 knows, too. */
export type OwnBytes = ReturnType<Uint8Array['slice']>;

/** The options of {@link encodeTraces} and {@link encodeTracesJson}. */
export interface EncodeTracesOptions {
  /**
   * Called with each span that OTLP cannot express, and with a `SpanflowError` of code `UNENCODABLE`; the other spans are encoded.
   * Without it (the default) the first such span makes the call throw, so that no span is left out silently.
   * What this callback itself throws is ignored: it must not cost the other spans.
   */
  readonly onUnencodable?: (span: ReadableSpan, error: SpanflowError) => void;
}

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
 * **Loss:** none without {@link EncodeTracesOptions.onUnencodable}; with it, exactly the spans that it is called with.
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
