import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { messageOf, SpanflowError } from '../../../model/errors.ts';
import { type DecodeTracesOptions, limitsOf } from '../../decodeLimits.ts';
import { decodeWithin } from '../../traces/decode/decode.ts';
import { traceRequestJson } from './jsonSchema.ts';
import { wireOf } from './jsonWire.ts';

/**
 * The spans of an OTLP trace export request in JSON, as {@link decodeTraces} has them.
 *
 * It reads OTLP/JSON, and what proto3 JSON allows besides: integers as numbers or strings (exact beyond 2^53 in either form, with an
 * exponent or a fraction of zeros too: `1.7e18`, `"7.0"`), doubles as strings, enums by name, base64 in either alphabet, `null` for what is absent. Unknown fields are ignored, names in snake_case
 * among them, as OTLP says.
 *
 * **Order:** as in the message.
 *
 * **Loss:** none of spans.
 *
 * **Bounded:** as {@link decodeTraces} is. `maxDecodedBytes` limits what parsing the text takes, too, and by itself.
 *
 * @param json the text, or its bytes in UTF-8
 *
 * @throws SpanflowError as {@link decodeTraces} does.
 *
 * @example
 * ```ts
 * const { decodeTracesJson } = await import('spanflow/otlp');
 * const spans = decodeTracesJson(await readFile('spans.json', 'utf8'));
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function decodeTracesJson(json: string | Uint8Array, options: DecodeTracesOptions = {}): ReadableSpan[] {
  const limits = limitsOf('decodeTracesJson', options);
  try {
    // By way of the binary form, so that what a span can hold is decided in one place.
    return decodeWithin(wireOf(json, traceRequestJson, limits), limits);
  } catch (thrown) {
    if (thrown instanceof SpanflowError && thrown.code === 'MESSAGE_TOO_LARGE') throw thrown;
    const message = `the OTLP/JSON request is malformed: ${messageOf(thrown)}`;
    throw new SpanflowError('MALFORMED_MESSAGE', message, { cause: thrown });
  }
}
