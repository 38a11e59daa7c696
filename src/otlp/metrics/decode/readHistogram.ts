import type { DataPoint } from '../../../model/metricDataPoint.ts';
import type { Reader } from '../../protobuf/reader.ts';
import { delimited, fieldsOf, fixed64, readMessage, varint } from '../../protobuf/readMessage.ts';
import type { Costs } from '../../protobuf/scan.ts';
import {
  FIXED_COST,
  readCount,
  readCounts,
  readDoubles,
  readOneCount,
  readOneDouble,
  readSint32,
  readVarint,
  readVarints,
  VARINT_COST,
} from './numbers.ts';
import { type PointMessage, pointCost, readFlags, readPoint, readPointAttribute, timeFields } from './pointMessage.ts';
import { readExemplar } from './readExemplar.ts';
import { type ReceivedBuckets, ReceivedExponential, ReceivedHistogram, type ReceivedMetric } from './receivedPoint.ts';

// Heap that they take without what is in their lists, but with the first element of each.
const HISTOGRAM_BYTES = 400;
const EXPONENTIAL_BYTES = 540;

export const HISTOGRAM_COSTS: Costs = {
  HistogramDataPoint: pointCost(HISTOGRAM_BYTES),
  'HistogramDataPoint.bucketCounts': FIXED_COST,
  'HistogramDataPoint.explicitBounds': FIXED_COST,
  ExponentialHistogramDataPoint: pointCost(EXPONENTIAL_BYTES),
  'Buckets.bucketCounts': VARINT_COST,
};

type HistogramMessage = PointMessage<ReceivedHistogram>;
type ExponentialMessage = PointMessage<ReceivedExponential>;

const histogramFields = fieldsOf<HistogramMessage>({
  ...timeFields,
  [fixed64(4)]: ({ point: { value } }, reader) => {
    value.count = readCount(reader);
  },
  [fixed64(5)]: ({ point: { value } }, reader) => {
    value.sum = reader.double();
  },
  [delimited(6)]: ({ point: { value } }, reader) => readCounts(reader, value.buckets.counts),
  [fixed64(6)]: ({ point: { value } }, reader) => readOneCount(reader, value.buckets.counts),
  [delimited(7)]: ({ point: { value } }, reader) => readDoubles(reader, value.buckets.boundaries),
  [fixed64(7)]: ({ point: { value } }, reader) => readOneDouble(reader, value.buckets.boundaries),
  [delimited(8)]: readExemplar,
  [delimited(9)]: readPointAttribute,
  [varint(10)]: readFlags,
  [fixed64(11)]: ({ point: { value } }, reader) => {
    value.min = reader.double();
  },
  [fixed64(12)]: ({ point: { value } }, reader) => {
    value.max = reader.double();
  },
});

const exponentialFields = fieldsOf<ExponentialMessage>({
  ...timeFields,
  [delimited(1)]: readPointAttribute,
  [fixed64(4)]: ({ point: { value } }, reader) => {
    value.count = readCount(reader);
  },
  [fixed64(5)]: ({ point: { value } }, reader) => {
    value.sum = reader.double();
  },
  [varint(6)]: ({ point: { value } }, reader) => {
    value.scale = readSint32(reader);
  },
  [fixed64(7)]: ({ point: { value } }, reader) => {
    value.zeroCount = readCount(reader);
  },
  [delimited(8)]: ({ point: { value } }, reader) => readMessage(reader, bucketsFields, value.positive),
  [delimited(9)]: ({ point: { value } }, reader) => readMessage(reader, bucketsFields, value.negative),
  [varint(10)]: readFlags,
  [delimited(11)]: readExemplar,
  [fixed64(12)]: ({ point: { value } }, reader) => {
    value.min = reader.double();
  },
  [fixed64(13)]: ({ point: { value } }, reader) => {
    value.max = reader.double();
  },
  [fixed64(14)]: ({ point: { value } }, reader) => {
    value.zeroThreshold = reader.double();
  },
});

const bucketsFields = fieldsOf<ReceivedBuckets>({
  [varint(1)]: (buckets, reader) => {
    buckets.offset = readSint32(reader);
  },
  [delimited(2)]: (buckets, reader) => readVarints(reader, buckets.bucketCounts),
  [varint(2)]: (buckets, reader) => readVarint(reader, buckets.bucketCounts),
});

export function readHistogram(reader: Reader, metric: ReceivedMetric): DataPoint {
  return readPoint(reader, histogramFields, metric, new ReceivedHistogram(), HISTOGRAM_BYTES);
}

export function readExponential(reader: Reader, metric: ReceivedMetric): DataPoint {
  return readPoint(reader, exponentialFields, metric, new ReceivedExponential(), EXPONENTIAL_BYTES);
}
