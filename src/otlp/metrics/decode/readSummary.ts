import type { DataPoint } from '../../../model/metricDataPoint.ts';
import type { Reader } from '../../protobuf/reader.ts';
import { delimited, fieldsOf, fixed64, readMessage, varint } from '../../protobuf/readMessage.ts';
import type { Costs } from '../../protobuf/scan.ts';
import { readCount } from './numbers.ts';
import { type PointMessage, pointCost, readFlags, readPoint, readPointAttribute, timeFields } from './pointMessage.ts';
import { type ReceivedMetric, ReceivedQuantile, ReceivedSummary } from './receivedPoint.ts';

// Heap that they take: the object, and the first element of its list.
const SUMMARY_BYTES = 240;
const QUANTILE_BYTES = 80;

export const SUMMARY_COSTS: Costs = {
  SummaryDataPoint: pointCost(SUMMARY_BYTES),
  ValueAtQuantile: [1, QUANTILE_BYTES],
};

const quantileFields = fieldsOf<ReceivedQuantile>({
  [fixed64(1)]: (quantile, reader) => {
    quantile.quantile = reader.double();
  },
  [fixed64(2)]: (quantile, reader) => {
    quantile.value = reader.double();
  },
});

const summaryFields = fieldsOf<PointMessage<ReceivedSummary>>({
  ...timeFields,
  [fixed64(4)]: ({ point: { value } }, reader) => {
    value.count = readCount(reader);
  },
  [fixed64(5)]: ({ point: { value } }, reader) => {
    value.sum = reader.double();
  },
  [delimited(6)]: ({ point: { value } }, reader) => {
    reader.spend(1, QUANTILE_BYTES);
    const quantile = new ReceivedQuantile();
    readMessage(reader, quantileFields, quantile);
    value.quantileValues.push(quantile);
  },
  [delimited(7)]: readPointAttribute,
  [varint(8)]: readFlags,
});

export function readSummary(reader: Reader, metric: ReceivedMetric): DataPoint {
  return readPoint(reader, summaryFields, metric, new ReceivedSummary(), SUMMARY_BYTES);
}
