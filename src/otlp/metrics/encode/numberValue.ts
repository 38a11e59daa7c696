import type { DataPoint, NumberValue } from '../../../model/metricDataPoint.ts';
import { bitsOf, fitsInt64 } from '../../protobuf/int64.ts';
import type { OutputBuffer } from '../../protobuf/outputBuffer.ts';
import { writeDoubleField, writeInt64Field } from './numberFields.ts';

/** `ValueType.INT` of the API. */
const INT = 0;
const MAX_INT64 = 2 ** 63;

// The two forms of a number have different fields, and in a message the field of exemplars stands between them.

/** Whether the value goes out as an integer: where the metric is one of integers, and the value is an integer of 64 bits. */
export function isInt(value: NumberValue, valueType: number): boolean {
  if (typeof value === 'bigint') return fitsInt64(value);
  return valueType === INT && Number.isInteger(value) && value >= -MAX_INT64 && value < MAX_INT64;
}

export function writeInt(out: OutputBuffer, at: number, tag: number, value: NumberValue): number {
  if (typeof value !== 'bigint') return writeInt64Field(out, at, tag, value);
  const { low, high } = bitsOf(value);
  out.room(at, 0)[at] = tag;
  out.view.setInt32(at + 1, low, true);
  out.view.setInt32(at + 5, high, true);
  return at + 9;
}

export function writeDouble(out: OutputBuffer, at: number, tag: number, value: NumberValue): number {
  return writeDoubleField(out, at, tag, typeof value === 'bigint' ? Number(value) : value);
}

/** Whether there is nothing to write but the flag that says so. */
export function isUnrecorded({ value, noRecordedValue }: DataPoint): boolean {
  return noRecordedValue === true && Number.isNaN(value);
}
