// What protobufjs writes for spans, and what all signals need of it: every field goes into its message one by one, and nothing is clever. Without limits: it is
// asked about spans that can be encoded.

import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Bits64 } from '../../src/otlp/protobuf/int64.ts';
import type { AnyValueMessage, KeyValueMessage, SpanMessage } from '../support/otlpMessages.ts';
import { traceRequest } from '../support/otlpSchema.ts';

type Context = ReturnType<ReadableSpan['spanContext']>;
interface Owner {
  attributes?: unknown;
  droppedAttributesCount?: number;
}

export function protobufjsBytes(spans: readonly ReadableSpan[]): Uint8Array {
  const resourceSpans = grouped(spans, (span) => span.instrumentationScope).map(({ scopes, ...owner }) => ({
    ...owner,
    scopeSpans: scopes.map(({ items, ...group }) => ({ ...group, spans: items.map(spanMessage) })),
  }));
  return traceRequest.encode({ resourceSpans });
}

type Resource = ReadableSpan['resource'];
type Scope = ReadableSpan['instrumentationScope'];

/** Items of any signal by resource and scope, each with its message. */
export function grouped<Item extends { readonly resource: Resource }>(
  items: readonly Item[],
  scopeOf: (item: Item) => Scope,
) {
  return [...Map.groupBy(items, (item) => item.resource)].map(([resource, group]) => ({
    resource: owned(resource),
    schemaUrl: text(resource.schemaUrl),
    scopes: [...Map.groupBy(group, scopeOf)].map(([scope, inside]) => ({
      scope: { name: text(scope.name), version: text(scope.version), ...owned(scope) },
      schemaUrl: text(scope.schemaUrl),
      items: inside,
    })),
  }));
}

function spanMessage(span: ReadableSpan): SpanMessage {
  const context = span.spanContext();
  const parent = span.parentSpanContext;
  return {
    ...ids(context),
    parentSpanId: Buffer.from(parent?.spanId ?? '', 'hex'),
    flags: flags(context, parent?.isRemote),
    name: text(span.name),
    kind: span.kind + 1,
    startTimeUnixNano: nanos(span.startTime),
    endTimeUnixNano: nanos(span.endTime),
    ...owned(span),
    events: span.events.map((event) => ({ timeUnixNano: nanos(event.time), name: text(event.name), ...owned(event) })),
    droppedEventsCount: span.droppedEventsCount,
    links: span.links.map((link) => ({
      ...ids(link.context),
      ...owned(link),
      flags: flags(link.context, link.context.isRemote),
    })),
    droppedLinksCount: span.droppedLinksCount,
    status: { code: span.status.code, message: text(span.status.message) },
  };
}

function ids({ traceId, spanId, traceState }: Context): { traceId: Buffer; spanId: Buffer; traceState: string } {
  return {
    traceId: Buffer.from(traceId, 'hex'),
    spanId: Buffer.from(spanId, 'hex'),
    traceState: text(traceState?.serialize()),
  };
}

function flags({ traceFlags }: Context, remote = false): number {
  return (traceFlags & 0xff) + (remote ? 0x300 : 0x100);
}

export function nanos([seconds, rest]: readonly [number, number]): Bits64 {
  return bits(BigInt(seconds) * 1_000_000_000n + BigInt(rest));
}

export function bits(value: bigint): Bits64 {
  return { low: Number(BigInt.asUintN(32, value)), high: Number(BigInt.asUintN(32, value >> 32n)) };
}

export function text(value: string | undefined): string {
  return (value ?? '').toWellFormed();
}

/** Attributes, and how many are missing: those that were dropped before and those that have no form here. */
export function owned(owner: object): { attributes: KeyValueMessage[]; droppedAttributesCount: number } {
  const { attributes: given, droppedAttributesCount = 0 } = owner as Owner;
  const all = Object.entries(given ?? {});
  const attributes = keyValues(all);
  const missing = droppedAttributesCount + all.length - attributes.length;
  return { attributes, droppedAttributesCount: Math.min(missing, 0xffff_ffff) };
}

export function keyValues(entries: readonly [string, unknown][]): KeyValueMessage[] {
  return entries.flatMap(([key, given]) => {
    const value = anyValue(given);
    return value === undefined ? [] : [{ key: text(key), value }];
  });
}

export function anyValue(value: unknown): AnyValueMessage | undefined {
  if (value === undefined || value === null) return {};
  if (typeof value === 'string') return { stringValue: text(value) };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? { intValue: value } : { doubleValue: value };
  }
  if (typeof value === 'bigint') {
    return BigInt.asIntN(64, value) === value ? { intValue: bits(value) } : { stringValue: `${value}` };
  }
  if (value instanceof Uint8Array) return { bytesValue: value };
  if (typeof value !== 'object') return undefined;
  return Array.isArray(value) ? arrayValue(value) : kvlistValue(Object.entries(value));
}

function arrayValue(items: readonly unknown[]): AnyValueMessage | undefined {
  const areDoubles = Array.from(items, anyValue).some((value) => value?.doubleValue !== undefined);
  const values = Array.from(items, (item) =>
    typeof item === 'number' && areDoubles ? { doubleValue: item } : anyValue(item),
  ).filter((value) => value !== undefined);
  return values.length === items.length ? { arrayValue: { values } } : undefined;
}

function kvlistValue(entries: readonly [string, unknown][]): AnyValueMessage | undefined {
  const values = keyValues(entries);
  return values.length === entries.length ? { kvlistValue: { values } } : undefined;
}
