import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { KnownId } from '../../cache/knownId.ts';
import type { Output } from '../../protobuf/outputBuffer.ts';
import { putLength, putWideLength } from '../../protobuf/write.ts';
import { type Owner, putAttributes } from './encodeAttributes.ts';
import {
  knownName,
  missingOf,
  putCount,
  putId,
  putIdBytes,
  putName,
  putTextField,
  putTime,
  textOf,
} from './encodeField.ts';
import type { Encoding } from './encoding.ts';
import { parentIdOfSdk1 } from './sdk1.ts';

// opentelemetry.proto.trace.v1.SpanFlags
const TRACE_FLAGS_MASK = 0xff;
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

const MAX_INT32 = 0x7fff_ffff;
const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;

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
const EVENTS = 0x5a;
const DROPPED_EVENTS = 0x60;
const LINKS = 0x6a;
const DROPPED_LINKS = 0x70;
const STATUS = 0x7a;
const FLAGS = 0x0185; // as a varint

const EVENT_TIME = 0x09;
const EVENT_NAME = 0x12;

const LINK_FLAGS = 0x35;

/** Their attributes. */
const SPAN: Owner = { tag: 0x4a, depth: 5 };
const EVENT: Owner = { tag: 0x1a, depth: 6 };
const LINK: Owner = { tag: 0x22, depth: 6 };

const STATUS_MESSAGE = 0x12;
const STATUS_CODE = 0x18;

/**
 * Writes one span as a field of its `ScopeSpans`, and says where it ends.
 *
 * @throws whatever the span throws, and an Error that says what OTLP cannot hold.
 */
export function putSpan(encoding: Encoding, start: number, span: ReadableSpan): number {
  const out = encoding.out;
  const spanWidth = encoding.spanWidth;
  const context = span.spanContext();
  const parent = span.parentSpanContext;
  const name = textOf(span.name);
  const known = knownName(encoding, name);
  encoding.restart();
  let bytes = out.room(start, 0);
  let at = start + 1 + spanWidth;
  bytes[start] = SCOPE_SPANS_SPAN;
  bytes[at++] = TRACE_ID;
  bytes[at++] = TRACE_ID_BYTES;
  at = putKnownId(out, at, encoding.traceId, context.traceId, TRACE_ID_BYTES, 'traceId');
  bytes[at++] = SPAN_ID;
  bytes[at++] = SPAN_ID_BYTES;
  at = putIdBytes(bytes, at, context.spanId, SPAN_ID_BYTES, 'spanId');
  if (context.traceState !== undefined) at = putTextField(out, at, TRACE_STATE, context.traceState.serialize());
  const parentId = parent ? parent.spanId : parentIdOfSdk1(span);
  if (parentId) {
    bytes = out.room(at, 0);
    bytes[at++] = PARENT_SPAN_ID;
    bytes[at++] = SPAN_ID_BYTES;
    at = putKnownId(out, at, encoding.parentId, parentId, SPAN_ID_BYTES, "parent's spanId");
  }
  at = putName(out, at, NAME, name, known);
  at = putCount(out.room(at, 0), at, KIND, enumOf(span.kind, 1));
  at = putTime(encoding, at, START_TIME, span.startTime, 'startTime');
  at = putTime(encoding, at, END_TIME, span.endTime, 'endTime');
  at = putAttributes(encoding, at, SPAN, known, span.attributes, span.droppedAttributesCount);
  if (hasMore(span)) at = putMore(encoding, at, span);
  at = putStatus(out, at, span.status);
  const flags = spanFlagsOf(context.traceFlags, parent, parentId);
  out.room(at, 0);
  out.view.setInt16(at, FLAGS, true);
  out.view.setInt32(at + 2, flags, true);
  at += 6;
  const end = putWideLength(out, start + 1, spanWidth, at);
  if (end !== at) encoding.moved(end - at);
  return end;
}

/** There is room for it. */
function putKnownId(out: Output, at: number, known: KnownId, id: string, length: number, field: string): number {
  if (known.is(id)) return known.put(out, at, length);
  const end = putIdBytes(out.bytes, at, id, length, field);
  known.keep(id, at);
  return end;
}

/** Most have not: then nothing is iterated. */
function hasMore(span: ReadableSpan): boolean {
  return !isEmpty(span.events) || !isEmpty(span.links) || span.droppedEventsCount > 0 || span.droppedLinksCount > 0;
}

function isEmpty(list: readonly unknown[] | undefined): boolean {
  return list === undefined || (Array.isArray(list) && list.length === 0);
}

function putMore(encoding: Encoding, start: number, span: ReadableSpan): number {
  const { out } = encoding;
  let at = putEvents(encoding, start, span.events);
  at = putDropped(out, at, DROPPED_EVENTS, span.droppedEventsCount);
  at = putLinks(encoding, at, span.links);
  return putDropped(out, at, DROPPED_LINKS, span.droppedLinksCount);
}

function putEvents(encoding: Encoding, start: number, events: ReadableSpan['events'] | undefined): number {
  const { out } = encoding;
  let at = start;
  for (const event of events ?? []) {
    const name = textOf(event.name);
    const known = knownName(encoding, name);
    const begin = at + 1;
    encoding.spend(1, name.length);
    out.room(at, 0)[at] = EVENTS;
    at = putTime(encoding, begin + 1, EVENT_TIME, event.time, 'event time');
    at = putName(out, at, EVENT_NAME, name, known);
    at = putAttributes(encoding, at, EVENT, known, event.attributes, event.droppedAttributesCount);
    at = putLength(out, begin, at);
  }
  return at;
}

function putLinks(encoding: Encoding, start: number, links: ReadableSpan['links'] | undefined): number {
  const { out } = encoding;
  let at = start;
  for (const link of links ?? []) {
    const context = link.context;
    const traceState = textOf(context.traceState?.serialize());
    const begin = at + 1;
    encoding.spend(1, traceState.length);
    out.room(at, 0)[at] = LINKS;
    at = putId(out, begin + 1, TRACE_ID, context.traceId, TRACE_ID_BYTES, "link's traceId");
    at = putId(out, at, SPAN_ID, context.spanId, SPAN_ID_BYTES, "link's spanId");
    at = putTextField(out, at, TRACE_STATE, traceState);
    at = putAttributes(encoding, at, LINK, undefined, link.attributes, link.droppedAttributesCount);
    out.room(at, 0)[at] = LINK_FLAGS;
    const flags = flagsOf(context.traceFlags, context.isRemote);
    out.view.setInt32(at + 1, flags, true);
    at += 5;
    at = putLength(out, begin, at);
  }
  return at;
}

/** Always there, even if it is empty. */
function putStatus(out: Output, at: number, status: ReadableSpan['status'] | undefined): number {
  if (status?.code !== 0 || status.message) return putFullStatus(out, at, status);
  const bytes = out.room(at, 0);
  bytes[at] = STATUS;
  bytes[at + 1] = 0;
  return at + 2;
}

function putFullStatus(out: Output, start: number, status: ReadableSpan['status'] | undefined): number {
  const message = status?.message;
  const code = enumOf(status?.code, 0);
  out.room(start, 0)[start] = STATUS;
  let at = start + 2;
  if (message) at = putTextField(out, at, STATUS_MESSAGE, message);
  at = putCount(out.room(at, 0), at, STATUS_CODE, code);
  return putLength(out, start + 1, at);
}

function putDropped(out: Output, at: number, tag: number, dropped: number | undefined): number {
  const missing = missingOf(dropped, 0);
  return missing === 0 ? at : putCount(out.room(at, 0), at, tag, missing);
}

/** To the SDK a context without `isRemote` is local, so the bit that says "this is known" is always set, as the official exporters do. */
export function flagsOf(traceFlags: number, isRemote: boolean | undefined): number {
  return (traceFlags & TRACE_FLAGS_MASK) | HAS_IS_REMOTE | (isRemote ? IS_REMOTE : 0);
}

/** The same for a span: of a parent of which only the id is known, it is not known whether it is remote. */
export function spanFlagsOf(
  traceFlags: number,
  parent: ReadableSpan['parentSpanContext'],
  parentId: string | undefined,
): number {
  return !parent && parentId ? traceFlags & TRACE_FLAGS_MASK : flagsOf(traceFlags, parent?.isRemote);
}

/** A number from 0, else 0. The API counts kinds from INTERNAL = 0, the wire from 1 (there 0 is UNSPECIFIED): that is the shift. */
export function enumOf(value: unknown, shift: number): number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < MAX_INT32
    ? (value as number) + shift
    : 0;
}
