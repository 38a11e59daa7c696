import { tables } from './schema.ts';

/** How a field looks in OTLP/JSON: as its type says, but ids are hex, and some enums may be given by name. */
export interface JsonField {
  readonly name: string;
  /** The tag before its value in protobuf. */
  readonly tag: number;
  readonly type: string;
  readonly repeated: boolean;
  /** Whether its values follow each other in one field: numbers that are repeated. */
  readonly packed: boolean;
  readonly oneof: string | undefined;
  /** The numbers of an enum by name, for an enum that may be given by name. */
  readonly names: Readonly<Record<string, number>> | undefined;
  /** The message that the field holds, if it holds one. */
  readonly message: JsonMessage | undefined;
}

export interface JsonMessage {
  readonly fields: Map<string, JsonField>;
}

const IDS: ReadonlySet<string> = new Set(['traceId', 'spanId', 'parentSpanId']);

const TEMPORALITIES: Readonly<Record<string, number>> = {
  AGGREGATION_TEMPORALITY_UNSPECIFIED: 0,
  AGGREGATION_TEMPORALITY_DELTA: 1,
  AGGREGATION_TEMPORALITY_CUMULATIVE: 2,
};

/** OTLP/JSON writes numbers. Names, as in proto3 JSON, are only read. */
const ENUMS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'Span.kind': {
    SPAN_KIND_UNSPECIFIED: 0,
    SPAN_KIND_INTERNAL: 1,
    SPAN_KIND_SERVER: 2,
    SPAN_KIND_CLIENT: 3,
    SPAN_KIND_PRODUCER: 4,
    SPAN_KIND_CONSUMER: 5,
  },
  'LogRecord.severityNumber': severityNames(),
  // The short names are not in the schema, but some clients send them.
  'Status.code': { STATUS_CODE_UNSET: 0, STATUS_CODE_OK: 1, STATUS_CODE_ERROR: 2, UNSET: 0, OK: 1, ERROR: 2 },
  'Sum.aggregationTemporality': TEMPORALITIES,
  'Histogram.aggregationTemporality': TEMPORALITIES,
  'ExponentialHistogram.aggregationTemporality': TEMPORALITIES,
};

/** Four for each level: `SEVERITY_NUMBER_INFO`, `SEVERITY_NUMBER_INFO2` and so on. */
function severityNames(): Record<string, number> {
  const names: Record<string, number> = { SEVERITY_NUMBER_UNSPECIFIED: 0 };
  const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
  for (const [index, level] of levels.entries())
    for (const step of [1, 2, 3, 4]) names[`SEVERITY_NUMBER_${level}${step === 1 ? '' : step}`] = 4 * index + step;
  return names;
}

const LENGTH_AND_CONTENT = 2;
const WIRE_TYPES: Readonly<Record<string, number>> = {
  bool: 0,
  int32: 0,
  uint32: 0,
  sint32: 0,
  int64: 0,
  uint64: 0,
  double: 1,
  fixed64: 1,
  sfixed64: 1,
  fixed32: 5,
};

const messages = new Map<string, JsonMessage>();

function messageOf(type: string): JsonMessage | undefined {
  const table = tables[type];
  const known = messages.get(type);
  if (table === undefined || known !== undefined) return known;
  const message: JsonMessage = { fields: new Map() };
  // Kept before its fields are made: a message can contain itself.
  messages.set(type, message);
  for (const [name, [number, of, how]] of Object.entries(table)) {
    const wireType = WIRE_TYPES[of] ?? LENGTH_AND_CONTENT;
    message.fields.set(name, {
      name,
      tag: number * 8 + wireType,
      type: IDS.has(name) ? 'hex' : of,
      repeated: how === 'repeated',
      packed: how === 'repeated' && wireType !== LENGTH_AND_CONTENT,
      // `_sum` and the like only say that the field may be absent.
      oneof: how === 'repeated' || how?.startsWith('_') ? undefined : how,
      names: ENUMS[`${type}.${name}`],
      message: messageOf(of),
    });
  }
  return message;
}

// Made when they are first asked for: most programs read and write no JSON.

export const traceRequestJson = () => messageOf('ExportTraceServiceRequest') as JsonMessage;
export const metricsRequestJson = () => messageOf('ExportMetricsServiceRequest') as JsonMessage;
export const logsRequestJson = () => messageOf('ExportLogsServiceRequest') as JsonMessage;
export const responseJson = () => messageOf('ExportServiceResponse') as JsonMessage;
export const rpcStatusJson = () => messageOf('RpcStatus') as JsonMessage;
