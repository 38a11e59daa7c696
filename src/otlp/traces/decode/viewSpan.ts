import type { SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Received } from '../../../model/received.ts';
import { frozen } from '../../decode/frozen.ts';
import { type Origin, type Part, partOf, SmallParts, Wire } from '../../decode/wire.ts';
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
const COUNTS: SpanPart = partOf(32, spanFields, [varint(10), varint(12), varint(14)]);
const EVENTS: SpanPart = partOf(64, spanFields, [delimited(11)], ({ span }) => void frozen(span.events));
const LINKS: SpanPart = partOf(128, spanFields, [delimited(13)], ({ span }) => void frozen(span.links));
const STATUS: SpanPart = partOf(256, spanFields, [delimited(15)], ({ span }) => void Object.freeze(span.status));

const SMALL = new SmallParts(CONTEXT, NAME, KIND, TIMES, COUNTS, STATUS);

class SpanWire extends Wire<SpanMessage> {
  protected override get small() {
    return SMALL;
  }

  protected override make({ resource, scope }: Origin): SpanMessage {
    return new SpanMessage(new ReceivedSpan(resource, scope));
  }
}

/** A received span: each getter reads what it is asked for, once. */
class SpanView extends Received implements ReadableSpan {
  readonly wire: SpanWire;

  constructor(wire: SpanWire) {
    super(wire);
    this.wire = wire;
  }

  get name() {
    return this.wire.read(NAME).span.name;
  }

  get kind() {
    return this.wire.read(KIND).span.kind;
  }

  spanContext() {
    return this.wire.read(CONTEXT).span.context;
  }

  /** `undefined` where there is none, as in the SDK's own spans. */
  get parentSpanContext() {
    return this.wire.read(CONTEXT).span.parentSpanContext as SpanContext;
  }

  get startTime() {
    return this.wire.read(TIMES).span.startTime;
  }

  get endTime() {
    return this.wire.read(TIMES).span.endTime;
  }

  get duration() {
    return this.wire.read(TIMES).span.duration;
  }

  get status() {
    return this.wire.read(STATUS).span.status;
  }

  get attributes() {
    return this.wire.read(ATTRIBUTES).span.attributes;
  }

  get links() {
    return this.wire.read(LINKS).span.links;
  }

  get events() {
    return this.wire.read(EVENTS).span.events;
  }

  get ended() {
    return true;
  }

  get resource() {
    return this.wire.origin.resource;
  }

  get instrumentationScope() {
    return this.wire.origin.scope;
  }

  get droppedAttributesCount() {
    return this.wire.read(COUNTS).span.droppedAttributesCount;
  }

  get droppedEventsCount() {
    return this.wire.read(COUNTS).span.droppedEventsCount;
  }

  get droppedLinksCount() {
    return this.wire.read(COUNTS).span.droppedLinksCount;
  }
}

/** Passes over one span, and adds a view of it. */
export function viewSpan(spans: ReadableSpan[], reader: Reader, origin: Origin): void {
  const at = reader.at;
  const start = reader.content();
  spans.push(new SpanView(new SpanWire(origin, at, start, reader.at)));
}
