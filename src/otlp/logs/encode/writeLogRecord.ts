import type { ReadableLogRecord } from '../../../model/logRecord.ts';
import { writeValue } from '../../encode/anyValue.ts';
import { writeAttributes } from '../../encode/attributes.ts';
import type { EncoderState } from '../../encode/encoderState.ts';
import {
  countOf,
  enumOf,
  stringOf,
  writeFixed32Field,
  writeIdField,
  writeNameField,
  writeStringField,
  writeUint32Field,
} from '../../encode/fields.ts';
import { writeTimeField } from '../../encode/timeField.ts';
import type { OutputBuffer } from '../../protobuf/outputBuffer.ts';
import { NOT_WRITTEN, writeLength } from '../../protobuf/write.ts';

// opentelemetry.proto.logs.v1, field by field: numbers times 8, plus how each is written.
const RECORD = {
  time: 0x09,
  severityNumber: 0x10,
  severityText: 0x1a,
  body: 0x2a,
  attributes: 0x32,
  flags: 0x45,
  traceId: 0x4a,
  spanId: 0x52,
  observedTime: 0x59,
  eventName: 0x62,
} as const;

// How many messages contain the value, from the request down.
const BODY_DEPTH = 4;
const ATTRIBUTE_DEPTH = 5;

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;

// opentelemetry.proto.logs.v1.LogRecordFlags
const TRACE_FLAGS_MASK = 0xff;

/**
 * Writes the fields of one log record, in the order of their numbers.
 *
 * @throws whatever the record throws, and an Error that says what OTLP cannot hold.
 */
export function writeLogRecord(state: EncoderState, start: number, record: ReadableLogRecord): number {
  const { out } = state;
  const { spanContext, body } = record;
  const eventName = stringOf(record.eventName);
  const known = state.nameOf(eventName);
  let dropped = record.droppedAttributesCount;
  let at = writeTimeField(state, start, RECORD.time, record.hrTime, 'hrTime');
  at = writeUint32Field(out, at, RECORD.severityNumber, enumOf(record.severityNumber));
  at = writeStringField(out, at, RECORD.severityText, record.severityText);
  if (body !== undefined) {
    const end = writeBody(state, at, body);
    if (end === NOT_WRITTEN) dropped = countOf(dropped) + 1;
    else at = end;
  }
  at = writeAttributes(state, at, RECORD.attributes, ATTRIBUTE_DEPTH, record.attributes, dropped, known);
  if (spanContext) at = writeContext(out, at, spanContext);
  at = writeTimeField(state, at, RECORD.observedTime, record.hrTimeObserved, 'hrTimeObserved');
  return writeNameField(out, at, RECORD.eventName, eventName, known);
}

/** Returns {@link NOT_WRITTEN} where OTLP has no form for the body, or for a value inside it. */
function writeBody(state: EncoderState, at: number, body: unknown): number {
  state.attribute = undefined;
  state.spend(1, typeof body === 'string' ? body.length : 0);
  state.out.room(at, 0)[at] = RECORD.body;
  const end = writeValue(state, at + 2, body, BODY_DEPTH);
  return end === NOT_WRITTEN ? NOT_WRITTEN : writeLength(state.out, at + 1, end);
}

/** A record may have been received with one of the ids only. */
function writeContext(
  out: OutputBuffer,
  start: number,
  { traceFlags, traceId, spanId }: NonNullable<ReadableLogRecord['spanContext']>,
): number {
  const flags = traceFlags & TRACE_FLAGS_MASK;
  let at = flags === 0 ? start : writeFixed32Field(out, start, RECORD.flags, flags);
  if (traceId) at = writeIdField(out, at, RECORD.traceId, traceId, TRACE_ID_BYTES, 'traceId');
  return spanId ? writeIdField(out, at, RECORD.spanId, spanId, SPAN_ID_BYTES, 'spanId') : at;
}
