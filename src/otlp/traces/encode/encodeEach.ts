import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { InvalidOptionError, messageOf, SpanflowError, shown } from '../../../model/errors.ts';
import { OutOfMemory } from '../../protobuf/outputBuffer.ts';

/** So many spans are looked at before they are encoded. */
const SPANS_AHEAD = 16;

/** Refuses arguments of the wrong kind at the call. */
export function checkArguments(caller: string, spans: unknown, onUnencodable: unknown): void {
  if (!Array.isArray(spans)) throw new InvalidOptionError(`${caller}.spans`, 'an array of spans', spans);
  if (onUnencodable !== undefined && typeof onUnencodable !== 'function') {
    throw new InvalidOptionError(`${caller}.onUnencodable`, 'a function', onUnencodable);
  }
}

export type OnUnencodable = ((span: ReadableSpan, error: SpanflowError) => void) | undefined;

/** Takes span for span; one that cannot be encoded is told of, or thrown where nobody listens. */
export function encodeEach(
  spans: readonly ReadableSpan[],
  add: (span: ReadableSpan) => void,
  onUnencodable: OnUnencodable,
  from = 0,
  to = spans.length,
): void {
  for (let index = from; index < to; index++) {
    if ((index - from) % SPANS_AHEAD === 0) lookAhead(spans, index, Math.min(index + SPANS_AHEAD, to));
    const span = spans[index] as ReadableSpan;
    try {
      add(span);
    } catch (thrown) {
      if (thrown instanceof OutOfMemory) throw tooLarge(thrown);
      const error = unencodable(span, index, thrown);
      if (onUnencodable === undefined) throw error;
      try {
        onUnencodable(span, error);
      } catch {
        // See the option: the remaining spans matter more.
      }
    }
  }
}

/** What was seen goes here, so that no compiler leaves out looking. */
export let seen = 0;

/**
 * Reads what spans consist of, and does nothing with it. Spans that ended a while ago lie scattered in memory: whoever reads many in
 * turn waits for all of them at once, while the encoder would wait for each.
 */
function lookAhead(spans: readonly ReadableSpan[], from: number, to: number): void {
  let sum = 0;
  try {
    for (let index = from; index < to; index++) {
      const span = spans[index] as ReadableSpan;
      sum += span.name.length + span.spanContext().spanId.length + span.startTime[1] + span.endTime[1];
      sum += span.status.code + (span.events[0]?.time[1] ?? 0);
    }
  } catch {
    // The encoder comes to it, and says what is wrong.
  }
  seen = sum | 0;
}

export function tooLarge(thrown: unknown): SpanflowError {
  return new SpanflowError('UNENCODABLE', `the request cannot be encoded: ${messageOf(thrown)}`, { cause: thrown });
}

function unencodable(span: ReadableSpan, index: number, thrown: unknown): SpanflowError {
  const message = `span ${index}${nameOf(span)} cannot be encoded: ${messageOf(thrown)}`;
  return new SpanflowError('UNENCODABLE', message, { cause: thrown });
}

function nameOf(span: ReadableSpan): string {
  try {
    return ` ${shown(span.name)}`;
  } catch {
    return '';
  }
}
