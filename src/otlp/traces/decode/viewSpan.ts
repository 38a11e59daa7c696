import type { Attributes, Link, SpanContext, SpanStatus } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { ReceivedItem } from '../../../model/received.ts';
import { readAttribute } from '../../decode/attributes.ts';
import { frozenList } from '../../decode/frozen.ts';
import { listOf } from '../../decode/plainObject.ts';
import { type AttributesPart, type Origin, partOf, readerOf, SmallParts, View } from '../../decode/wire.ts';
import type { Reader } from '../../protobuf/reader.ts';
import { delimited, type Fields, fixed32, fixed64, readMessage, replaced, varint } from '../../protobuf/readMessage.ts';
import { finishContext, finishTimes, readEvent, readLink, SpanMessage, spanFields, statusFields } from './readSpan.ts';
import { type ReceivedEvent, ReceivedSpan, ReceivedStatus } from './receivedSpan.ts';

// What most spans have none of is one object for all of them: nobody can change it.
const NO_STATUS: SpanStatus = Object.freeze({ code: 0 });
const NO_ATTRIBUTES: Attributes = Object.freeze({});
const NO_LINKS: Link[] = Object.freeze([] as unknown[]) as Link[];
const NO_EVENTS: ReceivedEvent[] = Object.freeze([] as unknown[]) as ReceivedEvent[];
/** By their codes, where they have no message. */
const STATUSES: readonly SpanStatus[] = [NO_STATUS, Object.freeze({ code: 1 }), Object.freeze({ code: 2 })];

const viewFields: Fields<SpanMessage> = replaced(spanFields, {
  [delimited(9)]: ({ span }, reader) => {
    if (span.attributes === NO_ATTRIBUTES) span.attributes = {};
    readAttribute(span.attributes, reader);
  },
  [delimited(11)]: ({ span }, reader) => {
    if (span.events === NO_EVENTS) span.events = listOf();
    span.events.push(readEvent(reader));
  },
  [delimited(13)]: ({ span }, reader) => {
    if (span.links === NO_LINKS) span.links = listOf();
    span.links.push(readLink(reader));
  },
  [delimited(15)]: ({ span }, reader) => {
    if (span.status === NO_STATUS) span.status = new ReceivedStatus();
    readMessage(reader, statusFields, span.status);
  },
});

const CONTEXT = partOf<SpanMessage>(
  1,
  viewFields,
  [delimited(1), delimited(2), delimited(3), delimited(4), fixed32(16)],
  (message) => {
    finishContext(message);
    freezeContext(message.span.context);
    Object.freeze(message.span.parentSpanContext);
  },
);
const NAME = partOf<SpanMessage>(2, viewFields, [delimited(5)]);
const KIND = partOf<SpanMessage>(4, viewFields, [varint(6)]);
const TIMES = partOf<SpanMessage>(8, viewFields, [fixed64(7), fixed64(8)], (message) => {
  finishTimes(message);
  const { startTime, endTime, duration } = message.span;
  Object.freeze(startTime);
  Object.freeze(endTime);
  Object.freeze(duration);
});
const ATTRIBUTES = partOf<SpanMessage>(
  16,
  viewFields,
  [delimited(9)],
  ({ span: { attributes } }) => attributes === NO_ATTRIBUTES || Object.freeze(attributes),
);
export const SPAN_ATTRIBUTES: AttributesPart = { ...ATTRIBUTES, tag: delimited(9) };
const COUNTS = partOf<SpanMessage>(32, viewFields, [varint(10), varint(12), varint(14)]);
const EVENTS = partOf<SpanMessage>(64, viewFields, [delimited(11)], ({ span }) => frozenList(span.events, freezeEvent));
const LINKS = partOf<SpanMessage>(128, viewFields, [delimited(13)], ({ span }) => frozenList(span.links, freezeLink));
const STATUS = partOf<SpanMessage>(256, viewFields, [delimited(15)], ({ span }) => {
  const known = span.status.message === undefined ? STATUSES[span.status.code] : undefined;
  span.status = known ?? Object.freeze(span.status);
});

const SMALL = new SmallParts(CONTEXT, NAME, KIND, TIMES, COUNTS, STATUS);

// The values of attributes are frozen by who reads them.

function freezeEvent({ time, attributes }: ReadableSpan['events'][number]): void {
  Object.freeze(time);
  Object.freeze(attributes);
}

function freezeLink({ context, attributes }: Link): void {
  freezeContext(context);
  Object.freeze(attributes);
}

function freezeContext(context: SpanContext): void {
  if (context.traceState !== undefined) Object.freeze(context.traceState);
  Object.freeze(context);
}

const read = readerOf({
  small: SMALL,
  make: ({ resource, scope }) =>
    new SpanMessage(new ReceivedSpan(resource, scope, NO_STATUS, NO_ATTRIBUTES, NO_LINKS, NO_EVENTS)),
});

/** A received span: each getter reads what it is asked for, once. */
class SpanView extends View<SpanMessage> implements ReadableSpan {
  get name() {
    return read(this, NAME).span.name;
  }

  get kind() {
    return read(this, KIND).span.kind;
  }

  spanContext() {
    return read(this, CONTEXT).span.context;
  }

  /** `undefined` where there is none, as in the SDK's own spans. */
  get parentSpanContext() {
    return read(this, CONTEXT).span.parentSpanContext as SpanContext;
  }

  get startTime() {
    return read(this, TIMES).span.startTime;
  }

  get endTime() {
    return read(this, TIMES).span.endTime;
  }

  get duration() {
    return read(this, TIMES).span.duration;
  }

  get status() {
    return read(this, STATUS).span.status;
  }

  get attributes() {
    return read(this, ATTRIBUTES).span.attributes;
  }

  get links() {
    return read(this, LINKS).span.links;
  }

  get events() {
    return read(this, EVENTS).span.events;
  }

  get ended() {
    return true;
  }

  get resource() {
    return ReceivedItem.originOf(this).resource;
  }

  get instrumentationScope() {
    return ReceivedItem.originOf(this).scope;
  }

  get droppedAttributesCount() {
    return read(this, COUNTS).span.droppedAttributesCount;
  }

  get droppedEventsCount() {
    return read(this, COUNTS).span.droppedEventsCount;
  }

  get droppedLinksCount() {
    return read(this, COUNTS).span.droppedLinksCount;
  }
}

/** Passes over one span, and adds a view of it. */
export function viewSpan(spans: ReadableSpan[], reader: Reader, origin: Origin): void {
  const at = reader.at;
  reader.content();
  spans.push(new SpanView(origin, at, reader.at));
}
