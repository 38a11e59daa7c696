import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { SpanflowError } from '../../../model/errors.ts';
import { Outputs } from '../../protobuf/bufferPool.ts';
import { checkArguments, encodeEach, tooLarge } from './encodeEach.ts';
import { RequestEncoder } from './encodeRequest.ts';
import { Encoding } from './encoding.ts';
import { encodeInSlices, inTurn } from './slices.ts';
import { makeYoung } from './youngGarbage.ts';

export interface EncodeTracesOptions {
  /**
   * Told of each span that OTLP cannot hold, with a `SpanflowError` of code `UNENCODABLE`; the other spans are encoded.
   * Without it (the default) the first such span makes the call throw, so that none is left out unseen.
   * What this callback itself throws is ignored: it must not cost the other spans.
   */
  readonly onUnencodable?: (span: ReadableSpan, error: SpanflowError) => void;
}

/**
 * Spans as the body of an OTLP trace export request (protobuf).
 *
 * Every value that a span can hold goes out exactly: nanoseconds, int64, bytes, NaN. What OTLP has no form for (a function, a
 * symbol) is left out and counted in `dropped_attributes_count`; lone surrogates become U+FFFD. A span is unencodable where it
 * cannot be told at all: circular or too deeply nested values, ids that are not hex of the right length, times that are not finite
 * or lie before 1970, more than 262,144 values or 64 Mi characters in one span, a getter that throws, a resource or scope for which
 * any of this holds.
 *
 * **Order:** resources and scopes (each by identity) in the order of their first span; spans in their own order inside.
 *
 * **Loss:** none without {@link EncodeTracesOptions.onUnencodable}; with it, exactly the spans that it is told of.
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
export function encodeTraces(
  spans: readonly ReadableSpan[],
  options: EncodeTracesOptions = {},
): Uint8Array<ArrayBuffer> {
  checkArguments('encodeTraces', spans, options.onUnencodable);
  // Reading a span may run code of the program that encodes spans in turn: it finds no encoding here, and makes its own.
  const encoding = spare ?? new Encoding();
  spare = undefined;
  try {
    const request = new RequestEncoder(encoding);
    encodeEach(spans, (span) => request.add(span), options.onUnencodable);
    return finished(() => {
      const body = request.finish().copiedFrom(encoding.out.bytes);
      makeYoung(body.length);
      return body;
    });
  } finally {
    encoding.out.reset();
    spare = encoding;
  }
}

/** Buffer and memos, kept from one request to the next. */
let spare: Encoding | undefined;

/** When everything is bytes, what is left to fail is memory. */
function finished<Made>(finish: () => Made): Made {
  try {
    return finish();
  } catch (thrown) {
    throw tooLarge(thrown);
  }
}

/** A request that lies in a buffer which is used again when it is given back. */
export interface LentRequest {
  readonly pieces: readonly Uint8Array[];
  readonly length: number;
  /** Nobody reads the pieces any more. */
  giveBack(): void;
}

/**
 * What {@link encodeTraces} makes, for whoever can wait for it, and can say when it has been read: span for span in slices, so that
 * the program can go on in between, and without leaving hundreds of megabytes behind for the garbage collector. One request is made
 * after the other.
 *
 * @param leastBytes smaller pieces are copied, and need not be given back
 * @throws SpanflowError as {@link encodeTraces} does.
 */
export function lendTraces(spans: readonly ReadableSpan[], options: LendOptions): Promise<LentRequest> {
  return inTurn(() => lend(spans, options));
}

interface LendOptions extends EncodeTracesOptions {
  readonly leastBytes: number;
}

/** For one request after the other. */
const lending = new Encoding();
/** Buffers that were lent, and came back. */
const outputs = new Outputs();

async function lend(spans: readonly ReadableSpan[], options: LendOptions): Promise<LentRequest> {
  checkArguments('encodeTraces', spans, options.onUnencodable);
  const request = new RequestEncoder(lending);
  await encodeInSlices(spans, (span) => request.add(span), options.onUnencodable);
  const { out } = lending;
  return finished(() => {
    const body = request.finish();
    const pieces = body.lentFrom(out.bytes, options.leastBytes);
    const isLent = pieces.some(({ buffer }) => buffer === out.bytes.buffer);
    if (isLent) lending.out = outputs.take();
    else out.reset();
    return { pieces, length: body.length, giveBack: () => isLent && outputs.giveBack(out) };
  });
}
