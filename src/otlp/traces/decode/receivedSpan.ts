import type { Attributes, Link, SpanContext, SpanStatus } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Resource, Scope } from '../../decode/decodeRequest.ts';
import type { HrTime } from '../../decode/hrTime.ts';
import { plainConstructor } from '../../decode/plainObject.ts';
import { traceStateOf } from './traceState.ts';

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };
export type ReceivedEvent = Required<Writable<ReadableSpan['events'][number]>>;

const TRACE_FLAGS_MASK = 0xff;
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

// Placeholders, of which no span keeps one.
export const UNSET: HrTime = [0, 0];
const NO_CONTEXT: SpanContext = { traceId: '', spanId: '', traceFlags: 0 };

/** A span that is being read. Its fields come in any order, so what depends on several of them is set at its end. */
export interface ReceivedSpan extends Writable<ReadableSpan> {
  context: Writable<SpanContext>;
}

/** The ids and flags of a span or a link on the wire. */
export interface Ids {
  traceId: string;
  spanId: string;
  traceState: string;
  flags: number;
}

/** Belongs to no span: it reads the context from the span, so that `{ ...span, name }` is a whole span too. */
function spanContext(this: ReceivedSpan): SpanContext {
  return this.context;
}

export const ReceivedSpan = plainConstructor(function (
  this: ReceivedSpan,
  resource: Resource,
  instrumentationScope: Scope,
  status: SpanStatus,
  attributes: Attributes,
  links: Link[],
  events: ReceivedSpan['events'],
) {
  this.name = '';
  this.kind = 0;
  this.spanContext = spanContext as () => SpanContext;
  this.context = NO_CONTEXT;
  this.startTime = UNSET;
  this.endTime = UNSET;
  this.status = status;
  this.attributes = attributes;
  this.links = links;
  this.events = events;
  this.duration = UNSET;
  this.ended = true;
  this.resource = resource;
  this.instrumentationScope = instrumentationScope;
  this.droppedAttributesCount = 0;
  this.droppedEventsCount = 0;
  this.droppedLinksCount = 0;
});

const ReceivedContext = plainConstructor(function (this: SpanContext, { traceId, spanId, flags }: Ids) {
  this.traceId = traceId;
  this.spanId = spanId;
  this.traceFlags = flags & TRACE_FLAGS_MASK;
});

export const ReceivedStatus = plainConstructor(function (this: SpanStatus) {
  this.code = 0;
});

export const ReceivedEvent = plainConstructor(function (this: ReceivedEvent) {
  this.time = UNSET;
  this.name = '';
  this.attributes = {};
  this.droppedAttributesCount = 0;
});

export const ReceivedLink = plainConstructor(function (
  this: Link,
  context: SpanContext,
  attributes: Attributes,
  droppedAttributesCount: number,
) {
  this.context = context;
  this.attributes = attributes;
  this.droppedAttributesCount = droppedAttributesCount;
});

export function contextOf(ids: Ids): Writable<SpanContext> {
  const context = new ReceivedContext(ids);
  if (ids.traceState !== '') context.traceState = traceStateOf(ids.traceState);
  return context;
}

/** The flags of a span say whether its parent is remote; those of a link say whether the linked span is. */
export function remoteContextOf(ids: Ids): SpanContext {
  const context = contextOf(ids);
  if ((ids.flags & HAS_IS_REMOTE) !== 0) context.isRemote = (ids.flags & IS_REMOTE) !== 0;
  return context;
}
