import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { EncodeTracesOptions } from '../../traces/encode/encode.ts';
import { checkArguments, encodeEach, tooLarge } from '../../traces/encode/encodeEach.ts';
import { encodeInSlices, inTurn } from '../../traces/encode/slices.ts';
import { JsonEncoding } from './jsonEncoding.ts';
import { JsonRequest } from './jsonRequest.ts';

/**
 * Spans as the body of an OTLP trace export request in JSON, in UTF-8.
 *
 * It says what {@link encodeTraces} says, in OTLP/JSON: 64-bit integers as strings, NaN and the infinities by their names, ids in hex,
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
export function encodeTracesJson(
  spans: readonly ReadableSpan[],
  options: EncodeTracesOptions = {},
): Uint8Array<ArrayBuffer> {
  checkArguments('encodeTracesJson', spans, options.onUnencodable);
  // Reading a span may run code of the program that encodes spans in turn: it finds no encoding here, and makes its own.
  const encoding = spare ?? new JsonEncoding();
  spare = undefined;
  try {
    const request = new JsonRequest(encoding);
    encodeEach(spans, (span) => request.add(span), options.onUnencodable);
    return bodyOf(request);
  } finally {
    encoding.out.reset();
    spare = encoding;
  }
}

/** Buffer and memos, kept from one request to the next. */
let spare: JsonEncoding | undefined;

/**
 * What {@link encodeTracesJson} makes, span for span in slices, so that the program can go on in between. One request is made after the other.
 *
 * @throws SpanflowError as {@link encodeTraces} does.
 */
export function encodeTracesJsonInSlices(
  spans: readonly ReadableSpan[],
  { onUnencodable }: EncodeTracesOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  return inTurn(async () => {
    checkArguments('encodeTracesJson', spans, onUnencodable);
    const request = new JsonRequest(slicing);
    await encodeInSlices(spans, (span) => request.add(span), onUnencodable);
    return bodyOf(request);
  });
}

/** For one request after the other. */
const slicing = new JsonEncoding();

function bodyOf(request: JsonRequest): Uint8Array<ArrayBuffer> {
  try {
    return request.finish();
  } catch (thrown) {
    // Everything is text by now: what is left is memory.
    throw tooLarge(thrown);
  }
}
