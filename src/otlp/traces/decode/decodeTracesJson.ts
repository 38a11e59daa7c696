import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { decodeJsonRequest, type SignalJson } from '../../decode/decodeJsonRequest.ts';
import { traceRequestJson } from '../../json/read/jsonSchema.ts';
import { type DecodeOptions, limitsOf } from '../../protobuf/decodeLimits.ts';
import { tracesDecoding } from './decodeTraces.ts';
import { SPAN_COSTS } from './readSpan.ts';

export const tracesJson: SignalJson<ReadableSpan> = {
  message: traceRequestJson,
  costs: SPAN_COSTS,
  decoding: tracesDecoding,
};

/**
 * The spans of an OTLP trace export request in JSON, as `decodeTraces` returns them.
 *
 * It reads OTLP/JSON, and what proto3 JSON allows besides: integers as numbers or strings (exact beyond 2^53 in both forms, also with
 * an exponent or a fraction of zeros: `1.7e18`, `"7.0"`), doubles as strings, enums by name, base64 in both alphabets, `null` for an
 * absent field. Unknown fields are ignored, as OTLP demands; names in snake_case are unknown.
 *
 * **Order:** as in the message.
 *
 * **Loss:** no span is lost.
 *
 * **Bounded:** as `decodeTraces` is. `maxDecodedBytes` also bounds the heap that the parsed text takes, separately from the spans.
 *
 * @param json the text, or its bytes in UTF-8
 *
 * @throws SpanflowError as `decodeTraces` does.
 *
 * @example
 * ```ts
 * const { decodeTracesJson } = await import('spanflow/otlp');
 * const spans = decodeTracesJson(await readFile('spans.json', 'utf8'));
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function decodeTracesJson(json: string | Uint8Array, options: DecodeOptions = {}): ReadableSpan[] {
  return decodeJsonRequest(json, limitsOf('decodeTracesJson', options), tracesJson);
}
