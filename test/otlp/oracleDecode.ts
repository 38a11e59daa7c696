// The spans of a request by way of protobufjs: it reads whole messages, and each becomes what ReadableSpan has for it.

import type { Attributes, SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { ReceivedResource } from '../../src/otlp/decode/receivedResource.ts';
import { type Bits64, integerOf, unsignedOf } from '../../src/otlp/protobuf/int64.ts';
import { traceStateOf } from '../../src/otlp/traces/decode/traceState.ts';
import type {
  AnyValueMessage,
  KeyValueMessage,
  ResourceMessage,
  ScopeSpansMessage,
  SpanMessage,
} from '../support/otlpMessages.ts';
import { traceRequest } from '../support/otlpSchema.ts';

type Resource = ReadableSpan['resource'];
type Scope = ReadableSpan['instrumentationScope'];

export function protobufjsSpans(bytes: Uint8Array): ReadableSpan[] {
  return traceRequest.decode(bytes).resourceSpans.flatMap(({ resource, scopeSpans, schemaUrl }) => {
    const received = resourceOf(resource, schemaUrl);
    return scopeSpans.flatMap((group) => {
      const scope = scopeOf(group);
      return group.spans.map((span) => spanOf(span, received, scope));
    });
  });
}

function spanContext(this: { context: SpanContext }): SpanContext {
  return this.context;
}

function spanOf(message: SpanMessage, resource: Resource, instrumentationScope: Scope): ReadableSpan {
  const { name, kind, links, events, parentSpanId, flags } = message;
  const [start, end] = [unsignedOf(message.startTimeUnixNano), unsignedOf(message.endTimeUnixNano)];
  const span = {
    name,
    kind: kind > 0 ? kind - 1 : 0,
    spanContext,
    context: contextOf(message, flags),
    startTime: hrTimeOf(start),
    endTime: hrTimeOf(end),
    status: { code: message.status?.code ?? 0, ...given('message', message.status?.message) },
    attributes: attributesOf(message.attributes),
    links: links.map((link) => ({
      context: remoteContextOf(link, link.flags),
      attributes: attributesOf(link.attributes),
      droppedAttributesCount: link.droppedAttributesCount,
    })),
    events: events.map((event) => ({
      time: hrTimeOf(unsignedOf(event.timeUnixNano)),
      name: event.name,
      attributes: attributesOf(event.attributes),
      droppedAttributesCount: event.droppedAttributesCount,
    })),
    duration: hrTimeOf(end > start ? end - start : 0n),
    ended: true,
    resource,
    instrumentationScope,
    droppedAttributesCount: message.droppedAttributesCount,
    droppedEventsCount: message.droppedEventsCount,
    droppedLinksCount: message.droppedLinksCount,
  };
  if (parentSpanId.length === 0) return span;
  const parent = { traceId: message.traceId, spanId: parentSpanId, traceState: '' };
  return { ...span, parentSpanContext: remoteContextOf(parent, flags) };
}

export function resourceOf(message: ResourceMessage | null, schemaUrl: string): Resource {
  const received = new ReceivedResource(attributesOf(message?.attributes ?? []));
  received.droppedAttributesCount = message?.droppedAttributesCount ?? 0;
  received.receiveSchemaUrl(schemaUrl);
  return received;
}

export function scopeOf({ scope, schemaUrl }: Pick<ScopeSpansMessage, 'scope' | 'schemaUrl'>): Scope {
  const { name = '', version = '', attributes = [], droppedAttributesCount = 0 } = scope ?? {};
  const more = { attributes: attributesOf(attributes), droppedAttributesCount };
  return {
    name,
    ...given('version', version),
    ...given('schemaUrl', schemaUrl),
    ...(attributes.length > 0 || droppedAttributesCount > 0 ? more : {}),
  };
}

type Ids = Pick<SpanMessage, 'traceId' | 'spanId' | 'traceState'>;

function contextOf({ traceId, spanId, traceState }: Ids, flags: number): SpanContext {
  return {
    traceId: Buffer.from(traceId).toString('hex'),
    spanId: Buffer.from(spanId).toString('hex'),
    traceFlags: flags & 0xff,
    ...(traceState === '' ? {} : { traceState: traceStateOf(traceState) }),
  };
}

function remoteContextOf(ids: Ids, flags: number): SpanContext {
  return { ...contextOf(ids, flags), ...((flags & 0x100) === 0 ? {} : { isRemote: (flags & 0x200) !== 0 }) };
}

function given(name: string, text = ''): object {
  return text === '' ? {} : { [name]: text };
}

export function hrTimeOf(nanos: bigint): [number, number] {
  return [Number(nanos / 1_000_000_000n), Number(nanos % 1_000_000_000n)];
}

export function attributesOf(keyValues: readonly KeyValueMessage[]): Attributes {
  const attributes: Attributes = {};
  for (const { key, value } of keyValues) {
    const property = { value: plainValue(value), configurable: true, enumerable: true, writable: true };
    Object.defineProperty(attributes, key, property);
  }
  return attributes;
}

export function plainValue(message: AnyValueMessage | null): unknown {
  switch (message?.value) {
    case 'intValue':
      return integerOf(message.intValue as Bits64);
    case 'arrayValue':
      return message.arrayValue?.values.map(plainValue);
    case 'kvlistValue':
      return attributesOf(message.kvlistValue?.values ?? []);
    case 'bytesValue':
      return new Uint8Array(message.bytesValue ?? []);
    case 'stringValue':
    case 'boolValue':
    case 'doubleValue':
      return message[message.value];
    default:
      return null;
  }
}
