import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { OneGoEncoder } from '../../encode/encodeRequest.ts';
import type { SignalFields } from '../../encode/requestEncoder.ts';
import { traceRequestJson } from '../../json/read/jsonSchema.ts';
import { messageText } from '../../json/write/jsonFields.ts';
import { isPatched, patchSpan } from './patchSpan.ts';
import { scopeOfSdk1 } from './sdk1.ts';
import { writeSpan } from './writeSpan.ts';

/** What encoders have to know of spans. */
export const TRACES: SignalFields<ReadableSpan> = {
  noun: 'span',
  nameOf: (span) => span.name,
  resourceOf: (span) => span.resource,
  scopeOf: (span) => span.instrumentationScope ?? scopeOfSdk1(span),
  write: writeSpan,
  patch: patchSpan,
  touch: (span) => (isPatched(span) ? 0 : touch(span)),
  json: () => messageText(traceRequestJson()),
};

function touch(span: ReadableSpan): number {
  return (
    span.name.length +
    span.spanContext().traceId.charCodeAt(0) +
    span.spanContext().spanId.charCodeAt(0) +
    (span.parentSpanContext?.spanId.charCodeAt(0) ?? 0) +
    span.startTime[1] +
    span.endTime[1] +
    span.status.code +
    (span.events[0]?.time[1] ?? 0)
  );
}

/** Encodes spans in one go, as `encodeTraces` and `encodeTracesJson` do. */
export const oneGo = new OneGoEncoder(TRACES);
