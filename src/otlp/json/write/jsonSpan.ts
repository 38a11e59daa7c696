import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Output } from '../../protobuf/outputBuffer.ts';
import { putBytes } from '../../protobuf/write.ts';
import { missingOf, textOf } from '../../traces/encode/encodeField.ts';
import { enumOf, flagsOf, spanFlagsOf } from '../../traces/encode/encodeSpan.ts';
import { parentIdOfSdk1 } from '../../traces/encode/sdk1.ts';
import type { JsonEncoding } from './jsonEncoding.ts';
import {
  fieldName,
  putCount,
  putId,
  putKnownId,
  putName,
  putTextField,
  putTime,
  quotedFieldName,
} from './jsonField.ts';
import { COMMA, closeList, closeObject, constant, FIELD_BYTES, putNumber } from './jsonPut.ts';
import { putAttributes } from './jsonValue.ts';

const TRACE_ID_DIGITS = 32;
const SPAN_ID_DIGITS = 16;

// How many messages contain an attribute's value, from the request down.
const SPAN_DEPTH = 5;
const EVENT_DEPTH = 6;

const TRACE_ID = quotedFieldName('traceId');
const SPAN_ID = quotedFieldName('spanId');
const TRACE_STATE = fieldName('traceState');
const PARENT_SPAN_ID = quotedFieldName('parentSpanId');
const KIND = fieldName('kind');
const EVENTS = fieldName('events');
const DROPPED_EVENTS = fieldName('droppedEventsCount');
const LINKS = fieldName('links');
const DROPPED_LINKS = fieldName('droppedLinksCount');
const STATUS = fieldName('status');
const FLAGS = fieldName('flags');
const EMPTY_STATUS_AND_FLAGS = constant(',"status":{},"flags":');
const STATUS_MESSAGE = fieldName('message');
const STATUS_CODE = fieldName('code');

/**
 * Writes one span, after others.
 *
 * @throws whatever the span throws, and an Error that says what OTLP cannot hold.
 */
export function putSpan(encoding: JsonEncoding, begin: number, span: ReadableSpan): number {
  const { out } = encoding;
  const context = span.spanContext();
  const parent = span.parentSpanContext;
  encoding.restart();
  out.room(begin, 1)[begin] = COMMA;
  const start = begin + 1;
  let at = putKnownId(out, encoding.traceId, start, TRACE_ID, context.traceId, TRACE_ID_DIGITS, 'traceId');
  at = putId(out, at, SPAN_ID, context.spanId, SPAN_ID_DIGITS, 'spanId');
  at = putTextField(out, at, TRACE_STATE, textOf(context.traceState?.serialize()));
  const parentId = parent ? parent.spanId : parentIdOfSdk1(span);
  if (parentId)
    at = putKnownId(out, encoding.parentId, at, PARENT_SPAN_ID, parentId, SPAN_ID_DIGITS, "parent's spanId");
  at = putName(encoding, at, textOf(span.name));
  at = putCount(out, at, KIND, enumOf(span.kind, 1));
  at = putTime(out, at, encoding.startTime, span.startTime, 'startTime');
  at = putTime(out, at, encoding.endTime, span.endTime, 'endTime');
  at = putAttributes(encoding, at, span.attributes, span.droppedAttributesCount, SPAN_DEPTH);
  at = putEvents(encoding, at, span.events);
  at = putCount(out, at, DROPPED_EVENTS, missingOf(span.droppedEventsCount, 0));
  at = putLinks(encoding, at, span.links);
  at = putCount(out, at, DROPPED_LINKS, missingOf(span.droppedLinksCount, 0));
  at = putStatusAndFlags(out, at, span.status, spanFlagsOf(context.traceFlags, parent, parentId));
  return closeObject(out, start, at);
}

function putEvents(encoding: JsonEncoding, begin: number, events: ReadableSpan['events'] | undefined): number {
  const { out } = encoding;
  let list = begin;
  let at = begin;
  for (const event of events ?? []) {
    const name = textOf(event.name);
    encoding.spend(1, name.length);
    if (at === begin) at = list = putBytes(out, begin, EVENTS);
    out.room(at, 1)[at] = COMMA;
    const start = at + 1;
    at = putTime(out, start, encoding.eventTime, event.time, 'event time');
    at = putName(encoding, at, name);
    at = putAttributes(encoding, at, event.attributes, event.droppedAttributesCount, EVENT_DEPTH);
    at = closeObject(out, start, at);
  }
  return at === begin ? begin : closeList(out, list, at);
}

function putLinks(encoding: JsonEncoding, begin: number, links: ReadableSpan['links'] | undefined): number {
  const { out } = encoding;
  let list = begin;
  let at = begin;
  for (const link of links ?? []) {
    const context = link.context;
    const traceState = textOf(context.traceState?.serialize());
    encoding.spend(1, traceState.length);
    if (at === begin) at = list = putBytes(out, begin, LINKS);
    out.room(at, 1)[at] = COMMA;
    const start = at + 1;
    at = putId(out, start, TRACE_ID, context.traceId, TRACE_ID_DIGITS, "link's traceId");
    at = putId(out, at, SPAN_ID, context.spanId, SPAN_ID_DIGITS, "link's spanId");
    at = putTextField(out, at, TRACE_STATE, traceState);
    at = putAttributes(encoding, at, link.attributes, link.droppedAttributesCount, EVENT_DEPTH);
    at = putCount(out, at, FLAGS, flagsOf(context.traceFlags, context.isRemote));
    at = closeObject(out, start, at);
  }
  return at === begin ? begin : closeList(out, list, at);
}

/** The status is always there, even if it is empty; so are the flags. */
function putStatusAndFlags(
  out: Output,
  begin: number,
  status: ReadableSpan['status'] | undefined,
  flags: number,
): number {
  const message = textOf(status?.message);
  const code = enumOf(status?.code, 0);
  if (message === '' && code === 0) {
    const bytes = out.room(begin, FIELD_BYTES);
    bytes.set(EMPTY_STATUS_AND_FLAGS, begin);
    return putNumber(bytes, begin + EMPTY_STATUS_AND_FLAGS.length, flags);
  }
  const start = putBytes(out, begin, STATUS);
  const end = putCount(out, putTextField(out, start, STATUS_MESSAGE, message), STATUS_CODE, code);
  return putCount(out, closeObject(out, start, end), FLAGS, flags);
}
