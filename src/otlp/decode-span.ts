import type { Attributes, Link, SpanContext, SpanKind, SpanStatus } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { readAttribute } from './decode-value.ts';
import { hrTimeOf, lasted } from './hr-time.ts';
import type { Reader } from './reader.ts';
import { traceStateOf } from './trace-state.ts';

type Resource = ReadableSpan['resource'];
type Scope = ReadableSpan['instrumentationScope'];
type TimedEvent = ReadableSpan['events'][number];
type HrTime = [number, number];

const TRACE_FLAGS_MASK = 0xff;
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/** `spanContext` reads it from its own object, so that no span carries a closure and `{ ...span, name }` stays a whole span. */
interface DecodedSpan extends ReadableSpan {
  readonly context: SpanContext;
}

function spanContext(this: DecodedSpan): SpanContext {
  return this.context;
}

/** Fields come in any order, and each as often as it likes: what a span is, is known at its end. */
interface SpanFields {
  traceId: string;
  spanId: string;
  traceState: string;
  parentSpanId: string;
  name: string;
  kind: number;
  startTime: HrTime | undefined;
  endTime: HrTime | undefined;
  attributes: Attributes;
  droppedAttributesCount: number;
  events: TimedEvent[];
  droppedEventsCount: number;
  links: Link[];
  droppedLinksCount: number;
  status: SpanStatus;
  flags: number;
}

export function readSpan(reader: Reader, resource: Resource, instrumentationScope: Scope): ReadableSpan {
  const fields: SpanFields = {
    traceId: '',
    spanId: '',
    traceState: '',
    parentSpanId: '',
    name: '',
    kind: 0,
    startTime: undefined,
    endTime: undefined,
    attributes: {},
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 0 },
    flags: 0,
  };
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) readField(reader, tag, fields);
  reader.leave(outer);
  return spanOf(fields, resource, instrumentationScope);
}

function readField(reader: Reader, tag: number, fields: SpanFields): void {
  switch (tag) {
    case 0x0a:
      fields.traceId = reader.hex();
      break;
    case 0x12:
      fields.spanId = reader.hex();
      break;
    case 0x1a:
      fields.traceState = reader.text();
      break;
    case 0x22:
      fields.parentSpanId = reader.hex();
      break;
    case 0x2a:
      fields.name = reader.text();
      break;
    case 0x30:
      fields.kind = reader.int32();
      break;
    case 0x39:
      fields.startTime = readTime(reader);
      break;
    case 0x41:
      fields.endTime = readTime(reader);
      break;
    case 0x4a:
      readAttribute(reader, fields.attributes);
      break;
    case 0x50:
      fields.droppedAttributesCount = reader.int32() >>> 0;
      break;
    case 0x5a:
      fields.events.push(readEvent(reader));
      break;
    case 0x60:
      fields.droppedEventsCount = reader.int32() >>> 0;
      break;
    case 0x6a:
      fields.links.push(readLink(reader));
      break;
    case 0x70:
      fields.droppedLinksCount = reader.int32() >>> 0;
      break;
    case 0x7a:
      readStatus(reader, fields.status);
      break;
    case 0x85:
      fields.flags = reader.fixed32();
      break;
    default:
      reader.skip(tag);
  }
}

function spanOf(fields: SpanFields, resource: Resource, instrumentationScope: Scope): ReadableSpan {
  const { traceId, parentSpanId, flags, startTime = [0, 0], endTime = [0, 0] } = fields;
  const span: DecodedSpan = {
    name: fields.name,
    kind: kindOf(fields.kind),
    spanContext,
    context: contextOf(traceId, fields.spanId, flags, fields.traceState),
    startTime,
    endTime,
    status: fields.status,
    attributes: fields.attributes,
    links: fields.links,
    events: fields.events,
    duration: lasted(startTime, endTime),
    ended: true,
    resource,
    instrumentationScope,
    droppedAttributesCount: fields.droppedAttributesCount,
    droppedEventsCount: fields.droppedEventsCount,
    droppedLinksCount: fields.droppedLinksCount,
  };
  if (parentSpanId === '') return span;
  const parent: { parentSpanContext?: SpanContext } = span;
  parent.parentSpanContext = remoteContextOf(traceId, parentSpanId, flags, '');
  return span;
}

function readEvent(reader: Reader): TimedEvent {
  const event: { -readonly [Key in keyof TimedEvent]-?: TimedEvent[Key] } = {
    time: [0, 0],
    name: '',
    attributes: {},
    droppedAttributesCount: 0,
  };
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x09) event.time = readTime(reader);
    else if (tag === 0x12) event.name = reader.text();
    else if (tag === 0x1a) readAttribute(reader, event.attributes);
    else if (tag === 0x20) event.droppedAttributesCount = reader.int32() >>> 0;
    else reader.skip(tag);
  }
  reader.leave(outer);
  return event;
}

function readLink(reader: Reader): Link {
  let traceId = '';
  let spanId = '';
  let traceState = '';
  let flags = 0;
  const attributes: Attributes = {};
  let droppedAttributesCount = 0;
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) traceId = reader.hex();
    else if (tag === 0x12) spanId = reader.hex();
    else if (tag === 0x1a) traceState = reader.text();
    else if (tag === 0x22) readAttribute(reader, attributes);
    else if (tag === 0x28) droppedAttributesCount = reader.int32() >>> 0;
    else if (tag === 0x35) flags = reader.fixed32();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return { context: remoteContextOf(traceId, spanId, flags, traceState), attributes, droppedAttributesCount };
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

function contextOf(traceId: string, spanId: string, flags: number, traceState: string): SpanContext {
  const context: SpanContext = { traceId, spanId, traceFlags: flags & TRACE_FLAGS_MASK };
  if (traceState !== '') context.traceState = traceStateOf(traceState);
  return context;
}

/** The flags of a span tell whether its parent is remote, those of a link whether what it points to is. */
function remoteContextOf(traceId: string, spanId: string, flags: number, traceState: string): SpanContext {
  const context = contextOf(traceId, spanId, flags, traceState);
  if ((flags & HAS_IS_REMOTE) !== 0) context.isRemote = (flags & IS_REMOTE) !== 0;
  return context;
}

/** OTLP: what is UNSPECIFIED may be taken as INTERNAL, the API's 0. */
function kindOf(kind: number): SpanKind {
  return kind > 0 ? kind - 1 : 0;
}
