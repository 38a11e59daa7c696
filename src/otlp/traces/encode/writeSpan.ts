import type { SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { writeAttributes } from '../../encode/attributes.ts';
import type { EncoderState } from '../../encode/encoderState.ts';
import {
  countOf,
  enumOf,
  stringOf,
  writeFixed32Field,
  writeIdField,
  writeNameField,
  writeStringField,
  writeUint32Field,
} from '../../encode/fields.ts';
import { writeTimeField } from '../../encode/timeField.ts';
import type { OutputBuffer } from '../../protobuf/outputBuffer.ts';
import { writeLength } from '../../protobuf/write.ts';
import { parentIdOfSdk1 } from './sdk1.ts';

// opentelemetry.proto.trace.v1, field by field: numbers times 8, plus how each is written.
const SPAN = {
  traceId: 0x0a,
  spanId: 0x12,
  traceState: 0x1a,
  parentSpanId: 0x22,
  name: 0x2a,
  kind: 0x30,
  startTime: 0x39,
  endTime: 0x41,
  attributes: 0x4a,
  events: 0x5a,
  droppedEvents: 0x60,
  links: 0x6a,
  droppedLinks: 0x70,
  status: 0x7a,
  flags: 0x85,
} as const;
const EVENT = { time: 0x09, name: 0x12, attributes: 0x1a } as const;
const LINK = { traceId: 0x0a, spanId: 0x12, traceState: 0x1a, attributes: 0x22, flags: 0x35 } as const;
const STATUS = { message: 0x12, code: 0x18 } as const;

// How many messages contain an attribute's value, from the request down.
const SPAN_DEPTH = 5;
const EVENT_DEPTH = 6;

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;

// opentelemetry.proto.trace.v1.SpanFlags
const TRACE_FLAGS_MASK = 0xff;
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/** The API counts kinds from INTERNAL = 0, the wire from 1: there 0 is UNSPECIFIED. */
const KIND_SHIFT = 1;

/**
 * Writes the fields of one span, in the order of their numbers.
 *
 * @throws whatever the span throws, and an Error that says what OTLP cannot hold.
 */
export function writeSpan(state: EncoderState, start: number, span: ReadableSpan): number {
  const { out } = state;
  const context = span.spanContext();
  const parent = span.parentSpanContext;
  const name = stringOf(span.name);
  const known = state.nameOf(name);
  const parentId = parent ? parent.spanId : parentIdOfSdk1(span);
  let at = state.traceId.write(out, start, SPAN.traceId, context.traceId);
  at = writeIdField(out, at, SPAN.spanId, context.spanId, SPAN_ID_BYTES, 'spanId');
  if (context.traceState) at = writeStringField(out, at, SPAN.traceState, context.traceState.serialize());
  if (parentId) at = state.parentId.write(out, at, SPAN.parentSpanId, parentId);
  at = writeNameField(out, at, SPAN.name, name, known);
  at = writeUint32Field(out, at, SPAN.kind, enumOf(span.kind, KIND_SHIFT));
  at = writeTimeField(state, at, SPAN.startTime, span.startTime, 'startTime');
  at = writeTimeField(state, at, SPAN.endTime, span.endTime, 'endTime');
  at = writeAttributes(state, at, SPAN.attributes, SPAN_DEPTH, span.attributes, span.droppedAttributesCount, known);
  at = writeEvents(state, at, span.events);
  at = writeUint32Field(out, at, SPAN.droppedEvents, countOf(span.droppedEventsCount));
  at = writeLinks(state, at, span.links);
  at = writeUint32Field(out, at, SPAN.droppedLinks, countOf(span.droppedLinksCount));
  at = writeStatus(out, at, span.status);
  return writeFixed32Field(out, at, SPAN.flags, spanFlagsOf(context.traceFlags, parent, parentId));
}

export function writeEvents(state: EncoderState, start: number, events: ReadableSpan['events'] | undefined): number {
  if (isEmpty(events)) return start;
  let at = start;
  for (const event of events) {
    const name = stringOf(event.name);
    const known = state.nameOf(name);
    const begin = at + 1;
    state.spend(1, name.length);
    state.out.room(at, 0)[at] = SPAN.events;
    at = writeTimeField(state, begin + 1, EVENT.time, event.time, 'event time');
    at = writeNameField(state.out, at, EVENT.name, name, known);
    at = writeAttributes(
      state,
      at,
      EVENT.attributes,
      EVENT_DEPTH,
      event.attributes,
      event.droppedAttributesCount,
      known,
    );
    at = writeLength(state.out, begin, at);
  }
  return at;
}

export function writeLinks(state: EncoderState, start: number, links: ReadableSpan['links'] | undefined): number {
  if (isEmpty(links)) return start;
  const { out } = state;
  let at = start;
  for (const link of links) {
    const { context } = link;
    const traceState = stringOf(context.traceState?.serialize());
    const begin = at + 1;
    state.spend(1, traceState.length);
    out.room(at, 0)[at] = SPAN.links;
    at = writeIdField(out, begin + 1, LINK.traceId, context.traceId, TRACE_ID_BYTES, "link's traceId");
    at = writeIdField(out, at, LINK.spanId, context.spanId, SPAN_ID_BYTES, "link's spanId");
    at = writeStringField(out, at, LINK.traceState, traceState);
    at = writeAttributes(state, at, LINK.attributes, EVENT_DEPTH, link.attributes, link.droppedAttributesCount);
    at = writeFixed32Field(out, at, LINK.flags, flagsOf(context.traceFlags, context.isRemote));
    at = writeLength(out, begin, at);
  }
  return at;
}

/** Most lists are empty: then nothing is iterated. */
function isEmpty(list: readonly unknown[] | undefined): list is undefined {
  return list === undefined || list === null || (Array.isArray(list) && list.length === 0);
}

/** The status is always there, even if it is empty. */
export function writeStatus(out: OutputBuffer, start: number, status: ReadableSpan['status'] | undefined): number {
  out.room(start, 0)[start] = SPAN.status;
  const message = writeStringField(out, start + 2, STATUS.message, status?.message);
  return writeLength(out, start + 1, writeUint32Field(out, message, STATUS.code, enumOf(status?.code)));
}

/** Writes the fields of a span that its context fills. */
export function writeContext(
  out: OutputBuffer,
  start: number,
  context: SpanContext,
  parent: ReadableSpan['parentSpanContext'],
): number {
  let at = writeIdField(out, start, SPAN.traceId, context.traceId, TRACE_ID_BYTES, 'traceId');
  at = writeIdField(out, at, SPAN.spanId, context.spanId, SPAN_ID_BYTES, 'spanId');
  if (context.traceState) at = writeStringField(out, at, SPAN.traceState, context.traceState.serialize());
  return writeFixed32Field(out, at, SPAN.flags, flagsOf(context.traceFlags, parent?.isRemote));
}

/** To the SDK a context without `isRemote` is local, so the bit that says "this is known" is always set, as the official exporters do. */
function flagsOf(traceFlags: number, isRemote: boolean | undefined): number {
  return (traceFlags & TRACE_FLAGS_MASK) | HAS_IS_REMOTE | (isRemote ? IS_REMOTE : 0);
}

/** The same for a span. Where only the parent's id is known, it is not known whether the parent is remote. */
function spanFlagsOf(
  traceFlags: number,
  parent: ReadableSpan['parentSpanContext'],
  parentId: string | undefined,
): number {
  return !parent && parentId ? traceFlags & TRACE_FLAGS_MASK : flagsOf(traceFlags, parent?.isRemote);
}
