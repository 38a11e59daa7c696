import type { SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { ReceivedItem } from '../../../model/received.ts';
import { frozen } from '../../decode/frozen.ts';
import { type AttributesPart, type Origin, type Part, partOf, readerOf, SmallParts, View } from '../../decode/wire.ts';
import type { Reader } from '../../protobuf/reader.ts';
import { delimited, fixed32, fixed64, varint } from '../../protobuf/readMessage.ts';
import { finishContext, finishTimes, SpanMessage, spanFields } from './readSpan.ts';
import { ReceivedSpan } from './receivedSpan.ts';

type SpanPart = Part<SpanMessage>;

const CONTEXT: SpanPart = partOf(
  1,
  spanFields,
  [delimited(1), delimited(2), delimited(3), delimited(4), fixed32(16)],
  (message) => {
    finishContext(message);
    const { context, parentSpanContext } = message.span;
    Object.freeze(context.traceState);
    Object.freeze(context);
    Object.freeze(parentSpanContext);
  },
);
const NAME: SpanPart = partOf(2, spanFields, [delimited(5)]);
const KIND: SpanPart = partOf(4, spanFields, [varint(6)]);
const TIMES: SpanPart = partOf(8, spanFields, [fixed64(7), fixed64(8)], (message) => {
  finishTimes(message);
  const { startTime, endTime, duration } = message.span;
  Object.freeze(startTime);
  Object.freeze(endTime);
  Object.freeze(duration);
});
const ATTRIBUTES: SpanPart = partOf(16, spanFields, [delimited(9)], ({ span }) => void Object.freeze(span.attributes));
export const SPAN_ATTRIBUTES: AttributesPart = { ...ATTRIBUTES, tag: delimited(9) };
const COUNTS: SpanPart = partOf(32, spanFields, [varint(10), varint(12), varint(14)]);
const EVENTS: SpanPart = partOf(64, spanFields, [delimited(11)], ({ span }) => void frozen(span.events));
const LINKS: SpanPart = partOf(128, spanFields, [delimited(13)], ({ span }) => void frozen(span.links));
const STATUS: SpanPart = partOf(256, spanFields, [delimited(15)], ({ span }) => void Object.freeze(span.status));

const SMALL = new SmallParts(CONTEXT, NAME, KIND, TIMES, COUNTS, STATUS);

const read = readerOf({
  small: SMALL,
  make: ({ resource, scope }) => new SpanMessage(new ReceivedSpan(resource, scope)),
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
