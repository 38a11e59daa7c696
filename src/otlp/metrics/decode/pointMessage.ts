import type { PointValue } from '../../../model/metricDataPoint.ts';
import { readAttribute } from '../../decode/attributes.ts';
import { readTime } from '../../decode/hrTime.ts';
import { listOf } from '../../decode/plainObject.ts';
import type { Reader } from '../../protobuf/reader.ts';
import { type Fields, fixed64, type ReadField, readMessage } from '../../protobuf/readMessage.ts';
import type { Cost } from '../../protobuf/scan.ts';
import { INT, type ReceivedMetric, ReceivedPoint, UNSET } from './receivedPoint.ts';

// What is the same in points of every kind.

/** Heap that a point takes without its value and attributes: two objects, and its times. */
const POINT_BYTES = 360;

/** What a point counts against the limits, of which the value takes these bytes. */
export const pointCost = (valueBytes: number): Cost => [1, POINT_BYTES + valueBytes];

/** opentelemetry.proto.metrics.v1.DataPointFlags */
const NO_RECORDED_VALUE = 1;

/** A point that is being read, of which the fields come in any order. */
export interface PointMessage<Value extends PointValue = PointValue> {
  readonly metric: ReceivedMetric;
  readonly point: ReceivedPoint<Value>;
  /** Of a number that came in several forms, the last one holds. */
  isInt: boolean;
}

export const timeFields: Readonly<Record<number, ReadField<PointMessage>>> = {
  [fixed64(2)]: ({ point }, reader) => {
    point.startTime = readTime(reader);
  },
  [fixed64(3)]: ({ point }, reader) => {
    point.endTime = readTime(reader);
  },
};

export function readPointAttribute({ point }: PointMessage, reader: Reader): void {
  readAttribute(point.attributes, reader);
}

export function readFlags({ point }: PointMessage, reader: Reader): void {
  if ((reader.int32() & NO_RECORDED_VALUE) !== 0) point.noRecordedValue = true;
  else if (point.noRecordedValue) delete point.noRecordedValue;
}

/** Reads a point, of which the value is filled by the fields. */
export function readPoint<Value extends PointValue>(
  reader: Reader,
  fields: Fields<PointMessage<Value>>,
  metric: ReceivedMetric,
  value: Value,
  valueBytes: number,
): ReceivedPoint<Value> {
  reader.spend(1, POINT_BYTES + valueBytes);
  const point = new ReceivedPoint(value);
  const message: PointMessage<Value> = { metric, point, isInt: false };
  readMessage(reader, fields, message);
  if (message.isInt) metric.descriptor.valueType = INT;
  if (point.startTime === UNSET) point.startTime = listOf(0, 0);
  if (point.endTime === UNSET) point.endTime = listOf(0, 0);
  return point;
}
