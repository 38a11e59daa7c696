import type { Attributes, Link, SpanStatus } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { readAttribute } from '../../decode/attributes.ts';
import type { Resource, Scope } from '../../decode/decodeRequest.ts';
import { lasted, readTime } from '../../decode/hrTime.ts';
import { listOf, plainConstructor } from '../../decode/plainObject.ts';
import type { Reader } from '../../protobuf/reader.ts';
import { delimited, fieldsOf, fixed32, fixed64, readMessage, varint } from '../../protobuf/readMessage.ts';
import type { Costs } from '../../protobuf/scan.ts';
import {
  contextOf,
  type Ids,
  ReceivedEvent,
  ReceivedLink,
  ReceivedSpan,
  ReceivedStatus,
  remoteContextOf,
  UNSET,
} from './receivedSpan.ts';

// Heap that they take without their strings and attributes: objects, ids, times, and the first element of a list.
const SPAN_BYTES = 640;
const EVENT_BYTES = 200;
const LINK_BYTES = 256;

export const SPAN_COSTS: Costs = { Span: [1, SPAN_BYTES], Event: [1, EVENT_BYTES], Link: [1, LINK_BYTES] };

export interface SpanMessage extends Ids {
  span: ReceivedSpan;
  parentSpanId: string;
}

// Not a literal: one is alive at each collection, which is enough for V8 to allocate all of them in the old generation.
export const SpanMessage = plainConstructor(function (this: SpanMessage, span: ReceivedSpan) {
  this.span = span;
  this.traceId = '';
  this.spanId = '';
  this.parentSpanId = '';
  this.traceState = '';
  this.flags = 0;
});

interface LinkMessage extends Ids {
  readonly attributes: Attributes;
  droppedAttributesCount: number;
}

export const spanFields = fieldsOf<SpanMessage>({
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

const eventFields = fieldsOf<ReceivedEvent>({
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

export const statusFields = fieldsOf<SpanStatus>({
  [delimited(2)]: (status, reader) => {
    if (status.message !== undefined) reader.hasReplaced = true;
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

/** Reads one span into an object of the SDK's shape, and adds it. */
export function readSpan(spans: ReadableSpan[], reader: Reader, resource: Resource, instrumentationScope: Scope): void {
  reader.spend(1, SPAN_BYTES);
  const span = new ReceivedSpan(resource, instrumentationScope, new ReceivedStatus(), {}, listOf(), listOf());
  const message = new SpanMessage(span);
  readMessage(reader, spanFields, message);
  finishContext(message);
  finishTimes(message);
  spans.push(span);
}

/** When all ids and flags have been read. */
export function finishContext(message: SpanMessage): void {
  const { span, traceId, parentSpanId, flags } = message;
  span.context = contextOf(message);
  if (parentSpanId !== '')
    span.parentSpanContext = remoteContextOf({ traceId, spanId: parentSpanId, traceState: '', flags });
}

/** When both times have been read. */
export function finishTimes({ span }: SpanMessage): void {
  if (span.startTime === UNSET) span.startTime = listOf(0, 0);
  if (span.endTime === UNSET) span.endTime = listOf(0, 0);
  span.duration = lasted(span.startTime, span.endTime);
}

export function readEvent(reader: Reader): ReceivedEvent {
  reader.spend(1, EVENT_BYTES);
  const event = new ReceivedEvent();
  readMessage(reader, eventFields, event);
  if (event.time === UNSET) event.time = listOf(0, 0);
  return event;
}

export function readLink(reader: Reader): Link {
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
  return new ReceivedLink(remoteContextOf(link), attributes, link.droppedAttributesCount);
}
