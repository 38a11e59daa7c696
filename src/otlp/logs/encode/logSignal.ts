import type { ReadableLogRecord } from '../../../model/logRecord.ts';
import { OneGoEncoder } from '../../encode/encodeRequest.ts';
import type { SignalFields } from '../../encode/requestEncoder.ts';
import { logsRequestJson } from '../../json/read/jsonSchema.ts';
import { messageText } from '../../json/write/jsonFields.ts';
import { writeLogRecord } from './writeLogRecord.ts';

/** What encoders have to know of log records. */
export const LOGS: SignalFields<ReadableLogRecord> = {
  noun: 'record',
  nameOf: ({ eventName, body }) => eventName || body,
  resourceOf: (record) => record.resource,
  scopeOf: (record) => record.instrumentationScope,
  write: writeLogRecord,
  touch: (record) =>
    record.hrTime[1] +
    record.hrTimeObserved[1] +
    (typeof record.body === 'string' ? record.body.length : 0) +
    (record.spanContext?.traceId.charCodeAt(0) ?? 0) +
    (record.spanContext?.spanId.charCodeAt(0) ?? 0),
  json: () => messageText(logsRequestJson()),
};

/** Encodes log records in one go, as `encodeLogs` and `encodeLogsJson` do. */
export const oneGo = new OneGoEncoder(LOGS);
