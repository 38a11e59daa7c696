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
 * Why no `Object.create(span, …)`? A getter of a class with private fields throws when it is called on anything but an instance.
 */
export class ChangedSpan implements ReadableSpan {
  /** The span as it came, which is never a changed one itself. */
  readonly original: ReadableSpan;
  readonly changes: SpanChanges;
  #attributes: Attributes | undefined; // once they have been merged

  constructor(original: ReadableSpan, changes: SpanChanges) {
    this.original = original;
    this.changes = changes;
  }

  get attributes(): Attributes {
    const { attributes, added } = this.changes;
    if (added === undefined) return attributes ?? this.original.attributes;
    this.#attributes ??= { ...(attributes ?? this.original.attributes), ...added };
    return this.#attributes;
  }

  get events(): ReadableSpan['events'] {
    return this.changes.events ?? this.original.events;
  }

  get links(): ReadableSpan['links'] {
    return this.changes.links ?? this.original.links;
  }

  get status(): SpanStatus {
    return this.changes.status ?? this.original.status;
  }

  get resource(): ReadableSpan['resource'] {
    return this.changes.resource ?? this.original.resource;
  }

  spanContext(): SpanContext {
    return this.changes.context ?? this.original.spanContext();
  }

  get name(): string {
    return this.original.name;
  }

  get kind(): SpanKind {
    return this.original.kind;
  }

  /** A root span has none. */
  get parentSpanContext(): SpanContext {
    return this.original.parentSpanContext as SpanContext;
  }

  /** Spans of the SDK 1.x have this instead. */
  get parentSpanId(): string | undefined {
    return (this.original as { readonly parentSpanId?: string }).parentSpanId;
  }

  get startTime(): HrTime {
    return this.original.startTime;
  }

  get endTime(): HrTime {
    return this.original.endTime;
  }

  get duration(): HrTime {
    return this.original.duration;
  }

  get ended(): boolean {
    return this.original.ended;
  }

  get instrumentationScope(): ReadableSpan['instrumentationScope'] {
    return this.original.instrumentationScope;
  }

  /** The scope's name in the SDK 1.x. */
  get instrumentationLibrary(): ReadableSpan['instrumentationScope'] | undefined {
    return (this.original as { readonly instrumentationLibrary?: ReadableSpan['instrumentationScope'] })
      .instrumentationLibrary;
  }

  get droppedAttributesCount(): number {
    return this.original.droppedAttributesCount;
  }

  get droppedEventsCount(): number {
    return this.original.droppedEventsCount;
  }

  get droppedLinksCount(): number {
    return this.original.droppedLinksCount;
  }
}

/** The span as it came; anything else is returned as it is. */
export function originalOf(item: unknown): unknown {
  return item instanceof ChangedSpan ? item.original : item;
}

/** The span with some of it replaced. A span that was changed before is not wrapped again. */
export function changedSpan(span: ReadableSpan, changes: SpanChanges): ReadableSpan {
  if (!(span instanceof ChangedSpan)) return new ChangedSpan(span, changes);
  const { added: before, ...rest } = span.changes;
  const kept =
    changes.attributes === undefined && before !== undefined ? { added: { ...before, ...changes.added } } : {};
  return new ChangedSpan(span.original, { ...rest, ...changes, ...kept });
}

/** The span with these attributes besides its own. They win over its own of the same key. */
export function withAttributes(span: ReadableSpan, added: Attributes): ReadableSpan {
  return changedSpan(span, { added });
}
