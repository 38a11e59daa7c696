import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { messageOf, SpanflowError } from '../errors.ts';
import { decodeTraces } from './decode.ts';
import { traceRequestJson } from './json-schema.ts';
import { wireOf } from './json-wire.ts';

/**
 * The spans of an OTLP trace export request in JSON, as {@link decodeTraces} has them.
 *
 * It reads OTLP/JSON, and what proto3 JSON allows besides: integers as numbers or strings (exact beyond 2^53 in either form), doubles
 * as strings, enums by name, base64 in either alphabet, `null` for what is absent. Unknown fields are ignored, names in snake_case
 * among them, as OTLP says.
 *
 * **Order:** as in the message.
 *
 * **Loss:** none of spans.
 *
 * The memory that a message takes is a multiple of its size: limit that first.
 *
 * @param json the text, or its bytes in UTF-8
 *
 * @throws SpanflowError `MALFORMED_MESSAGE` with the place and the reason; nothing else. Messages nested more than 100 deep are refused.
 *
 * @example
 * ```ts
 * const { decodeTracesJson } = await import('spanflow/otlp');
 * const spans = decodeTracesJson(await readFile('spans.json', 'utf8'));
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function decodeTracesJson(json: string | Uint8Array): ReadableSpan[] {
  try {
    // By way of the binary form, so that what a span can hold is decided in one place.
    return decodeTraces(wireOf(json, traceRequestJson));
  } catch (thrown) {
    const message = `the OTLP/JSON request is malformed: ${messageOf(thrown)}`;
    throw new SpanflowError('MALFORMED_MESSAGE', message, { cause: thrown });
  }
}
