import type { DataPoint } from '../../../model/metricDataPoint.ts';
import type { EncoderState } from '../../encode/encoderState.ts';
import { writeTimeField } from '../../encode/timeField.ts';

// What is the same in points of every kind.

// opentelemetry.proto.metrics.v1: numbers times 8, plus how each is written.
const START_TIME = 0x11;
const TIME = 0x19;

/** opentelemetry.proto.metrics.v1.DataPointFlags */
const NO_RECORDED_VALUE = 1;

export function writeTimes(state: EncoderState, start: number, point: DataPoint): number {
  const at = writeTimeField(state, start, START_TIME, point.startTime, 'startTime', state.firstSecond);
  return writeTimeField(state, at, TIME, point.endTime, 'endTime');
}

export function flagsOf({ noRecordedValue }: DataPoint): number {
  return noRecordedValue === true ? NO_RECORDED_VALUE : 0;
}
