import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { checkArguments } from '../../encode/encodeItems.ts';
import type { OwnBytes } from '../../encode/encodeOptions.ts';
import type { EncodeTracesOptions } from './encodeTraces.ts';
import { oneGo, TRACES } from './traceSignal.ts';

/**
 * Spans as the body of an OTLP trace export request in JSON, in UTF-8.
 *
 * It holds what {@link encodeTraces} writes, in OTLP/JSON: 64-bit integers as strings, NaN and the infinities by their names, ids in hex,
 * enums as numbers, bytes in base64; what is 0 or empty is absent. -0 is the string `"-0"`, since `JSON.stringify` has no sign for it.
 *
 * **Order:** as in {@link encodeTraces}.
 *
 * **Loss:** as in {@link encodeTraces}.
 *
 * @throws SpanflowError as {@link encodeTraces} does.
 *
 * @example
 * ```ts
 * const { encodeTracesJson } = await import('spanflow/otlp');
 * const body = encodeTracesJson(spans);
 * const text = new TextDecoder().decode(body);
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function encodeTracesJson(spans: readonly ReadableSpan[], options?: EncodeTracesOptions): OwnBytes {
  checkArguments('encodeTracesJson', TRACES.noun, spans, options);
  return oneGo.json(spans, options?.onUnencodable);
}
