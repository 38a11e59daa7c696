import type { Attributes, HrTime, SpanContext, SpanKind, SpanStatus } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

/** What an operator may replace in a span. */
export interface SpanChanges {
  /** In the place of all attributes. */
  readonly attributes?: Attributes;
  /** Beside the others; they win over attributes of the same key. */
  readonly added?: Attributes;
  readonly events?: ReadableSpan['events'];
  readonly links?: ReadableSpan['links'];
  readonly status?: SpanStatus;
  readonly resource?: ReadableSpan['resource'];
  readonly context?: SpanContext;
}

/**
 * A span with some of it replaced. Everything else is read from the original when it is asked for, so that a span whose getters read bytes stays lazy; the original is not touched.
 *
 * Why no `Object.create(span, …)`? A getter of a class with private fields throws when it is called on anything but an instance. Programs do that with these spans, too, so their getters look for the instance. What was replaced is private: a span from which a secret was
 * taken does not show it when it is printed.
 */
export class ChangedSpan implements ReadableSpan {
  readonly #original: ReadableSpan;
  readonly #changes: SpanChanges;
  #attributes: Attributes | undefined; // once they have been merged

  /** @param original the span as it came, which is never a changed one itself */
  constructor(original: ReadableSpan, changes: SpanChanges) {
    this.#original = original;
    this.#changes = changes;
  }

  /** The span as it came; `undefined` for one that was not changed, or that inherits from a changed one: there something else was replaced. */
  static originalOf(value: unknown): ReadableSpan | undefined {
    return isObject(value) && #original in value ? value.#original : undefined;
  }

  /** What was replaced in it; `undefined` as for {@link originalOf}. */
  static changesOf(value: unknown): SpanChanges | undefined {
    return isObject(value) && #changes in value ? value.#changes : undefined;
  }

  /** The instance that this object is, or inherits from: only that has private fields. */
  static #of(span: ChangedSpan): ChangedSpan {
    let own = span;
    while (!(#original in own)) own = Object.getPrototypeOf(own);
    return own;
  }

  get attributes(): Attributes {
    const own = ChangedSpan.#of(this);
    const { attributes, added } = own.#changes;
    if (added === undefined) return attributes ?? own.#original.attributes;
    own.#attributes ??= { ...(attributes ?? own.#original.attributes), ...added };
    return own.#attributes;
  }

  get events(): ReadableSpan['events'] {
    return ChangedSpan.#of(this).#changes.events ?? ChangedSpan.#of(this).#original.events;
  }

  get links(): ReadableSpan['links'] {
    return ChangedSpan.#of(this).#changes.links ?? ChangedSpan.#of(this).#original.links;
  }

  get status(): SpanStatus {
    return ChangedSpan.#of(this).#changes.status ?? ChangedSpan.#of(this).#original.status;
  }

  get resource(): ReadableSpan['resource'] {
    return ChangedSpan.#of(this).#changes.resource ?? ChangedSpan.#of(this).#original.resource;
  }

  spanContext(): SpanContext {
    return ChangedSpan.#of(this).#changes.context ?? ChangedSpan.#of(this).#original.spanContext();
  }

  get name(): string {
    return ChangedSpan.#of(this).#original.name;
  }

  get kind(): SpanKind {
    return ChangedSpan.#of(this).#original.kind;
  }

  /** A root span has none. */
  get parentSpanContext(): SpanContext {
    return ChangedSpan.#of(this).#original.parentSpanContext as SpanContext;
  }

  /** Spans of the SDK 1.x have this instead. */
  get parentSpanId(): string | undefined {
    return (ChangedSpan.#of(this).#original as { readonly parentSpanId?: string }).parentSpanId;
  }

  get startTime(): HrTime {
    return ChangedSpan.#of(this).#original.startTime;
  }

  get endTime(): HrTime {
    return ChangedSpan.#of(this).#original.endTime;
  }

  get duration(): HrTime {
    return ChangedSpan.#of(this).#original.duration;
  }

  get ended(): boolean {
    return ChangedSpan.#of(this).#original.ended;
  }

  get instrumentationScope(): ReadableSpan['instrumentationScope'] {
    return ChangedSpan.#of(this).#original.instrumentationScope;
  }

  /** The scope's name in the SDK 1.x. */
  get instrumentationLibrary(): ReadableSpan['instrumentationScope'] | undefined {
    return (
      ChangedSpan.#of(this).#original as { readonly instrumentationLibrary?: ReadableSpan['instrumentationScope'] }
    ).instrumentationLibrary;
  }

  get droppedAttributesCount(): number {
    return ChangedSpan.#of(this).#original.droppedAttributesCount;
  }

  get droppedEventsCount(): number {
    return ChangedSpan.#of(this).#original.droppedEventsCount;
  }

  get droppedLinksCount(): number {
    return ChangedSpan.#of(this).#original.droppedLinksCount;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** The span as it came; anything else is returned as it is. */
export function originalOf(item: unknown): unknown {
  return ChangedSpan.originalOf(item) ?? item;
}

/** The span with some of it replaced. A span that was changed before is not wrapped again. */
export function changedSpan(span: ReadableSpan, changes: SpanChanges): ReadableSpan {
  const { added: before, ...rest } = ChangedSpan.changesOf(span) ?? {};
  const kept =
    changes.attributes === undefined && before !== undefined ? { added: { ...before, ...changes.added } } : {};
  return new ChangedSpan(ChangedSpan.originalOf(span) ?? span, { ...rest, ...changes, ...kept });
}

/** The span with these attributes besides its own. They win over its own of the same key. */
export function withAttributes(span: ReadableSpan, added: Attributes): ReadableSpan {
  return changedSpan(span, { added });
}
