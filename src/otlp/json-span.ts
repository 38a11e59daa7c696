import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { missingOf, SPAN_ID_DIGITS, TRACE_ID_DIGITS, textOf } from './encode-field.ts';
import { enumOf, flagsOf } from './encode-span.ts';
import type { JsonEncoding } from './json-encoding.ts';
import { fieldName, quotedFieldName, writeCount, writeId, writeName, writeText, writeTime } from './json-field.ts';
import { writeAttributes } from './json-value.ts';
import { constant, type JsonWriter } from './json-writer.ts';

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
 * @throws whatever the span throws, and an Error that says what OTLP cannot hold. What was written by then is the caller's to take back.
 */
export function writeSpan(encoding: JsonEncoding, span: ReadableSpan): void {
  const { writer } = encoding;
  const context = span.spanContext();
  const parent = span.parentSpanContext;
  encoding.restart();
  writer.comma();
  const start = writer.at;
  writeId(writer, TRACE_ID, context.traceId, TRACE_ID_DIGITS, 'traceId');
  writeId(writer, SPAN_ID, context.spanId, SPAN_ID_DIGITS, 'spanId');
  writeText(writer, TRACE_STATE, textOf(context.traceState?.serialize()));
  if (parent?.spanId) writeId(writer, PARENT_SPAN_ID, parent.spanId, SPAN_ID_DIGITS, "parent's spanId");
  writeName(encoding, textOf(span.name));
  writeCount(writer, KIND, enumOf(span.kind, 1));
  writeTime(writer, encoding.startTime, span.startTime, 'startTime');
  writeTime(writer, encoding.endTime, span.endTime, 'endTime');
  writeAttributes(encoding, span.attributes, SPAN_DEPTH, span.droppedAttributesCount);
  writeEvents(encoding, span.events);
  writeCount(writer, DROPPED_EVENTS, missingOf(span.droppedEventsCount, 0));
  writeLinks(encoding, span.links);
  writeCount(writer, DROPPED_LINKS, missingOf(span.droppedLinksCount, 0));
  writeStatus(writer, span.status);
  writer.integer(flagsOf(context.traceFlags, parent?.isRemote));
  writer.closeObject(start);
}

function writeEvents(encoding: JsonEncoding, events: ReadableSpan['events'] | undefined): void {
  const { writer } = encoding;
  const begin = writer.at;
  let list = begin;
  for (const event of events ?? []) {
    const name = textOf(event.name);
    encoding.spend(1, name.length);
    if (list === begin) list = writer.start(EVENTS);
    writer.comma();
    const start = writer.at;
    writeTime(writer, encoding.eventTime, event.time, 'event time');
    writeName(encoding, name);
    writeAttributes(encoding, event.attributes, EVENT_DEPTH, event.droppedAttributesCount);
    writer.closeObject(start);
  }
  if (list !== begin) writer.closeList(list);
}

function writeLinks(encoding: JsonEncoding, links: ReadableSpan['links'] | undefined): void {
  const { writer } = encoding;
  const begin = writer.at;
  let list = begin;
  for (const link of links ?? []) {
    const context = link.context;
    const traceState = textOf(context.traceState?.serialize());
    encoding.spend(1, traceState.length);
    if (list === begin) list = writer.start(LINKS);
    writer.comma();
    const start = writer.at;
    writeId(writer, TRACE_ID, context.traceId, TRACE_ID_DIGITS, "link's traceId");
    writeId(writer, SPAN_ID, context.spanId, SPAN_ID_DIGITS, "link's spanId");
    writeText(writer, TRACE_STATE, traceState);
    writeAttributes(encoding, link.attributes, EVENT_DEPTH, link.droppedAttributesCount);
    writeCount(writer, FLAGS, flagsOf(context.traceFlags, context.isRemote));
    writer.closeObject(start);
  }
  if (list !== begin) writer.closeList(list);
}

/** Always there, even if it is empty; and the name of the field that follows. */
function writeStatus(writer: JsonWriter, status: ReadableSpan['status'] | undefined): void {
  const message = textOf(status?.message);
  const code = enumOf(status?.code, 0);
  if (message === '' && code === 0) {
    writer.raw(EMPTY_STATUS_AND_FLAGS);
    return;
  }
  const start = writer.start(STATUS);
  writeText(writer, STATUS_MESSAGE, message);
  writeCount(writer, STATUS_CODE, code);
  writer.closeObject(start);
  writer.raw(FLAGS);
}
