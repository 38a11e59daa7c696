import type { DataPoint, DataPointType, MetricDataPoint } from '../../../model/metricDataPoint.ts';
import { readAttribute } from '../../decode/attributes.ts';
import type { Resource, Scope } from '../../decode/decodeRequest.ts';
import type { Reader } from '../../protobuf/reader.ts';
import { delimited, fieldsOf, type ReadField, readMessage, varint } from '../../protobuf/readMessage.ts';
import { EXPONENTIAL_HISTOGRAM, GAUGE, HISTOGRAM, SUM, SUMMARY } from '../dataPointTypes.ts';
import { readExponential, readHistogram } from './readHistogram.ts';
import { readNumber } from './readNumber.ts';
import { readSummary } from './readSummary.ts';
import { becomeType, ReceivedDataPoint, ReceivedMetric, UNSPECIFIED_TEMPORALITY } from './receivedPoint.ts';

/** Heap that a metric takes without its strings and points: two objects. */
const METRIC_BYTES = 160;

interface MetricMessage {
  readonly metric: ReceivedMetric;
  readonly resource: Resource;
  readonly scope: Scope;
  readonly points: MetricDataPoint[];
  /** How many of the points belong to metrics before it. */
  readonly before: number;
}

type ReadPoint = (reader: Reader, metric: ReceivedMetric) => DataPoint;

const metricFields = fieldsOf<MetricMessage>({
  [delimited(1)]: ({ metric }, reader) => {
    metric.descriptor.name = reader.text();
  },
  [delimited(2)]: ({ metric }, reader) => {
    metric.descriptor.description = reader.text();
  },
  [delimited(3)]: ({ metric }, reader) => {
    metric.descriptor.unit = reader.text();
  },
  [delimited(5)]: readData(GAUGE, readNumber),
  [delimited(7)]: readData(SUM, readNumber),
  [delimited(9)]: readData(HISTOGRAM, readHistogram),
  [delimited(10)]: readData(EXPONENTIAL_HISTOGRAM, readExponential),
  [delimited(11)]: readData(SUMMARY, readSummary),
  [delimited(12)]: ({ metric }, reader) => {
    metric.metadata ??= {};
    readAttribute(metric.metadata, reader);
  },
});

/** How the data of a metric is read, which holds its points. */
function readData(type: DataPointType, readPoint: ReadPoint): ReadField<MetricMessage> {
  const dataFields = fieldsOf<MetricMessage>({
    [delimited(1)]: ({ points, resource, scope, metric }, reader) =>
      void points.push(new ReceivedDataPoint(resource, scope, metric, readPoint(reader, metric))),
    ...(type === GAUGE || type === SUMMARY ? {} : { [varint(2)]: readTemporality }),
    ...(type === SUM ? { [varint(3)]: readMonotonic } : {}),
  });
  return (message, reader) => {
    if (message.metric.dataPointType !== type) become(message, type);
    readMessage(reader, dataFields, message);
  };
}

/** A metric has data of one type: of several on the wire, protobuf takes the last. */
function become({ metric, points, before }: MetricMessage, type: DataPointType): void {
  points.length = before;
  becomeType(metric, type);
}

/** The wire counts from UNSPECIFIED = 0, the SDK from DELTA = 0. */
function readTemporality({ metric }: MetricMessage, reader: Reader): void {
  metric.aggregationTemporality = Math.max(reader.int32() - 1, UNSPECIFIED_TEMPORALITY);
}

function readMonotonic({ metric }: MetricMessage, reader: Reader): void {
  metric.isMonotonic = reader.bool();
}

/** Reads one metric, and adds its points. */
export function readMetric(points: MetricDataPoint[], reader: Reader, resource: Resource, scope: Scope): void {
  reader.spend(1, METRIC_BYTES);
  const metric = new ReceivedMetric();
  readMessage(reader, metricFields, { metric, resource, scope, points, before: points.length });
}
