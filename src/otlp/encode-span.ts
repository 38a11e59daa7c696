import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import {
  missingOf,
  SPAN_ID_DIGITS,
  TRACE_ID_DIGITS,
  textOf,
  writeCount,
  writeId,
  writeName,
  writeText,
  writeTime,
} from './encode-field.ts';
import { writeAttributes } from './encode-value.ts';
import type { Encoding } from './encoding.ts';
import type { Writer } from './writer.ts';

// How many messages contain an attribute's value, from the request down.
const SPAN_DEPTH = 5;
const EVENT_DEPTH = 6;

// opentelemetry.proto.trace.v1.SpanFlags
const TRACE_FLAGS_MASK = 0xff;
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

const MAX_INT32 = 0x7fff_ffff;

// opentelemetry.proto.trace.v1: the field's number, times 8, plus how it is written (0 varint, 1 eight bytes, 2 length and
// content, 5 four bytes). Fields are written in the order of their numbers.
const SCOPE_SPANS_SPAN = 0x12;
const TRACE_ID = 0x0a;
const SPAN_ID = 0x12;
const TRACE_STATE = 0x1a;
const PARENT_SPAN_ID = 0x22;
const NAME = 0x2a;
const KIND = 0x30;
const START_TIME = 0x39;
const END_TIME = 0x41;
const ATTRIBUTES = 0x4a;
const DROPPED_ATTRIBUTES = 0x50;
const EVENTS = 0x5a;
const DROPPED_EVENTS = 0x60;
const LINKS = 0x6a;
const DROPPED_LINKS = 0x70;
const STATUS = 0x7a;
const FLAGS = 0x0185;

const EVENT_TIME = 0x09;
const EVENT_NAME = 0x12;
const EVENT_ATTRIBUTES = 0x1a;
const EVENT_DROPPED_ATTRIBUTES = 0x20;

const LINK_ATTRIBUTES = 0x22;
const LINK_DROPPED_ATTRIBUTES = 0x28;
const LINK_FLAGS = 0x35;

const STATUS_MESSAGE = 0x12;
const STATUS_CODE = 0x18;

/**
 * Writes one span as a field of its `ScopeSpans`.
 *
 * @throws whatever the span throws, and an Error that says what OTLP cannot hold. What was written by then is the caller's to take back.
 */
export function writeSpan(encoding: Encoding, span: ReadableSpan): void {
  const { writer, spanWidth } = encoding;
  const context = span.spanContext();
  const parent = span.parentSpanContext;
  encoding.restart();
  writer.byte(SCOPE_SPANS_SPAN);
  const start = writer.open(spanWidth);
  writeId(writer, TRACE_ID, context.traceId, TRACE_ID_DIGITS, 'traceId');
  writeId(writer, SPAN_ID, context.spanId, SPAN_ID_DIGITS, 'spanId');
  writeText(writer, TRACE_STATE, context.traceState?.serialize());
  if (parent?.spanId) writeId(writer, PARENT_SPAN_ID, parent.spanId, SPAN_ID_DIGITS, "parent's spanId");
  writeName(encoding, NAME, textOf(span.name));
  writeCount(writer, KIND, enumOf(span.kind, 1));
  writeTime(writer, START_TIME, span.startTime, 'startTime');
  writeTime(writer, END_TIME, span.endTime, 'endTime');
  const leftOut = writeAttributes(encoding, ATTRIBUTES, span.attributes, SPAN_DEPTH);
  writeCount(writer, DROPPED_ATTRIBUTES, missingOf(span.droppedAttributesCount, leftOut));
  writeEvents(encoding, span.events);
  writeCount(writer, DROPPED_EVENTS, missingOf(span.droppedEventsCount, 0));
  writeLinks(encoding, span.links);
  writeCount(writer, DROPPED_LINKS, missingOf(span.droppedLinksCount, 0));
  writeStatus(writer, span.status);
  writer.byte(FLAGS & 0xff);
  writer.byte(FLAGS >> 8);
  writer.fixed32(flagsOf(context.traceFlags, parent?.isRemote));
  encoding.spanWidth = writer.close(start, spanWidth);
}

function writeEvents(encoding: Encoding, events: ReadableSpan['events'] | undefined): void {
  const { writer } = encoding;
  for (const event of events ?? []) {
    const name = textOf(event.name);
    encoding.spend(1, name.length);
    writer.byte(EVENTS);
    const start = writer.open(1);
    writeTime(writer, EVENT_TIME, event.time, 'event time');
    writeName(encoding, EVENT_NAME, name);
    const leftOut = writeAttributes(encoding, EVENT_ATTRIBUTES, event.attributes, EVENT_DEPTH);
    writeCount(writer, EVENT_DROPPED_ATTRIBUTES, missingOf(event.droppedAttributesCount, leftOut));
    writer.close(start, 1);
  }
}

function writeLinks(encoding: Encoding, links: ReadableSpan['links'] | undefined): void {
  const { writer } = encoding;
  for (const link of links ?? []) {
    const context = link.context;
    const traceState = textOf(context.traceState?.serialize());
    encoding.spend(1, traceState.length);
    writer.byte(LINKS);
    const start = writer.open(1);
    writeId(writer, TRACE_ID, context.traceId, TRACE_ID_DIGITS, "link's traceId");
    writeId(writer, SPAN_ID, context.spanId, SPAN_ID_DIGITS, "link's spanId");
    writeText(writer, TRACE_STATE, traceState);
    const leftOut = writeAttributes(encoding, LINK_ATTRIBUTES, link.attributes, EVENT_DEPTH);
    writeCount(writer, LINK_DROPPED_ATTRIBUTES, missingOf(link.droppedAttributesCount, leftOut));
    writer.byte(LINK_FLAGS);
    writer.fixed32(flagsOf(context.traceFlags, context.isRemote));
    writer.close(start, 1);
  }
}

/** Always there, even if it is empty. */
function writeStatus(writer: Writer, status: ReadableSpan['status'] | undefined): void {
  writer.byte(STATUS);
  const start = writer.open(1);
  writeText(writer, STATUS_MESSAGE, status?.message);
  writeCount(writer, STATUS_CODE, enumOf(status?.code, 0));
  writer.close(start, 1);
}

/** To the SDK a context without `isRemote` is local, so the bit that says "this is known" is always set, as the official exporters do. */
export function flagsOf(traceFlags: number, isRemote: boolean | undefined): number {
  return (traceFlags & TRACE_FLAGS_MASK) | HAS_IS_REMOTE | (isRemote ? IS_REMOTE : 0);
}

/** A number from 0, else 0. The API counts kinds from INTERNAL = 0, the wire from 1 (there 0 is UNSPECIFIED): that is the shift. */
export function enumOf(value: unknown, shift: number): number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < MAX_INT32
    ? (value as number) + shift
    : 0;
}
