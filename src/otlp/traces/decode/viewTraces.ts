import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { type SignalViewing, type ViewOptions, viewRequest } from '../../decode/viewRequest.ts';
import { SPAN_COSTS } from './readSpan.ts';
import { SPAN_ATTRIBUTES, viewSpan } from './viewSpan.ts';

export const tracesViewing: SignalViewing<ReadableSpan> = {
  request: 'ExportTraceServiceRequest',
  costs: SPAN_COSTS,
  viewInto: viewSpan,
  attributes: SPAN_ATTRIBUTES,
};

/**
 * The spans of an OTLP trace export request (protobuf), each of which is read from the bytes when it is asked for: a property is
 * decoded at its first reading, and nothing else of the span is. `encodeTraces` copies a span that nobody has replaced as bytes, fields that
 * this version of OTLP does not know included, and brings spans together whose resource and scope are equal byte for byte. So a relay
 * pays for what its operators look at.
 *
 * The structure of the whole request is checked at the call: what is malformed is refused there, and nothing fails later. Only a text that
 * is not UTF-8 shows when it is read: its malformed bytes become U+FFFD, and `onMalformedText` is called.
 *
 * A view cannot be changed: what it holds is frozen, down to the last level. Replace properties with `Object.create(span, …)`: such a span is encoded from
 * its fields, of which the others are still those of the view. A spread (`{ ...span }`) holds nothing, since the properties are getters.
 *
 * A view keeps the bytes of its whole request in memory, and they must not be written to. Where few spans of many are kept for long,
 * `viewTraces(encodeTraces(kept))` makes views of bytes of their own.
 *
 * **Order:** as in the message.
 *
 * **Loss:** no span is lost.
 *
 * **Bounded:** as `decodeTraces` is, for the case that all of it is read.
 *
 * @throws SpanflowError as `decodeTraces` does, and `MALFORMED_MESSAGE` for an id that is neither empty nor of its length. A text that is not
 * UTF-8 is no error.
 *
 * @example
 * ```ts
 * const { viewTraces } = await import('spanflow/otlp');
 * const spans = viewTraces(await readFile('spans.otlp'));
 * const errors = encodeTraces(spans.filter(({ status }) => status.code === 2));
 * ```
 *
 * @see https://opentelemetry.io/docs/specs/otlp/
 */
export function viewTraces(bytes: Uint8Array, options: ViewOptions = {}): ReadableSpan[] {
  return viewRequest('viewTraces', bytes, options, tracesViewing);
}
