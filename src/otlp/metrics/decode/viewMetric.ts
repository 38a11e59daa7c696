import type { DataPoint, DataPointType, MetricDataPoint, MetricInfo } from '../../../model/metricDataPoint.ts';
import { ReceivedItem } from '../../../model/received.ts';
import { frozen } from '../../decode/frozen.ts';
import type { Origin } from '../../decode/wire.ts';
import type { Reader } from '../../protobuf/reader.ts';
import {
  delimited,
  type Fields,
  fieldsOf,
  fixed64,
  type ReadField,
  readFields,
  readMessage,
} from '../../protobuf/readMessage.ts';
import { EXPONENTIAL_HISTOGRAM, GAUGE, HISTOGRAM, SUM, SUMMARY } from '../dataPointTypes.ts';
import { type MetricMessage, metricTable, READ_POINT } from './readMetric.ts';
import { INT, ReceivedMetric } from './receivedPoint.ts';

// A metric without its points: of them only is looked at whether one holds an integer.

interface NumberMessage {
  readonly metric: ReceivedMetric;
  /** Of a number that came in several forms, the last one holds. */
  isInt: boolean;
}

const formIs =
  (isInt: boolean): ReadField<NumberMessage> =>
  (message, reader) => {
    reader.skip(fixed64(6)); // of JSON it may be a fraction
    message.isInt = isInt;
  };
const exemplarFields = fieldsOf<NumberMessage>({ [fixed64(3)]: formIs(false), [fixed64(6)]: formIs(true) });
const exemplar: ReadField<NumberMessage> = ({ metric }, reader) => readForm(reader, exemplarFields, metric);
const numberFields = fieldsOf<NumberMessage>({
  [fixed64(4)]: formIs(false),
  [delimited(5)]: exemplar,
  [fixed64(6)]: formIs(true),
});

const FORMS: Readonly<Record<DataPointType, Fields<NumberMessage>>> = {
  [GAUGE]: numberFields,
  [SUM]: numberFields,
  [HISTOGRAM]: fieldsOf<NumberMessage>({ [delimited(8)]: exemplar }),
  [EXPONENTIAL_HISTOGRAM]: fieldsOf<NumberMessage>({ [delimited(11)]: exemplar }),
  [SUMMARY]: [],
};

function readForm(reader: Reader, fields: Fields<NumberMessage>, metric: ReceivedMetric): void {
  const message: NumberMessage = { metric, isInt: false };
  readMessage(reader, fields, message);
  if (message.isInt) metric.descriptor.valueType = INT;
}

const infoFields = metricTable(
  (type) =>
    ({ metric }, reader) =>
      readForm(reader, FORMS[type], metric),
);

/** Where a metric stands, and what has been read of it. */
class MetricPlace {
  readonly origin: Origin;
  readonly #start: number;
  readonly #end: number;
  /** Of its points: the last one, if it has several, and then it has no points of the others. */
  type: DataPointType = GAUGE;
  #info: MetricInfo | undefined;

  constructor(origin: Origin, reader: Reader) {
    this.origin = origin;
    this.#start = reader.at;
    this.#end = reader.end;
  }

  get bytes(): Uint8Array {
    return this.origin.bytes;
  }

  get info(): MetricInfo {
    this.#info ??= this.#read();
    return this.#info;
  }

  #read(): MetricInfo {
    const { request, resource, scope } = this.origin;
    const message: MetricMessage = { metric: new ReceivedMetric(), resource, scope, points: [], before: 0 };
    request.read(this.#start, this.#end, (reader) => readFields(reader, infoFields, message));
    return frozen(message.metric);
  }
}

/** What has been read of a point: all of it. What its bytes have beside that is not known. */
class PointReading {
  readonly point: DataPoint;
  readonly hidesSome = false;

  constructor(point: DataPoint) {
    this.point = point;
  }
}

/** A received data point: its metric and the point are read when they are asked for, once. */
class DataPointView extends ReceivedItem<MetricPlace, PointReading> implements MetricDataPoint {
  get resource() {
    return ReceivedItem.originOf(this).origin.resource;
  }

  get scope() {
    return ReceivedItem.originOf(this).origin.scope;
  }

  get metric() {
    return ReceivedItem.originOf(this).info;
  }

  get point() {
    return (ReceivedItem.readingOf(this) ?? readPoint(ReceivedItem.behind(this))).point;
  }
}

function readPoint(view: ReceivedItem<MetricPlace, PointReading>): PointReading {
  const { origin, type } = ReceivedItem.originOf(view);
  const { at, end } = ReceivedItem.rangeOf(view);
  const point = origin.request.read(at, end, (reader) => READ_POINT[type](reader, new ReceivedMetric()));
  const reading = new PointReading(frozen(point));
  ReceivedItem.keep(view, reading);
  return reading;
}

interface Points {
  readonly points: MetricDataPoint[];
  readonly before: number;
  readonly metric: MetricPlace;
}

const pointFields = fieldsOf<Points>({
  [delimited(1)]: ({ points, metric }, reader) => {
    const { at } = reader;
    reader.content();
    points.push(new DataPointView(metric, at, reader.at));
  },
});

const placeFields = fieldsOf<Points>({
  [delimited(5)]: (message, reader) => placeData(GAUGE, message, reader),
  [delimited(7)]: (message, reader) => placeData(SUM, message, reader),
  [delimited(9)]: (message, reader) => placeData(HISTOGRAM, message, reader),
  [delimited(10)]: (message, reader) => placeData(EXPONENTIAL_HISTOGRAM, message, reader),
  [delimited(11)]: (message, reader) => placeData(SUMMARY, message, reader),
});

/** A metric has data of one type: of several on the wire, protobuf takes the last. */
function placeData(type: DataPointType, message: Points, reader: Reader): void {
  if (message.metric.type !== type) message.points.length = message.before;
  message.metric.type = type;
  readMessage(reader, pointFields, message);
}

/** Passes over one metric, and adds a view of each of its points. */
export function viewMetric(points: MetricDataPoint[], reader: Reader, origin: Origin): void {
  const outer = reader.enter();
  readFields(reader, placeFields, { points, before: points.length, metric: new MetricPlace(origin, reader) });
  reader.leave(outer);
}
