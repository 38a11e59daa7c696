import { isDeepStrictEqual } from 'node:util';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { MarbleFailure } from '../failures/failure.ts';
import { valueText } from '../failures/text.ts';
import { isSameValue } from './difference.ts';
import type { SpanTable } from './spans.ts';

/** The values of the letters of one drawing, in both directions. */
export interface ValueTable {
  valueOf(letter: string): unknown;
  matches(letter: string, value: unknown): boolean;
  /** The first letter that matches a value; `undefined` if none does. */
  letterOf(value: unknown): string | undefined;
  /** Describes a value in words. */
  wordsOf(value: unknown): string;
}

/** Values from a table of the test, as in RxJS. */
export class GivenValues implements ValueTable {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #spans: SpanTable;

  constructor(values: Readonly<Record<string, unknown>>, spans: SpanTable) {
    this.#values = values;
    this.#spans = spans;
  }

  valueOf(letter: string): unknown {
    if (!Object.hasOwn(this.#values, letter))
      throw new MarbleFailure(`the letter ${letter} has no value in the table given`);
    return this.#values[letter];
  }

  matches(letter: string, value: unknown): boolean {
    return isSameValue(this.valueOf(letter), value);
  }

  letterOf(value: unknown): string | undefined {
    return Object.keys(this.#values).find((letter) => this.matches(letter, value));
  }

  wordsOf(value: unknown): string {
    return isSpan(value) ? spanWords(value, this.#spans) : valueText(value);
  }
}

/** Values without a table: each letter is a span. A string of one letter stands for itself, so that names can be drawn. */
export class SpanValues implements ValueTable {
  readonly #spans: SpanTable;

  constructor(spans: SpanTable) {
    this.#spans = spans;
  }

  valueOf(letter: string): ReadableSpan {
    return this.#spans.span(letter);
  }

  matches(letter: string, value: unknown): boolean {
    if (value === letter) return true;
    const span = this.#spans.span(letter);
    return span === value || isDeepStrictEqual(span, value);
  }

  letterOf(value: unknown): string | undefined {
    if (typeof value === 'string') return [...value].length === 1 ? value : undefined;
    if (!isSpan(value)) return undefined;
    const letter = this.#spans.letterOf(value) ?? this.#spans.letterOfId(value.spanContext().spanId);
    return letter !== undefined && this.matches(letter, value) ? letter : undefined;
  }

  wordsOf(value: unknown): string {
    if (!isSpan(value)) return valueText(value);
    const likeness = this.#spans.letterOfId(value.spanContext().spanId);
    const words = spanWords(value, this.#spans);
    return likeness === undefined || this.letterOf(value) === likeness
      ? words
      : `${words}: the ids of ${likeness}, changed`;
  }
}

function isSpan(value: unknown): value is ReadableSpan {
  return typeof value === 'object' && value !== null && typeof (value as ReadableSpan).spanContext === 'function';
}

function spanWords(span: ReadableSpan, spans: SpanTable): string {
  const [seconds, nanos] = span.duration;
  const trace = spans.letterOfTrace(span.spanContext().traceId);
  const attributes = Object.keys(span.attributes).length === 0 ? [] : [valueText(span.attributes)];
  return [
    `the span ${JSON.stringify(span.name)}`,
    `${seconds * 1_000 + nanos / 1_000_000}ms`,
    ['unset', 'ok', 'error'][span.status.code] ?? `status ${span.status.code}`,
    trace === undefined ? `trace ${span.spanContext().traceId}` : `trace of ${trace}`,
    ...attributes,
  ].join(', ');
}
