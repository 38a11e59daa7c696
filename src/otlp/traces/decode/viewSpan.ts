import type { SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Received } from '../../../model/received.ts';
import { frozen } from '../../decode/frozen.ts';
import { type Origin, type Part, Wire } from '../../decode/wire.ts';
import type { Reader } from '../../protobuf/reader.ts';
import { delimited, fixed32, fixed64, only, varint } from '../../protobuf/readMessage.ts';
import { finishContext, finishTimes, SpanMessage, spanFields } from './readSpan.ts';
import { ReceivedSpan } from './receivedSpan.ts';

const nothing = () => {};

const CONTEXT: Part<SpanMessage> = {
  bit: 1,
  fields: only(spanFields, delimited(1), delimited(2), delimited(3), delimited(4), fixed32(16)),
  finish: (message) => {
    finishContext(message);
    frozen(message.span.context);
    frozen(message.span.parentSpanContext);
  },
};
const NAME: Part<SpanMessage> = { bit: 2, fields: only(spanFields, delimited(5)), finish: nothing };
const KIND: Part<SpanMessage> = { bit: 4, fields: only(spanFields, varint(6)), finish: nothing };
const TIMES: Part<SpanMessage> = {
  bit: 8,
  fields: only(spanFields, fixed64(7), fixed64(8)),
  finish: (message) => {
    finishTimes(message);
    for (const time of [message.span.startTime, message.span.endTime, message.span.duration]) frozen(time);
  },
};
const ATTRIBUTES: Part<SpanMessage> = {
  bit: 16,
  fields: only(spanFields, delimited(9)),
  finish: ({ span }) => void frozen(span.attributes),
};
const COUNTS: Part<SpanMessage> = {
  bit: 32,
  fields: only(spanFields, varint(10), varint(12), varint(14)),
  finish: nothing,
};
const EVENTS: Part<SpanMessage> = {
  bit: 64,
  fields: only(spanFields, delimited(11)),
  finish: ({ span }) => void frozen(span.events),
};
const LINKS: Part<SpanMessage> = {
  bit: 128,
  fields: only(spanFields, delimited(13)),
  finish: ({ span }) => void frozen(span.links),
};
const STATUS: Part<SpanMessage> = {
  bit: 256,
  fields: only(spanFields, delimited(15)),
  finish: ({ span }) => void frozen(span.status),
};

class SpanWire extends Wire<SpanMessage> {
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
