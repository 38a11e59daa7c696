import type { Attributes, AttributeValue, HrTime, SpanContext, SpanKind } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { MarbleFailure } from '../failures/failure.ts';

/** The properties of a drawn span. Each has a default. */
export interface SpanShape {
  /** Its name. Default: the letter. */
  readonly name?: string;
  /** Its kind: `internal` (the default), `server`, `client`, `producer` or `consumer`. */
  readonly kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  /** Its status: `unset` (the default), `ok` or `error`. */
  readonly status?: 'unset' | 'ok' | 'error';
  /** The message of its status. Default: none. */
  readonly statusMessage?: string;
  /** Its attributes. Default: none. */
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** How long it lasted, in milliseconds. Default 10. */
  readonly durationMillis?: number;
  /** The letter of the span whose trace it joins. Default: a trace of its own. */
  readonly trace?: string;
  /** The letter of its parent. It implies the parent's trace. Default: a root span. */
  readonly parent?: string;
  /** Attributes of its resource, added to the service name `marbles`. */
  readonly resource?: Readonly<Record<string, AttributeValue>>;
}

type LowerCase =
  | ('a' | 'b' | 'c' | 'd' | 'e' | 'f' | 'g' | 'h' | 'i' | 'j' | 'k' | 'l' | 'm')
  | ('n' | 'o' | 'p' | 'q' | 'r' | 's' | 't' | 'u' | 'v' | 'w' | 'x' | 'y' | 'z');

/** A letter that has a span by default. */
export type SpanLetter = LowerCase | Uppercase<LowerCase> | '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9';

/** Spans by letter: all default letters and the shaped ones. */
export type SpansByLetter<Shaped extends string = never> = Readonly<Record<SpanLetter | Shaped, ReadableSpan>>;

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

const KINDS: Record<NonNullable<SpanShape['kind']>, SpanKind> = {
  internal: 0,
  server: 1,
  client: 2,
  producer: 3,
  consumer: 4,
};

const STATUS_CODES = { unset: 0, ok: 1, error: 2 } as const;

/** The start of every span: a fixed second, so that encoded bytes are the same in each run. */
const START_SECONDS = 1_600_000_000;

/** The spans of one run by letter. A letter is the same object in all drawings of the run. */
export class SpanTable {
  readonly #shapes = new Map<string, SpanShape>();
  readonly #spans = new Map<string, ReadableSpan>();
  readonly #letters = new Map<object, string>();

  /** Shapes some letters, and returns the spans of all. Throws if one of them was drawn already. */
  shape<Shaped extends string>(shapes: Readonly<Record<Shaped, SpanShape>>): SpansByLetter<Shaped> {
    for (const [letter, shape] of Object.entries<SpanShape>(shapes)) {
      if (this.#spans.has(letter)) {
        throw new MarbleFailure(
          `the span ${letter} is drawn already: shape it with spans({ ${letter}: … }) before that`,
        );
      }
      this.#shapes.set(letter, shape);
    }
    return this.#all() as SpansByLetter<Shaped>;
  }

  /** The span of a letter: the same object at every call. */
  span(letter: string): ReadableSpan {
    const known = this.#spans.get(letter);
    if (known !== undefined) return known;
    const span = makeSpan(letter, this.#shapes);
    this.#spans.set(letter, span);
    this.#letters.set(span, letter);
    return span;
  }

  /** The letter of a drawn span; `undefined` for any other object. */
  letterOf(span: object): string | undefined {
    return this.#letters.get(span);
  }

  /** The letter of the drawn span with this id. Finds the original of a copy that an operator has enriched. */
  letterOfId(spanId: string): string | undefined {
    for (const [letter, span] of this.#spans) if (span.spanContext().spanId === spanId) return letter;
    return undefined;
  }

  /** The letter of the span that began a trace. */
  letterOfTrace(traceId: string): string | undefined {
    for (const letter of [...this.#spans.keys(), ...this.#shapes.keys()]) {
      const traceLetter = traceLetterOf(letter, this.#shapes);
      if (hexId(traceLetter, 32) === traceId) return traceLetter;
    }
    return undefined;
  }

  #all(): SpansByLetter {
    const all = {} as SpansByLetter;
    for (const letter of new Set([...LETTERS, ...this.#shapes.keys()])) {
      Object.defineProperty(all, letter, { enumerable: true, get: () => this.span(letter) });
    }
    return all;
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
