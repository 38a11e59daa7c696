// What protobufjs writes for log records and reads of them, field by field. Without limits: it is asked about records that can be encoded.

import type { ReadableLogRecord } from '../../../src/model/logRecord.ts';
import { unsignedOf } from '../../../src/otlp/protobuf/int64.ts';
import type { LogRecordMessage } from '../../support/otlpMessages.ts';
import { logsRequest } from '../../support/otlpSchema.ts';
import { anyValue, grouped, nanos, owned, text } from '../oracle.ts';
import { attributesOf, hrTimeOf, plainValue, resourceOf, scopeOf } from '../oracleDecode.ts';

export function protobufjsLogBytes(records: readonly ReadableLogRecord[]): Uint8Array {
  const resourceLogs = grouped(records, (record) => record.instrumentationScope).map(({ scopes, ...owner }) => ({
    ...owner,
    scopeLogs: scopes.map(({ items, ...group }) => ({ ...group, logRecords: items.map(recordMessage) })),
  }));
  return logsRequest.encode({ resourceLogs });
}

function recordMessage(record: ReadableLogRecord): LogRecordMessage {
  const { spanContext, body } = record;
  const { attributes, droppedAttributesCount } = owned(record);
  const value = body === undefined ? undefined : anyValue(body);
  // A body that has no form counts as one attribute that is left out.
  const isLeftOut = body !== undefined && value === undefined;
  return {
    timeUnixNano: nanos(record.hrTime),
    observedTimeUnixNano: nanos(record.hrTimeObserved),
    severityNumber: record.severityNumber ?? 0,
    severityText: text(record.severityText),
    body: value ?? null,
    attributes,
    droppedAttributesCount: Math.min(droppedAttributesCount + Number(isLeftOut), 0xffff_ffff),
    flags: (spanContext?.traceFlags ?? 0) & 0xff,
    traceId: Buffer.from(spanContext?.traceId ?? '', 'hex'),
    spanId: Buffer.from(spanContext?.spanId ?? '', 'hex'),
    eventName: text(record.eventName),
  };
}

export function protobufjsRecords(bytes: Uint8Array): ReadableLogRecord[] {
  return logsRequest.decode(bytes).resourceLogs.flatMap(({ resource, scopeLogs, schemaUrl }) => {
    const received = resourceOf(resource, schemaUrl);
    return scopeLogs.flatMap((group) => {
      const instrumentationScope = scopeOf(group);
      return group.logRecords.map((message) => ({ ...recordOf(message), resource: received, instrumentationScope }));
    });
  });
}

type Own = Omit<ReadableLogRecord, 'resource' | 'instrumentationScope'>;

function recordOf(message: LogRecordMessage): Own {
  const optional = {
    spanContext: contextOf(message),
    severityNumber: message.severityNumber || undefined,
    severityText: message.severityText || undefined,
    body: message.body === null ? undefined : plainValue(message.body),
    eventName: message.eventName || undefined,
  } as Partial<Own>;
  return {
    ...optional,
    hrTime: hrTimeOf(unsignedOf(message.timeUnixNano)),
    hrTimeObserved: hrTimeOf(unsignedOf(message.observedTimeUnixNano)),
    attributes: attributesOf(message.attributes),
    droppedAttributesCount: message.droppedAttributesCount,
  };
}

function contextOf(message: LogRecordMessage): ReadableLogRecord['spanContext'] | undefined {
  const traceId = Buffer.from(message.traceId).toString('hex');
  const spanId = Buffer.from(message.spanId).toString('hex');
  const traceFlags = message.flags & 0xff;
  return traceId === '' && spanId === '' && traceFlags === 0 ? undefined : { traceId, spanId, traceFlags };
}
