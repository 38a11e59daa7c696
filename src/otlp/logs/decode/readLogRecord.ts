import type { Attributes } from '@opentelemetry/api';
import type { ReadableLogRecord } from '../../../model/logRecord.ts';
import { readAttribute, readValue } from '../../decode/attributes.ts';
import type { Resource, Scope } from '../../decode/decodeRequest.ts';
import { readTime } from '../../decode/hrTime.ts';
import { listOf } from '../../decode/plainObject.ts';
import type { Reader } from '../../protobuf/reader.ts';
import { delimited, fieldsOf, fixed32, fixed64, readMessage, varint } from '../../protobuf/readMessage.ts';
import type { Costs } from '../../protobuf/scan.ts';
import { asReadable, type LogContext, ReceivedLogContext, ReceivedLogRecord, UNSET } from './receivedLogRecord.ts';

// Heap that it takes without its strings and attributes: the object, its ids and times.
const RECORD_BYTES = 384;

const TRACE_FLAGS_MASK = 0xff;

export const LOG_COSTS: Costs = { LogRecord: [1, RECORD_BYTES] };

export const recordFields = fieldsOf<ReceivedLogRecord>({
  [fixed64(1)]: (record, reader) => {
    record.hrTime = readTime(reader);
  },
  [varint(2)]: (record, reader) => {
    record.severityNumber = reader.int32() || undefined;
  },
  [delimited(3)]: (record, reader) => {
    record.severityText = reader.text() || undefined;
  },
  [delimited(5)]: (record, reader) => {
    record.body = readValue(reader, record.body ?? null);
  },
  [delimited(6)]: ({ attributes }, reader) => readAttribute(attributes as Attributes, reader),
  [varint(7)]: (record, reader) => {
    record.droppedAttributesCount = reader.int32() >>> 0;
  },
  [fixed32(8)]: (record, reader) => {
    contextOf(record).traceFlags = reader.fixed32() & TRACE_FLAGS_MASK;
  },
  [delimited(9)]: (record, reader) => {
    contextOf(record).traceId = reader.hex();
  },
  [delimited(10)]: (record, reader) => {
    contextOf(record).spanId = reader.hex();
  },
  [fixed64(11)]: (record, reader) => {
    record.hrTimeObserved = readTime(reader);
  },
  [delimited(12)]: (record, reader) => {
    record.eventName = reader.text() || undefined;
  },
});

function contextOf(record: ReceivedLogRecord): LogContext {
  record.spanContext ??= new ReceivedLogContext();
  return record.spanContext;
}

function isEmpty({ traceId, spanId, traceFlags }: LogContext): boolean {
  return traceId === '' && spanId === '' && traceFlags === 0;
}

/** Reads one log record into an object of the SDK's shape, and adds it. */
export function readLogRecord(
  records: ReadableLogRecord[],
  reader: Reader,
  resource: Resource,
  instrumentationScope: Scope,
): void {
  reader.spend(1, RECORD_BYTES);
  const record = new ReceivedLogRecord(resource, instrumentationScope);
  readMessage(reader, recordFields, record);
  finishContext(record);
  finishTimes(record);
  records.push(asReadable(record));
}

/** When the ids and the flags have been read. */
export function finishContext(record: ReceivedLogRecord): void {
  if (record.spanContext !== undefined && isEmpty(record.spanContext)) record.spanContext = undefined;
}

/** When both times have been read. */
export function finishTimes(record: ReceivedLogRecord): void {
  if (record.hrTime === UNSET) record.hrTime = listOf(0, 0);
  if (record.hrTimeObserved === UNSET) record.hrTimeObserved = listOf(0, 0);
}
