import type { DataPoint, DataPointType, MetricDataPoint } from '../../../model/metricDataPoint.ts';
import { readAttribute } from '../../decode/attributes.ts';
import type { Resource, Scope } from '../../decode/decodeRequest.ts';
import type { Reader } from '../../protobuf/reader.ts';
import { delimited, type Fields, fieldsOf, type ReadField, readMessage, varint } from '../../protobuf/readMessage.ts';
import type { Costs } from '../../protobuf/scan.ts';
import { EXPONENTIAL_HISTOGRAM, GAUGE, HISTOGRAM, SUM, SUMMARY } from '../dataPointTypes.ts';
import { EXEMPLAR_COSTS } from './readExemplar.ts';
import { HISTOGRAM_COSTS, readExponential, readHistogram } from './readHistogram.ts';
import { NUMBER_COSTS, readNumber } from './readNumber.ts';
import { readSummary, SUMMARY_COSTS } from './readSummary.ts';
import { becomeType, ReceivedDataPoint, ReceivedMetric, UNSPECIFIED_TEMPORALITY } from './receivedPoint.ts';

/** Heap that a metric takes without its strings and points: two objects. */
const METRIC_BYTES = 160;

export const METRIC_COSTS: Costs = {
  Metric: [1, METRIC_BYTES],
  ...NUMBER_COSTS,
  ...HISTOGRAM_COSTS,
  ...SUMMARY_COSTS,
  ...EXEMPLAR_COSTS,
};

export interface MetricMessage {
  readonly metric: ReceivedMetric;
  readonly resource: Resource;
  readonly scope: Scope;
  readonly points: unknown[];
  /** How many of the points belong to metrics before it. */
  readonly before: number;
}

type ReadPoint = (reader: Reader, metric: ReceivedMetric) => DataPoint;

/** How the fields of a metric are read, given what is done with a point. */
export function metricTable(rowOf: (type: DataPointType) => ReadField<MetricMessage>): Fields<MetricMessage> {
  const data = (type: DataPointType) => readData(type, rowOf(type));
  return fieldsOf<MetricMessage>({
    [delimited(1)]: ({ metric }, reader) => {
      metric.descriptor.name = reader.text();
    },
    [delimited(2)]: ({ metric }, reader) => {
      metric.descriptor.description = reader.text();
    },
    [delimited(3)]: ({ metric }, reader) => {
      metric.descriptor.unit = reader.text();
    },
    [delimited(5)]: data(GAUGE),
    [delimited(7)]: data(SUM),
    [delimited(9)]: data(HISTOGRAM),
    [delimited(10)]: data(EXPONENTIAL_HISTOGRAM),
    [delimited(11)]: data(SUMMARY),
    [delimited(12)]: ({ metric }, reader) => {
      metric.metadata ??= {};
      readAttribute(metric.metadata, reader);
    },
  });
}

/** How a point is read, by its type. */
export const READ_POINT: Readonly<Record<DataPointType, ReadPoint>> = {
  [GAUGE]: readNumber,
  [SUM]: readNumber,
  [HISTOGRAM]: readHistogram,
  [EXPONENTIAL_HISTOGRAM]: readExponential,
  [SUMMARY]: readSummary,
};

const metricFields = metricTable((type) => {
  const read = READ_POINT[type];
  return ({ points, resource, scope, metric }, reader) =>
    void points.push(new ReceivedDataPoint(resource, scope, metric, read(reader, metric)));
});

/** How the data of a metric is read, which holds its points. */
function readData(type: DataPointType, row: ReadField<MetricMessage>): ReadField<MetricMessage> {
  const dataFields = fieldsOf<MetricMessage>({
    [delimited(1)]: row,
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
