import type { Attributes, AttributeValue, HrTime, SpanContext, SpanKind } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { MarbleFailure } from '../failures/failure.ts';
import { valueText } from '../failures/text.ts';
import { type ItemsByLetter, LetterTable, START_SECONDS } from './letterTable.ts';

/** The properties of a drawn span. Each has a default. */
export interface SpanShape {
  /** Default: the letter. */
  readonly name?: string;
  readonly kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  readonly status?: 'unset' | 'ok' | 'error';
  readonly statusMessage?: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** Default 10. */
  readonly durationMillis?: number;
  /** The letter of the span whose trace it joins. Default: a trace of its own. */
  readonly trace?: string;
  /** The letter of its parent. It implies the parent's trace. Default: a root span. */
  readonly parent?: string;
  /** Attributes of its resource, added to the service name `marbles`. */
  readonly resource?: Readonly<Record<string, AttributeValue>>;
}

/** Spans by letter: all default letters and the shaped ones. */
export type SpansByLetter<Shaped extends string = never> = ItemsByLetter<ReadableSpan, Shaped>;

const KINDS: Record<NonNullable<SpanShape['kind']>, SpanKind> = {
  internal: 0,
  server: 1,
  client: 2,
  producer: 3,
  consumer: 4,
};

const STATUS_CODES = { unset: 0, ok: 1, error: 2 } as const;

/** The spans of one run by letter. */
export class SpanTable extends LetterTable<ReadableSpan, SpanShape> {
  protected readonly noun = 'span';
  protected readonly caller = 'spans';

  isOne(value: unknown): value is ReadableSpan {
    return typeof value === 'object' && value !== null && typeof (value as ReadableSpan).spanContext === 'function';
  }

  wordsOf(span: ReadableSpan): string {
    const likeness = this.letterOfId(span.spanContext().spanId);
    const words = this.#words(span);
    return likeness === undefined || this.letterOf(span) === likeness
      ? words
      : `${words}: the ids of ${likeness}, changed`;
  }

  /** The letter of the drawn span with this id. Finds the original of a copy that an operator has enriched. */
  letterOfId(spanId: string): string | undefined {
    for (const [letter, span] of this.items) if (span.spanContext().spanId === spanId) return letter;
    return undefined;
  }

  protected make(letter: string): ReadableSpan {
    return makeSpan(letter, this.shapes);
  }

  #words(span: ReadableSpan): string {
    const [seconds, nanos] = span.duration;
    const trace = this.#letterOfTrace(span.spanContext().traceId);
    const attributes = Object.keys(span.attributes).length === 0 ? [] : [valueText(span.attributes)];
    return [
      `the span ${JSON.stringify(span.name)}`,
      `${seconds * 1_000 + nanos / 1_000_000}ms`,
      ['unset', 'ok', 'error'][span.status.code] ?? `status ${span.status.code}`,
      trace === undefined ? `trace ${span.spanContext().traceId}` : `trace of ${trace}`,
      ...attributes,
    ].join(', ');
  }

  /** The letter of the span that began a trace. */
  #letterOfTrace(traceId: string): string | undefined {
    for (const letter of [...this.items.keys(), ...this.shapes.keys()]) {
      const traceLetter = traceLetterOf(letter, this.shapes);
      if (hexId(traceLetter, 32) === traceId) return traceLetter;
    }
    return undefined;
  }
}

/** The letter of a span's trace: follows `trace` and `parent` from shape to shape. */
function traceLetterOf(letter: string, shapes: ReadonlyMap<string, SpanShape>): string {
  const seen = new Set<string>();
  for (let current = letter; ; ) {
    const next = shapes.get(current)?.trace ?? shapes.get(current)?.parent;
    if (next === undefined || next === current) return current;
    if (seen.has(current)) throw new MarbleFailure(`the span ${letter} is in a circle of traces and parents`);
    seen.add(current);
    current = next;
  }
}

function makeSpan(letter: string, shapes: ReadonlyMap<string, SpanShape>): ReadableSpan {
  const shape = shapes.get(letter) ?? {};
  const traceId = hexId(traceLetterOf(letter, shapes), 32);
  const contextOf = (id: string): SpanContext => ({ traceId, spanId: hexId(id, 16), traceFlags: 1 });
  const context = contextOf(letter);
  const durationMillis = shape.durationMillis ?? 10;
  return {
    name: shape.name ?? letter,
    kind: KINDS[shape.kind ?? 'internal'],
    spanContext: () => context,
    ...(shape.parent === undefined ? {} : { parentSpanContext: contextOf(shape.parent) }),
    startTime: [START_SECONDS, 0],
    endTime: hrTime(START_SECONDS, durationMillis),
    duration: hrTime(0, durationMillis),
    status: {
      code: STATUS_CODES[shape.status ?? 'unset'],
      ...(shape.statusMessage === undefined ? {} : { message: shape.statusMessage }),
    },
    attributes: { ...shape.attributes },
    links: [],
    events: [],
    ended: true,
    resource: makeResource({ 'service.name': 'marbles', ...shape.resource }),
    instrumentationScope: { name: 'spanflow/testing' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Ids are the code point of the letter, so that they can be recognised: `…0061` is a. */
function hexId(letter: string, digits: number): string {
  const code = [...letter].map((char) => (char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')).join('');
  return code.slice(-digits).padStart(digits, '0');
}

function hrTime(seconds: number, durationMillis: number): HrTime {
  const nanos = Math.round((durationMillis % 1_000) * 1_000_000);
  return [seconds + Math.floor(durationMillis / 1_000), nanos];
}

/** A resource with these attributes, all of them known at once. */
export function makeResource(attributes: Attributes): ReadableSpan['resource'] {
  return {
    attributes,
    asyncAttributesPending: false,
    merge: (other) => makeResource({ ...attributes, ...other?.attributes }),
    getRawAttributes: () => Object.entries(attributes),
  };
}
