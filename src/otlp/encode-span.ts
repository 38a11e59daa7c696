import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { keyValues, restart, spend, text, type ValueWalk } from './encode-value.ts';
import { spanIdBytes, traceIdBytes } from './ids.ts';
import { bitsOf, nanosOfHrTime } from './int64.ts';
import type { EventMessage, LinkMessage, ResourceMessage, ScopeMessage, SpanMessage } from './messages.ts';

// How many messages contain an attribute's value, from the request down.
const RESOURCE_DEPTH = 4;
const SCOPE_DEPTH = 5;
const SPAN_DEPTH = 5;
const EVENT_DEPTH = 6;

// opentelemetry.proto.trace.v1.SpanFlags
const TRACE_FLAGS_MASK = 0xff;
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

const NO_BYTES = new Uint8Array(0);
const MAX_UINT32 = 0xffff_ffff;
const MAX_INT32 = 0x7fff_ffff;

/**
 * One span as a message that holds nothing of the program's any more: every getter has run, every object is copied.
 *
 * @throws whatever the span throws, and an Error that says what OTLP cannot hold.
 */
export function spanMessage(span: ReadableSpan, walk: ValueWalk): SpanMessage {
  restart(walk);
  const context = span.spanContext();
  const parent = span.parentSpanContext;
  const status = span.status;
  return {
    traceId: traceIdBytes(context.traceId, 'traceId'),
    spanId: spanIdBytes(context.spanId, 'spanId'),
    traceState: text(context.traceState?.serialize()),
    parentSpanId: parent?.spanId ? spanIdBytes(parent.spanId, "parent's spanId") : NO_BYTES,
    flags: flagsOf(context.traceFlags, parent?.isRemote),
    name: text(span.name),
    kind: enumOf(span.kind, 1),
    startTimeUnixNano: bitsOf(nanosOfHrTime(span.startTime, 'startTime')),
    endTimeUnixNano: bitsOf(nanosOfHrTime(span.endTime, 'endTime')),
    attributes: keyValues(span.attributes, SPAN_DEPTH, walk),
    droppedAttributesCount: countOf(span.droppedAttributesCount, walk.leftOut),
    events: eventMessages(span.events, walk),
    droppedEventsCount: countOf(span.droppedEventsCount, 0),
    links: linkMessages(span.links, walk),
    droppedLinksCount: countOf(span.droppedLinksCount, 0),
    status: { code: enumOf(status?.code, 0), message: text(status?.message) },
  };
}

export function resourceMessage(resource: ReadableSpan['resource'], walk: ValueWalk): ResourceMessage {
  restart(walk);
  const dropped = (resource as { droppedAttributesCount?: number }).droppedAttributesCount;
  return {
    attributes: keyValues(resource.attributes, RESOURCE_DEPTH, walk),
    droppedAttributesCount: countOf(dropped, walk.leftOut),
  };
}

export function scopeMessage(scope: ReadableSpan['instrumentationScope'], walk: ValueWalk): ScopeMessage {
  restart(walk);
  // The specification gives a scope attributes; the SDK's type does not have them, its serializers read them.
  const more = scope as { attributes?: unknown; droppedAttributesCount?: number };
  return {
    name: text(scope.name),
    version: text(scope.version),
    attributes: keyValues(more.attributes, SCOPE_DEPTH, walk),
    droppedAttributesCount: countOf(more.droppedAttributesCount, walk.leftOut),
  };
}

function eventMessages(events: ReadableSpan['events'] | undefined, walk: ValueWalk): EventMessage[] {
  const messages: EventMessage[] = [];
  for (const event of events ?? []) {
    const name = text(event.name);
    spend(walk, name.length);
    messages.push({
      timeUnixNano: bitsOf(nanosOfHrTime(event.time, 'event time')),
      name,
      attributes: keyValues(event.attributes, EVENT_DEPTH, walk),
      droppedAttributesCount: countOf(event.droppedAttributesCount, walk.leftOut),
    });
  }
  return messages;
}

function linkMessages(links: ReadableSpan['links'] | undefined, walk: ValueWalk): LinkMessage[] {
  const messages: LinkMessage[] = [];
  for (const link of links ?? []) {
    const context = link.context;
    const traceState = text(context.traceState?.serialize());
    spend(walk, traceState.length);
    messages.push({
      traceId: traceIdBytes(context.traceId, "link's traceId"),
      spanId: spanIdBytes(context.spanId, "link's spanId"),
      traceState,
      attributes: keyValues(link.attributes, EVENT_DEPTH, walk),
      droppedAttributesCount: countOf(link.droppedAttributesCount, walk.leftOut),
      flags: flagsOf(context.traceFlags, context.isRemote),
    });
  }
  return messages;
}

/** To the SDK a context without `isRemote` is local, so the bit that says "this is known" is always set, as the official exporters do. */
function flagsOf(traceFlags: number, isRemote: boolean | undefined): number {
  return (traceFlags & TRACE_FLAGS_MASK) | HAS_IS_REMOTE | (isRemote ? IS_REMOTE : 0);
}

/** A number from 0, else 0. The API counts kinds from INTERNAL = 0, the wire from 1 (there 0 is UNSPECIFIED): that is the shift. */
function enumOf(value: unknown, shift: number): number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < MAX_INT32
    ? (value as number) + shift
    : 0;
}

function countOf(dropped: number | undefined, leftOut: number): number {
  const counted = dropped !== undefined && dropped > 0 ? Math.trunc(dropped) : 0;
  return Math.min(counted + leftOut, MAX_UINT32);
}
