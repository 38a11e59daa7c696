import type { Exemplar } from '../../../model/metricDataPoint.ts';
import { writeUncounted } from '../../encode/attributes.ts';
import type { EncoderState } from '../../encode/encoderState.ts';
import { writeIdField } from '../../encode/fields.ts';
import { writeTimeField } from '../../encode/timeField.ts';
import { writeLength } from '../../protobuf/write.ts';
import { isInt, writeDouble, writeInt } from './numberValue.ts';

// opentelemetry.proto.metrics.v1.Exemplar: numbers times 8, plus how each is written.
const TIME = 0x11;
const AS_DOUBLE = 0x19;
const SPAN_ID = 0x22;
const TRACE_ID = 0x2a;
const AS_INT = 0x31;
const FILTERED_ATTRIBUTES = 0x3a;

/** How many messages contain an attribute's value, from the request down. */
const DEPTH = 8;
const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;

/** Writes the exemplars of a point, each with its tag. */
export function writeExemplars(
  state: EncoderState,
  start: number,
  tag: number,
  exemplars: readonly Exemplar[] | undefined,
  valueType: number,
): number {
  if (exemplars === undefined || exemplars === null) return start;
  let at = start;
  for (const exemplar of exemplars) {
    state.spend(1, 0);
    state.out.room(at, 0)[at] = tag;
    at = writeLength(state.out, at + 1, writeExemplar(state, at + 2, exemplar, valueType));
  }
  return at;
}

function writeExemplar(state: EncoderState, start: number, exemplar: Exemplar, valueType: number): number {
  const { out } = state;
  const { value, spanId, traceId } = exemplar;
  const int = isInt(value, valueType);
  let at = writeTimeField(state, start, TIME, exemplar.timestamp, "exemplar's timestamp");
  if (!int) at = writeDouble(out, at, AS_DOUBLE, value);
  if (spanId) at = writeIdField(out, at, SPAN_ID, spanId, SPAN_ID_BYTES, "exemplar's spanId");
  if (traceId) at = writeIdField(out, at, TRACE_ID, traceId, TRACE_ID_BYTES, "exemplar's traceId");
  if (int) at = writeInt(out, at, AS_INT, value);
  return writeUncounted(state, at, FILTERED_ATTRIBUTES, DEPTH, exemplar.filteredAttributes);
}
