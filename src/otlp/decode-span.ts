import type { Link, SpanContext, SpanKind, SpanStatus } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { attributesOf } from './decode-value.ts';
import { hexOf } from './ids.ts';
import { hrTimeOfNanos, unsignedOf } from './int64.ts';
import type { EventMessage, LinkMessage, ScopeSpansMessage, SpanMessage, StatusMessage } from './messages.ts';
import { traceStateOf } from './trace-state.ts';

type Resource = ReadableSpan['resource'];
type Scope = ReadableSpan['instrumentationScope'];
type TimedEvent = ReadableSpan['events'][number];

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

export function decodedSpan(message: SpanMessage, resource: Resource, instrumentationScope: Scope): ReadableSpan {
  const start = unsignedOf(message.startTimeUnixNano);
  const end = unsignedOf(message.endTimeUnixNano);
  const traceId = hexOf(message.traceId);
  const span: DecodedSpan = {
    name: message.name,
    kind: kindOf(message.kind),
    spanContext,
    context: contextOf(traceId, message.spanId, message.flags, message.traceState),
    startTime: hrTimeOfNanos(start),
    endTime: hrTimeOfNanos(end),
    status: statusOf(message.status),
    attributes: attributesOf(message.attributes),
    links: message.links.map(linkOf),
    events: message.events.map(eventOf),
    duration: hrTimeOfNanos(end > start ? end - start : 0n),
    ended: true,
    resource,
    instrumentationScope,
    droppedAttributesCount: message.droppedAttributesCount,
    droppedEventsCount: message.droppedEventsCount,
    droppedLinksCount: message.droppedLinksCount,
  };
  if (message.parentSpanId.length === 0) return span;
  return Object.assign(span, { parentSpanContext: remoteContextOf(traceId, message.parentSpanId, message.flags, '') });
}

export function scopeOf({ scope, schemaUrl }: ScopeSpansMessage): Scope {
  const decoded: { -readonly [Key in keyof Scope]: Scope[Key] } = { name: scope?.name ?? '' };
  if (scope?.version) decoded.version = scope.version;
  if (schemaUrl !== '') decoded.schemaUrl = schemaUrl;
  if (!scope?.attributes.length && !scope?.droppedAttributesCount) return decoded;
  const { droppedAttributesCount } = scope;
  return Object.assign(decoded, { attributes: attributesOf(scope.attributes), droppedAttributesCount });
}

function contextOf(traceId: string, spanId: Uint8Array, flags: number, traceState: string): SpanContext {
  const context: SpanContext = { traceId, spanId: hexOf(spanId), traceFlags: flags & TRACE_FLAGS_MASK };
  if (traceState !== '') context.traceState = traceStateOf(traceState);
  return context;
}

/** The flags of a span tell whether its parent is remote, those of a link whether what it points to is. */
function remoteContextOf(traceId: string, spanId: Uint8Array, flags: number, traceState: string): SpanContext {
  const context = contextOf(traceId, spanId, flags, traceState);
  if ((flags & HAS_IS_REMOTE) !== 0) context.isRemote = (flags & IS_REMOTE) !== 0;
  return context;
}

function linkOf(message: LinkMessage): Link {
  return {
    context: remoteContextOf(hexOf(message.traceId), message.spanId, message.flags, message.traceState),
    attributes: attributesOf(message.attributes),
    droppedAttributesCount: message.droppedAttributesCount,
  };
}

function eventOf(message: EventMessage): TimedEvent {
  return {
    time: hrTimeOfNanos(unsignedOf(message.timeUnixNano)),
    name: message.name,
    attributes: attributesOf(message.attributes),
    droppedAttributesCount: message.droppedAttributesCount,
  };
}

function statusOf(message: StatusMessage | null): SpanStatus {
  const status: SpanStatus = { code: message?.code ?? 0 };
  if (message?.message) status.message = message.message;
  return status;
}

/** OTLP: what is UNSPECIFIED may be taken as INTERNAL, the API's 0. */
function kindOf(kind: number): SpanKind {
  return kind > 0 ? kind - 1 : 0;
}
