import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { InvalidOptionError, messageOf, SpanflowError, shown } from '../errors.ts';
import { OutOfMemory } from './output.ts';

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
