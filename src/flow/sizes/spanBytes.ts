import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { receivedBytes } from '../../model/received.ts';
import { attributesBytes } from './valueBytes.ts';

// As in OTLP's protobuf encoding: tags, lengths, and fields of a fixed number of bytes.
/** Ids, times, kind, status and flags of a span, its own frame and that of its name. */
const BARE_SPAN_BYTES = 62;
const PARENT_BYTES = 10;
const EVENT_BYTES = 13;
const LINK_BYTES = 35;

export interface SpanLike {
  readonly name: string;
  readonly parentSpanContext?: unknown;
  /** SDK 1.x has this instead. */
  readonly parentSpanId?: string;
  readonly attributes: Record<string, unknown>;
  readonly events: readonly { readonly name: string; readonly attributes?: Record<string, unknown> }[];
  readonly links: readonly { readonly attributes?: Record<string, unknown> }[];
}

/** Estimates how many bytes a span takes on the wire. Its resource and its scope, which spans share, are not counted. */
export function spanBytes(span: ReadableSpan | SpanLike): number {
  return receivedBytes(span) ?? writtenBytes(span as SpanLike);
}

function writtenBytes(span: SpanLike): number {
  const { name, attributes, events, links, parentSpanContext, parentSpanId } = span;
  let bytes = BARE_SPAN_BYTES + name.length + attributesBytes(attributes);
  if ((parentSpanContext ?? parentSpanId) !== undefined) bytes += PARENT_BYTES;
  if (events.length + links.length > 0) bytes += eventsAndLinksBytes(events, links);
  return bytes;
}

function eventsAndLinksBytes(events: SpanLike['events'], links: SpanLike['links']): number {
  let bytes = 0;
  for (const event of events) bytes += EVENT_BYTES + event.name.length + attributesBytes(event.attributes);
  for (const link of links) bytes += LINK_BYTES + attributesBytes(link.attributes);
  return bytes;
}
