import type { SpanContext } from '@opentelemetry/api';
import type { ReadableLogRecord } from '../../../model/logRecord.ts';
import type { Resource, Scope } from '../../decode/decodeRequest.ts';
import type { HrTime } from '../../decode/hrTime.ts';
import { plainConstructor } from '../../decode/plainObject.ts';

/** A log record that is being read. Its fields come in any order; all of them are there from the start, so that records have one shape. */
export interface ReceivedLogRecord {
  hrTime: HrTime;
  hrTimeObserved: HrTime;
  spanContext: SpanContext | undefined;
  severityText: string | undefined;
  severityNumber: number | undefined;
  body: unknown;
  eventName: string | undefined;
  readonly resource: Resource;
  readonly instrumentationScope: Scope;
  readonly attributes: Record<string, unknown>;
  droppedAttributesCount: number;
}

/** The ids and flags of a log record on the wire. */
export interface LogContext {
  traceId: string;
  spanId: string;
  traceFlags: number;
}

// A placeholder, of which no record keeps one.
export const UNSET: HrTime = [0, 0];

export const ReceivedLogRecord = plainConstructor(function (
  this: ReceivedLogRecord & { resource: Resource; instrumentationScope: Scope; attributes: object },
  resource: Resource,
  instrumentationScope: Scope,
) {
  this.hrTime = UNSET;
  this.hrTimeObserved = UNSET;
  this.spanContext = undefined;
  this.severityText = undefined;
  this.severityNumber = undefined;
  this.body = undefined;
  this.eventName = undefined;
  this.resource = resource;
  this.instrumentationScope = instrumentationScope;
  this.attributes = {};
  this.droppedAttributesCount = 0;
});

export const ReceivedLogContext = plainConstructor(function (this: LogContext) {
  this.traceId = '';
  this.spanId = '';
  this.traceFlags = 0;
});

/** Where an optional field is absent, the SDK's own records answer `undefined` too. */
export function asReadable(record: ReceivedLogRecord): ReadableLogRecord {
  return record as ReadableLogRecord;
}
