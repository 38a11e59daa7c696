import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { shown } from '../errors.ts';
import { missingOf, SPAN_ID_DIGITS, TRACE_ID_DIGITS, textOf } from './encode-field.ts';
import { enumOf, flagsOf } from './encode-span.ts';
import { nanosOfHrTime } from './int64.ts';
import { type AttributesJson, attributesJson, type KeyValueJson } from './json-value.ts';
import type { Walk } from './walk.ts';

// How many messages contain an attribute's value, from the request down.
const RESOURCE_DEPTH = 4;
const SCOPE_DEPTH = 5;
const SPAN_DEPTH = 5;
const EVENT_DEPTH = 6;

const HEX = /^[0-9a-f]*$/i;
const NANOS_DIGITS = 9;

/** What is undefined is left out by `JSON.stringify`: with it, whatever is 0 or empty. */
interface OwnerJson {
  readonly attributes: KeyValueJson[] | undefined;
  readonly droppedAttributesCount: number | undefined;
}

/**
 * One span in OTLP/JSON, which holds nothing of the program's any more.
 *
 * @throws whatever the span throws, and an Error that says what OTLP cannot hold.
 */
export function spanJson(walk: Walk, span: ReadableSpan): object {
  walk.restart();
  const context = span.spanContext();
  const parent = span.parentSpanContext;
  const { attributes, droppedAttributesCount } = ownerJson(
    attributesJson(walk, span.attributes, SPAN_DEPTH),
    span.droppedAttributesCount,
  );
  return {
    traceId: idText(context.traceId, TRACE_ID_DIGITS, 'traceId'),
    spanId: idText(context.spanId, SPAN_ID_DIGITS, 'spanId'),
    traceState: text(context.traceState?.serialize()),
    parentSpanId: parent?.spanId ? idText(parent.spanId, SPAN_ID_DIGITS, "parent's spanId") : undefined,
    name: text(span.name),
    kind: enumOf(span.kind, 1) || undefined,
    startTimeUnixNano: nanosText(span.startTime, 'startTime'),
    endTimeUnixNano: nanosText(span.endTime, 'endTime'),
    attributes,
    droppedAttributesCount,
    events: eventsJson(walk, span.events),
    droppedEventsCount: missingOf(span.droppedEventsCount, 0) || undefined,
    links: linksJson(walk, span.links),
    droppedLinksCount: missingOf(span.droppedLinksCount, 0) || undefined,
    status: { message: text(span.status?.message), code: enumOf(span.status?.code, 0) || undefined },
    flags: flagsOf(context.traceFlags, parent?.isRemote),
  };
}

export function resourceJson(walk: Walk, resource: ReadableSpan['resource']): object {
  walk.restart();
  const { droppedAttributesCount } = resource as { droppedAttributesCount?: number };
  return ownerJson(attributesJson(walk, resource.attributes, RESOURCE_DEPTH), droppedAttributesCount);
}

export function scopeJson(walk: Walk, scope: ReadableSpan['instrumentationScope']): object {
  walk.restart();
  const more = scope as { attributes?: unknown; droppedAttributesCount?: number };
  const owned = attributesJson(walk, more.attributes, SCOPE_DEPTH);
  return { name: text(scope.name), version: text(scope.version), ...ownerJson(owned, more.droppedAttributesCount) };
}

/** `undefined` where it is empty. Any string; lone surrogates become U+FFFD. */
export function text(value: unknown): string | undefined {
  return textOf(value).toWellFormed() || undefined;
}

function eventsJson(walk: Walk, events: ReadableSpan['events'] | undefined): object[] | undefined {
  const all: object[] = [];
  for (const event of events ?? []) {
    const name = textOf(event.name);
    walk.spend(1, name.length);
    const timeUnixNano = nanosText(event.time, 'event time');
    const owned = attributesJson(walk, event.attributes, EVENT_DEPTH);
    all.push({ timeUnixNano, name: text(name), ...ownerJson(owned, event.droppedAttributesCount) });
  }
  return all.length > 0 ? all : undefined;
}

function linksJson(walk: Walk, links: ReadableSpan['links'] | undefined): object[] | undefined {
  const all: object[] = [];
  for (const link of links ?? []) {
    const context = link.context;
    const traceState = textOf(context.traceState?.serialize());
    walk.spend(1, traceState.length);
    all.push({
      traceId: idText(context.traceId, TRACE_ID_DIGITS, "link's traceId"),
      spanId: idText(context.spanId, SPAN_ID_DIGITS, "link's spanId"),
      traceState: text(traceState),
      ...ownerJson(attributesJson(walk, link.attributes, EVENT_DEPTH), link.droppedAttributesCount),
      flags: flagsOf(context.traceFlags, context.isRemote),
    });
  }
  return all.length > 0 ? all : undefined;
}

function ownerJson({ attributes, leftOut }: AttributesJson, dropped: number | undefined): OwnerJson {
  return {
    attributes: attributes.length > 0 ? attributes : undefined,
    droppedAttributesCount: missingOf(dropped, leftOut) || undefined,
  };
}

function idText(id: unknown, digits: number, field: string): string {
  if (typeof id === 'string' && id.length === digits && HEX.test(id)) return id.toLowerCase();
  throw new Error(`its ${field} must be ${digits} hex digits, but is ${shown(id)}`);
}

function nanosText(time: readonly [number, number], field: string): string | undefined {
  const seconds = time[0];
  const nanos = time[1];
  const isPlain = Number.isInteger(seconds) && seconds > 0 && Number.isInteger(nanos) && nanos >= 0 && nanos < 1e9;
  // In the year 2514, 64 bits of nanoseconds are not yet full.
  if (isPlain && seconds < 2 ** 34) return `${seconds}${String(nanos).padStart(NANOS_DIGITS, '0')}`;
  const total = nanosOfHrTime([seconds, nanos], field);
  return total === 0n ? undefined : total.toString();
}
