// OTLP/JSON in its canonical form: ids in lower-case hex, 64-bit integers as decimal strings, defaults absent.

export interface RequestJson {
  resourceSpans?: ResourceSpansJson[];
}

export interface ResourceSpansJson {
  resource?: ResourceJson;
  scopeSpans?: ScopeSpansJson[];
  schemaUrl?: string;
}

export interface ResourceJson {
  attributes?: KeyValueJson[];
  droppedAttributesCount?: number;
}

export interface ScopeSpansJson {
  scope?: ResourceJson & { name?: string; version?: string };
  spans?: SpanJson[];
  schemaUrl?: string;
}

export interface SpanJson {
  traceId?: string;
  spanId?: string;
  traceState?: string;
  parentSpanId?: string;
  name?: string;
  kind?: number;
  startTimeUnixNano?: string;
  endTimeUnixNano?: string;
  attributes?: KeyValueJson[];
  droppedAttributesCount?: number;
  events?: EventJson[];
  droppedEventsCount?: number;
  links?: LinkJson[];
  droppedLinksCount?: number;
  status?: { message?: string; code?: number };
  flags?: number;
}

export interface EventJson {
  timeUnixNano?: string;
  name?: string;
  attributes?: KeyValueJson[];
  droppedAttributesCount?: number;
}

export interface LinkJson {
  traceId?: string;
  spanId?: string;
  traceState?: string;
  attributes?: KeyValueJson[];
  droppedAttributesCount?: number;
  flags?: number;
}

export interface KeyValueJson {
  key?: string;
  value?: AnyValueJson;
}

export interface AnyValueJson {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string;
  doubleValue?: number | 'NaN' | 'Infinity' | '-Infinity';
  arrayValue?: { values?: AnyValueJson[] };
  kvlistValue?: { values?: KeyValueJson[] };
  bytesValue?: string;
}

/** Visits every span of a request. */
export function* spansOf(request: RequestJson): Generator<SpanJson> {
  for (const { scopeSpans = [] } of request.resourceSpans ?? []) {
    for (const { spans = [] } of scopeSpans) yield* spans;
  }
}

/** What is in some requests: spans, events, and the attributes of both. */
export interface TelemetryCount {
  spans: number;
  events: number;
  attributes: number;
}

export function countOf(requests: Iterable<RequestJson>): TelemetryCount {
  const count: TelemetryCount = { spans: 0, events: 0, attributes: 0 };
  for (const request of requests) {
    for (const { attributes = [], events = [] } of spansOf(request)) {
      count.spans += 1;
      count.events += events.length;
      count.attributes += attributes.length;
      for (const event of events) count.attributes += event.attributes?.length ?? 0;
    }
  }
  return count;
}

/**
 * A recorded request as spans can hold it. The recordings differ from that in one field, the span's flags: "it is known whether the
 * parent is remote" is always said, a parent that is absent is not remote, and bits beyond the lowest ten are not kept.
 */
export function asSpansHoldIt(request: RequestJson): RequestJson {
  for (const span of spansOf(request)) {
    const flags = span.flags ?? 0;
    const remote = (flags & 0x300) === 0x300 && span.parentSpanId !== undefined;
    span.flags = (flags & 0xff) | (remote ? 0x300 : 0x100);
  }
  return request;
}
