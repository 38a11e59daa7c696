import type { Bits64 } from '../../src/otlp/protobuf/int64.ts';

/**
 * The OTLP messages as the schema reads and writes them, in TypeScript's eyes.
 *
 * Writing needs every field (an empty string, array or zero is left off the wire, as proto3 has it); reading gives every field.
 */

export interface TraceRequestMessage {
  resourceSpans: ResourceSpansMessage[];
}

export interface ResourceSpansMessage {
  resource: ResourceMessage | null;
  scopeSpans: ScopeSpansMessage[];
  schemaUrl: string;
}

export interface ResourceMessage {
  attributes: KeyValueMessage[];
  droppedAttributesCount: number;
}

export interface ScopeSpansMessage {
  scope: ScopeMessage | null;
  spans: SpanMessage[];
  schemaUrl: string;
}

export interface ScopeMessage {
  name: string;
  version: string;
  attributes: KeyValueMessage[];
  droppedAttributesCount: number;
}

export interface SpanMessage {
  traceId: Uint8Array;
  spanId: Uint8Array;
  traceState: string;
  parentSpanId: Uint8Array;
  flags: number;
  name: string;
  kind: number;
  startTimeUnixNano: Bits64;
  endTimeUnixNano: Bits64;
  attributes: KeyValueMessage[];
  droppedAttributesCount: number;
  events: EventMessage[];
  droppedEventsCount: number;
  links: LinkMessage[];
  droppedLinksCount: number;
  status: StatusMessage | null;
}

export interface EventMessage {
  timeUnixNano: Bits64;
  name: string;
  attributes: KeyValueMessage[];
  droppedAttributesCount: number;
}

export interface LinkMessage {
  traceId: Uint8Array;
  spanId: Uint8Array;
  traceState: string;
  attributes: KeyValueMessage[];
  droppedAttributesCount: number;
  flags: number;
}

export interface StatusMessage {
  message: string;
  code: number;
}

export interface LogsRequestMessage {
  resourceLogs: ResourceLogsMessage[];
}

export interface ResourceLogsMessage {
  resource: ResourceMessage | null;
  scopeLogs: ScopeLogsMessage[];
  schemaUrl: string;
}

export interface ScopeLogsMessage {
  scope: ScopeMessage | null;
  logRecords: LogRecordMessage[];
  schemaUrl: string;
}

export interface LogRecordMessage {
  timeUnixNano: Bits64;
  observedTimeUnixNano: Bits64;
  severityNumber: number;
  severityText: string;
  body: AnyValueMessage | null;
  attributes: KeyValueMessage[];
  droppedAttributesCount: number;
  flags: number;
  traceId: Uint8Array;
  spanId: Uint8Array;
  eventName: string;
}

export interface KeyValueMessage {
  key: string;
  value: AnyValueMessage | null;
}

/** At most one of the fields is set; `value` names it on a message that was read. */
export interface AnyValueMessage {
  readonly value?: keyof AnyValueMessage;
  stringValue?: string;
  boolValue?: boolean;
  intValue?: number | Bits64;
  doubleValue?: number;
  arrayValue?: { values: AnyValueMessage[] };
  kvlistValue?: { values: KeyValueMessage[] };
  bytesValue?: Uint8Array;
}

export interface TraceResponseMessage {
  partialSuccess: { rejectedSpans: Bits64; errorMessage: string } | null;
}

/** `google.rpc.Status`, the body of an OTLP/HTTP failure. */
export interface RpcStatusMessage {
  code: number;
  message: string;
}
