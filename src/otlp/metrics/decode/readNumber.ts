import type { DataPoint, NumberValue } from '../../../model/metricDataPoint.ts';
import type { Reader } from '../../protobuf/reader.ts';
import { delimited, fieldsOf, fixed64, varint } from '../../protobuf/readMessage.ts';
import type { Costs } from '../../protobuf/scan.ts';
import { readInt } from './numbers.ts';
import { type PointMessage, pointCost, readFlags, readPoint, readPointAttribute, timeFields } from './pointMessage.ts';
import { readExemplar } from './readExemplar.ts';
import type { ReceivedMetric } from './receivedPoint.ts';

const VALUE_BYTES = 16;

export const NUMBER_COSTS: Costs = { NumberDataPoint: pointCost(VALUE_BYTES) };

const numberFields = fieldsOf<PointMessage<NumberValue>>({
  ...timeFields,
  [fixed64(4)]: (message, reader) => {
    message.point.value = reader.double();
    message.isInt = false;
  },
  [delimited(5)]: readExemplar,
  [fixed64(6)]: (message, reader) => {
    message.point.value = readInt(reader);
    message.isInt = true;
  },
  [delimited(7)]: readPointAttribute,
  [varint(8)]: readFlags,
});

// A placeholder, which no point keeps. No number means "none": NaN is one that a sender may have written.
const ABSENT = undefined as unknown as NumberValue;

/** Reads a point of a gauge or of a sum. One without a value says that it has none. */
export function readNumber(reader: Reader, metric: ReceivedMetric): DataPoint {
  const point = readPoint(reader, numberFields, metric, ABSENT, VALUE_BYTES);
  if (point.value !== ABSENT) return point;
  point.value = Number.NaN;
  point.noRecordedValue = true;
  return point;
}
