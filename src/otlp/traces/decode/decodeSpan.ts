import type { Attributes, Link, SpanContext, SpanKind, SpanStatus } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { type Expected, expectedOf } from '../../cache/expectedAttribute.ts';
import type { Reader } from '../../protobuf/reader.ts';
import { readNextAttribute } from './decodeAttributes.ts';
import { readAttribute } from './decodeValue.ts';
import { hrTimeOf, lasted } from './hrTime.ts';
import { listOf, plain } from './plainObject.ts';
import { traceStateOf } from './traceState.ts';

type Resource = ReadableSpan['resource'];
type Scope = ReadableSpan['instrumentationScope'];
type TimedEvent = ReadableSpan['events'][number];
type HrTime = [number, number];

const TRACE_ID = 0x0a;
const SPAN_ID = 0x12;
const TRACE_STATE = 0x1a;
const PARENT_SPAN_ID = 0x22;
const ATTRIBUTES = 0x4a;
const FLAGS = 0x85;

/** What they take beside their texts and attributes: objects, ids, times, and the first of a list. */
const SPAN_BYTES = 640;
const EVENT_BYTES = 200;
const LINK_BYTES = 256;

const TRACE_FLAGS_MASK = 0xff;
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/** The time that was not on the wire. Each span gets one of its own: they may be changed. */
const UNSET: HrTime = [0, 0];

/** `spanContext` reads it from its own object, so that no span carries a closure and `{ ...span, name }` stays a whole span. */
function spanContext(this: ReceivedSpan): SpanContext {
  return this.context;
}

/** Fields come in any order, and each as often as it likes: what a span is, is known at its end. */
interface ReceivedSpan extends Writable<ReadableSpan> {
  context: Writable<SpanContext>;
}

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

const ReceivedSpan = plain(function (this: ReceivedSpan, resource: Resource, instrumentationScope: Scope) {
  this.name = '';
  this.kind = 0;
  this.spanContext = spanContext as () => SpanContext;
  this.context = new ReceivedContext();
  this.startTime = UNSET;
  this.endTime = UNSET;
  this.status = new ReceivedStatus();
  this.attributes = {};
  this.links = listOf();
  this.events = listOf();
  this.duration = UNSET;
  this.ended = true;
  this.resource = resource;
  this.instrumentationScope = instrumentationScope;
  this.droppedAttributesCount = 0;
  this.droppedEventsCount = 0;
  this.droppedLinksCount = 0;
});

type ReceivedEvent = Required<Writable<TimedEvent>>;

const ReceivedEvent = plain(function (this: ReceivedEvent) {
  this.time = UNSET;
  this.name = '';
  this.attributes = {};
  this.droppedAttributesCount = 0;
});

const ReceivedLink = plain(function (this: Link, context: SpanContext, attributes: Attributes, dropped: number) {
  this.context = context;
  this.attributes = attributes;
  this.droppedAttributesCount = dropped;
});

const ReceivedContext = plain(function (this: SpanContext) {
  this.traceId = '';
  this.spanId = '';
  this.traceFlags = 0;
});

const ReceivedStatus = plain(function (this: SpanStatus) {
  this.code = 0;
});

export function readSpan(reader: Reader, resource: Resource, instrumentationScope: Scope): ReadableSpan {
  reader.spend(1, SPAN_BYTES);
  const span = new ReceivedSpan(resource, instrumentationScope);
  const { context } = span;
  let traceState = '';
  let parentSpanId = '';
  let flags = 0;
  let expected: Expected | undefined;
  let index = 0;
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === ATTRIBUTES) {
      expected ??= expectedOf(span.name);
      readNextAttribute(reader, span.attributes, expected, index++);
    } else if (tag === TRACE_ID) context.traceId = reader.hex();
    else if (tag === SPAN_ID) context.spanId = reader.hex();
    else if (tag === TRACE_STATE) traceState = reader.text();
    else if (tag === PARENT_SPAN_ID) parentSpanId = reader.hex();
    else if (tag === FLAGS) flags = reader.fixed32();
    else readField(reader, tag, span);
  }
  reader.leave(outer);
  context.traceFlags = flags & TRACE_FLAGS_MASK;
  if (traceState !== '') context.traceState = traceStateOf(traceState);
  if (parentSpanId !== '') span.parentSpanContext = remoteContextOf(context.traceId, parentSpanId, flags, '');
  if (span.startTime === UNSET) span.startTime = listOf(0, 0);
  if (span.endTime === UNSET) span.endTime = listOf(0, 0);
  span.duration = lasted(span.startTime, span.endTime);
  return span;
}

function readField(reader: Reader, tag: number, span: ReceivedSpan): void {
  switch (tag) {
    case 0x2a:
      span.name = reader.text();
      break;
    case 0x30:
      span.kind = kindOf(reader.int32());
      break;
    case 0x39:
      span.startTime = readTime(reader);
      break;
    case 0x41:
      span.endTime = readTime(reader);
      break;
    case 0x50:
      span.droppedAttributesCount = reader.int32() >>> 0;
      break;
    case 0x5a:
      span.events.push(readEvent(reader));
      break;
    case 0x60:
      span.droppedEventsCount = reader.int32() >>> 0;
      break;
    case 0x6a:
      span.links.push(readLink(reader));
      break;
    case 0x70:
      span.droppedLinksCount = reader.int32() >>> 0;
      break;
    case 0x7a:
      readStatus(reader, span.status);
      break;
    default:
      reader.skip(tag);
  }
}

function readEvent(reader: Reader): TimedEvent {
  reader.spend(1, EVENT_BYTES);
  const event = new ReceivedEvent();
  let expected: Expected | undefined;
  let index = 0;
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x09) event.time = readTime(reader);
    else if (tag === 0x12) event.name = reader.text();
    else if (tag === 0x1a) {
      expected ??= expectedOf(event.name);
      readNextAttribute(reader, event.attributes, expected, index++);
    } else if (tag === 0x20) event.droppedAttributesCount = reader.int32() >>> 0;
    else reader.skip(tag);
  }
  reader.leave(outer);
  if (event.time === UNSET) event.time = listOf(0, 0);
  return event;
}

function readLink(reader: Reader): Link {
  reader.spend(1, LINK_BYTES);
  let traceId = '';
  let spanId = '';
  let traceState = '';
  let flags = 0;
  const attributes: Attributes = {};
  let dropped = 0;
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) traceId = reader.hex();
    else if (tag === 0x12) spanId = reader.hex();
    else if (tag === 0x1a) traceState = reader.text();
    else if (tag === 0x22) readAttribute(reader, attributes);
    else if (tag === 0x28) dropped = reader.int32() >>> 0;
    else if (tag === 0x35) flags = reader.fixed32();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return new ReceivedLink(remoteContextOf(traceId, spanId, flags, traceState), attributes, dropped);
}

function readStatus(reader: Reader, status: SpanStatus): void {
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x12) status.message = reader.text();
    else if (tag === 0x18) status.code = reader.int32();
    else reader.skip(tag);
  }
  reader.leave(outer);
  if (status.message === '') delete status.message;
}

function readTime(reader: Reader): HrTime {
  reader.fixed64();
  return hrTimeOf(reader.low, reader.high);
}

/** The flags of a span tell whether its parent is remote, those of a link whether what it points to is. */
function remoteContextOf(traceId: string, spanId: string, flags: number, traceState: string): SpanContext {
  const context = new ReceivedContext();
  context.traceId = traceId;
  context.spanId = spanId;
  context.traceFlags = flags & TRACE_FLAGS_MASK;
  if (traceState !== '') context.traceState = traceStateOf(traceState);
  if ((flags & HAS_IS_REMOTE) !== 0) context.isRemote = (flags & IS_REMOTE) !== 0;
  return context;
}

/** OTLP: what is UNSPECIFIED may be taken as INTERNAL, the API's 0. */
function kindOf(kind: number): SpanKind {
  return kind > 0 ? kind - 1 : 0;
}
