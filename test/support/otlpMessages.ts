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

export interface MetricsRequestMessage {
  resourceMetrics: ResourceMetricsMessage[];
}

export interface ResourceMetricsMessage {
  resource: ResourceMessage | null;
  scopeMetrics: ScopeMetricsMessage[];
  schemaUrl: string;
}

export interface ScopeMetricsMessage {
  scope: ScopeMessage | null;
  metrics: MetricMessage[];
  schemaUrl: string;
}

/** One of the five; `data` names it on a message that was read. */
export interface MetricMessage {
  readonly data?: 'gauge' | 'sum' | 'histogram' | 'exponentialHistogram' | 'summary';
  name: string;
  description: string;
  unit: string;
  gauge?: { dataPoints: NumberPointMessage[] };
  sum?: { dataPoints: NumberPointMessage[]; aggregationTemporality: number; isMonotonic: boolean };
  histogram?: { dataPoints: HistogramPointMessage[]; aggregationTemporality: number };
  exponentialHistogram?: { dataPoints: ExponentialPointMessage[]; aggregationTemporality: number };
  summary?: { dataPoints: SummaryPointMessage[] };
  metadata: KeyValueMessage[];
}

/** What points of every kind have. */
export interface PointMessage {
  startTimeUnixNano: Bits64;
  timeUnixNano: Bits64;
  attributes: KeyValueMessage[];
  flags: number;
}

/** Where both are absent there is no value; `value` names the one on a message that was read. */
interface NumberMessage {
  readonly value?: 'asInt' | 'asDouble';
  asInt?: Bits64;
  asDouble?: number;
}

export interface NumberPointMessage extends PointMessage, NumberMessage {
  exemplars: ExemplarMessage[];
}

export interface HistogramPointMessage extends PointMessage {
  count: Bits64;
  sum?: number;
  bucketCounts: Bits64[];
  explicitBounds: number[];
  exemplars: ExemplarMessage[];
  min?: number;
  max?: number;
}

export interface BucketsMessage {
  offset: number;
  bucketCounts: Bits64[];
}

export interface ExponentialPointMessage extends PointMessage {
  count: Bits64;
  sum?: number;
  scale: number;
  zeroCount: Bits64;
  positive: BucketsMessage | null;
  negative: BucketsMessage | null;
  exemplars: ExemplarMessage[];
  min?: number;
  max?: number;
  zeroThreshold: number;
}

export interface SummaryPointMessage extends PointMessage {
  count: Bits64;
  sum: number;
  quantileValues: { quantile: number; value: number }[];
}

export interface ExemplarMessage extends NumberMessage {
  timeUnixNano: Bits64;
  spanId: Uint8Array;
  traceId: Uint8Array;
  filteredAttributes: KeyValueMessage[];
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
