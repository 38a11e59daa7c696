import type { Attributes, Link, SpanContext, SpanStatus } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { readAttribute } from '../../common/attributes.ts';
import type { Resource, Scope } from '../../common/decodeRequest.ts';
import { lasted, readTime } from '../../common/hrTime.ts';
import type { Reader } from '../../protobuf/reader.ts';
import { delimited, fieldsOf, fixed32, fixed64, readMessage, varint } from '../../protobuf/readMessage.ts';
import { traceStateOf } from './traceState.ts';

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };
type TimedEvent = Required<Writable<ReadableSpan['events'][number]>>;

// Heap that they take without their strings and attributes: objects, ids, times, and the first element of a list.
const SPAN_BYTES = 640;
const EVENT_BYTES = 200;
const LINK_BYTES = 256;

const TRACE_FLAGS_MASK = 0xff;
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/** A span that is being read. Its fields come in any order, so what depends on several of them is set at its end. */
interface ReceivedSpan extends Writable<ReadableSpan> {
  context: Writable<SpanContext>;
}

/** The ids and flags of a span or a link on the wire. */
interface Ids {
  traceId: string;
  spanId: string;
  traceState: string;
  flags: number;
}

interface SpanMessage extends Ids {
  readonly span: ReceivedSpan;
  parentSpanId: string;
}

interface LinkMessage extends Ids {
  readonly attributes: Attributes;
  droppedAttributesCount: number;
}

const spanFields = fieldsOf<SpanMessage>({
  [delimited(1)]: readTraceId,
  [delimited(2)]: readSpanId,
  [delimited(3)]: readTraceState,
  [delimited(4)]: (message, reader) => {
    message.parentSpanId = reader.hex();
  },
  [delimited(5)]: ({ span }, reader) => {
    span.name = reader.text();
  },
  [varint(6)]: ({ span }, reader) => {
    // OTLP: UNSPECIFIED may be taken as INTERNAL, which is 0 in the API.
    span.kind = Math.max(0, reader.int32() - 1);
  },
  [fixed64(7)]: ({ span }, reader) => {
    span.startTime = readTime(reader);
  },
  [fixed64(8)]: ({ span }, reader) => {
    span.endTime = readTime(reader);
  },
  [delimited(9)]: ({ span }, reader) => readAttribute(span.attributes, reader),
  [varint(10)]: ({ span }, reader) => {
    span.droppedAttributesCount = reader.int32() >>> 0;
  },
  [delimited(11)]: ({ span }, reader) => {
    span.events.push(readEvent(reader));
  },
  [varint(12)]: ({ span }, reader) => {
    span.droppedEventsCount = reader.int32() >>> 0;
  },
  [delimited(13)]: ({ span }, reader) => {
    span.links.push(readLink(reader));
  },
  [varint(14)]: ({ span }, reader) => {
    span.droppedLinksCount = reader.int32() >>> 0;
  },
  [delimited(15)]: ({ span }, reader) => readMessage(reader, statusFields, span.status),
  [fixed32(16)]: readFlags,
});

const eventFields = fieldsOf<TimedEvent>({
  [fixed64(1)]: (event, reader) => {
    event.time = readTime(reader);
  },
  [delimited(2)]: (event, reader) => {
    event.name = reader.text();
  },
  [delimited(3)]: ({ attributes }, reader) => readAttribute(attributes, reader),
  [varint(4)]: (event, reader) => {
    event.droppedAttributesCount = reader.int32() >>> 0;
  },
});

const linkFields = fieldsOf<LinkMessage>({
  [delimited(1)]: readTraceId,
  [delimited(2)]: readSpanId,
  [delimited(3)]: readTraceState,
  [delimited(4)]: ({ attributes }, reader) => readAttribute(attributes, reader),
  [varint(5)]: (link, reader) => {
    link.droppedAttributesCount = reader.int32() >>> 0;
  },
  [fixed32(6)]: readFlags,
});

const statusFields = fieldsOf<SpanStatus>({
  [delimited(2)]: (status, reader) => {
    status.message = reader.text();
    if (status.message === '') delete status.message;
  },
  [varint(3)]: (status, reader) => {
    status.code = reader.int32();
  },
});

function readTraceId(ids: Ids, reader: Reader): void {
  ids.traceId = reader.hex();
}

function readSpanId(ids: Ids, reader: Reader): void {
  ids.spanId = reader.hex();
}

function readTraceState(ids: Ids, reader: Reader): void {
  ids.traceState = reader.text();
}

function readFlags(ids: Ids, reader: Reader): void {
  ids.flags = reader.fixed32();
}

/** Belongs to no span: it reads the context from the span, so that `{ ...span, name }` is a whole span too. */
function spanContext(this: ReceivedSpan): SpanContext {
  return this.context;
}

/** Reads one span into an object of the SDK's shape. */
export function readSpan(reader: Reader, resource: Resource, instrumentationScope: Scope): ReadableSpan {
  reader.spend(1, SPAN_BYTES);
  const span: ReceivedSpan = {
    name: '',
    kind: 0,
    spanContext: spanContext as () => SpanContext,
    context: { traceId: '', spanId: '', traceFlags: 0 },
    startTime: [0, 0],
    endTime: [0, 0],
    status: { code: 0 },
    attributes: {},
    links: [],
    events: [],
    duration: [0, 0],
    ended: true,
    resource,
    instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
  const message: SpanMessage = { span, traceId: '', spanId: '', parentSpanId: '', traceState: '', flags: 0 };
  readMessage(reader, spanFields, message);
  const { traceId, parentSpanId, flags } = message;
  span.context = contextOf(message);
  if (parentSpanId !== '')
    span.parentSpanContext = remoteContextOf({ traceId, spanId: parentSpanId, traceState: '', flags });
  span.duration = lasted(span.startTime, span.endTime);
  return span;
}

function readEvent(reader: Reader): TimedEvent {
  reader.spend(1, EVENT_BYTES);
  const event: TimedEvent = { time: [0, 0], name: '', attributes: {}, droppedAttributesCount: 0 };
  readMessage(reader, eventFields, event);
  return event;
}

function readLink(reader: Reader): Link {
  reader.spend(1, LINK_BYTES);
  const attributes: Attributes = {};
  const link: LinkMessage = {
    traceId: '',
    spanId: '',
    traceState: '',
    flags: 0,
    attributes,
    droppedAttributesCount: 0,
  };
  readMessage(reader, linkFields, link);
  return { context: remoteContextOf(link), attributes, droppedAttributesCount: link.droppedAttributesCount };
}

function contextOf({ traceId, spanId, traceState, flags }: Ids): Writable<SpanContext> {
  const context: SpanContext = { traceId, spanId, traceFlags: flags & TRACE_FLAGS_MASK };
  if (traceState !== '') context.traceState = traceStateOf(traceState);
  return context;
}

/** The flags of a span say whether its parent is remote; those of a link say whether the linked span is. */
function remoteContextOf(ids: Ids): SpanContext {
  const context = contextOf(ids);
  if ((ids.flags & HAS_IS_REMOTE) !== 0) context.isRemote = (ids.flags & IS_REMOTE) !== 0;
  return context;
}
