import type {
  DataPoint,
  ExponentialHistogram,
  Histogram,
  MetricDataPoint,
  NumberValue,
  Summary,
} from '../../../model/metricDataPoint.ts';
import type { ReusedName } from '../../encode/attributeKey.ts';
import { writeUncounted } from '../../encode/attributes.ts';
import type { EncoderState } from '../../encode/encoderState.ts';
import { stringOf, writeUint32Field } from '../../encode/fields.ts';
import { writeLength } from '../../protobuf/write.ts';
import { writeCountField, writePlainDouble } from './numberFields.ts';
import { isInt, isUnrecorded, writeDouble, writeInt } from './numberValue.ts';
import { flagsOf, writeTimes } from './pointFields.ts';
import { writeExemplars } from './writeExemplars.ts';
import { writeExponential, writeHistogram } from './writeHistogram.ts';

// Types of points, as the SDK numbers them.
const HISTOGRAM = 0;
const EXPONENTIAL_HISTOGRAM = 1;
const SUMMARY = 4;

// opentelemetry.proto.metrics.v1, field by field: numbers times 8, plus how each is written.
const NUMBER = { asDouble: 0x21, exemplars: 0x2a, asInt: 0x31, attributes: 0x3a, flags: 0x40 } as const;
const SUMMARY_POINT = { count: 0x21, sum: 0x29, quantileValues: 0x32, attributes: 0x3a, flags: 0x40 } as const;
const QUANTILE = { quantile: 0x09, value: 0x11 } as const;

/** How many messages contain the value of an attribute, from the request down. */
const POINT_DEPTH = 7;

/**
 * Writes the fields of one point, in the order of their numbers.
 *
 * @throws whatever the point throws, and an Error that says what OTLP cannot hold.
 */
export function writePoint(state: EncoderState, start: number, { metric, point }: MetricDataPoint): number {
  const { dataPointType, descriptor } = metric;
  const { valueType } = descriptor;
  const name = state.nameOf(stringOf(descriptor.name));
  const { value } = point;
  switch (dataPointType) {
    case HISTOGRAM:
      return writeHistogram(state, start, point, value as Histogram, valueType, name);
    case EXPONENTIAL_HISTOGRAM:
      return writeExponential(state, start, point, value as ExponentialHistogram, valueType, name);
    case SUMMARY:
      return writeSummary(state, start, point, value as Summary, name);
    default:
      return writeNumber(state, start, point, value as NumberValue, valueType, name);
  }
}

function writeNumber(
  state: EncoderState,
  start: number,
  point: DataPoint,
  value: NumberValue,
  valueType: number,
  name: ReusedName | undefined,
): number {
  const { out } = state;
  const int = isInt(value, valueType);
  let at = writeTimes(state, start, point);
  if (!int && !isUnrecorded(point)) at = writeDouble(out, at, NUMBER.asDouble, value);
  at = writeExemplars(state, at, NUMBER.exemplars, point.exemplars, valueType);
  if (int) at = writeInt(out, at, NUMBER.asInt, value);
  at = writeUncounted(state, at, NUMBER.attributes, POINT_DEPTH, point.attributes, name);
  return writeUint32Field(out, at, NUMBER.flags, flagsOf(point));
}

function writeSummary(
  state: EncoderState,
  start: number,
  point: DataPoint,
  value: Summary,
  name: ReusedName | undefined,
): number {
  const { out } = state;
  let at = writeTimes(state, start, point);
  at = writeCountField(out, at, SUMMARY_POINT.count, value.count);
  at = writePlainDouble(out, at, SUMMARY_POINT.sum, value.sum);
  for (const quantile of value.quantileValues) {
    state.spend(1, 0);
    out.room(at, 0)[at] = SUMMARY_POINT.quantileValues;
    const middle = writePlainDouble(out, at + 2, QUANTILE.quantile, quantile.quantile);
    at = writeLength(out, at + 1, writePlainDouble(out, middle, QUANTILE.value, quantile.value));
  }
  at = writeUncounted(state, at, SUMMARY_POINT.attributes, POINT_DEPTH, point.attributes, name);
  return writeUint32Field(out, at, SUMMARY_POINT.flags, flagsOf(point));
}
