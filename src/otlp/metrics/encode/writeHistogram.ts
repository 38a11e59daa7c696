import type { DataPoint, ExponentialBuckets, ExponentialHistogram, Histogram } from '../../../model/metricDataPoint.ts';
import type { ReusedName } from '../../encode/attributeKey.ts';
import { writeUncounted } from '../../encode/attributes.ts';
import type { EncoderState } from '../../encode/encoderState.ts';
import { writeUint32Field } from '../../encode/fields.ts';
import { writeLength } from '../../protobuf/write.ts';
import {
  writeCountField,
  writeCounts,
  writeDoubles,
  writeOptionalDouble,
  writePlainDouble,
  writeSint32Field,
  writeVarintCounts,
} from './numberFields.ts';
import { flagsOf, writeTimes } from './pointFields.ts';
import { writeExemplars } from './writeExemplars.ts';

// opentelemetry.proto.metrics.v1, field by field: numbers times 8, plus how each is written.
const HISTOGRAM = {
  count: 0x21,
  sum: 0x29,
  bucketCounts: 0x32,
  explicitBounds: 0x3a,
  exemplars: 0x42,
  attributes: 0x4a,
  flags: 0x50,
  min: 0x59,
  max: 0x61,
} as const;
const EXPONENTIAL = {
  attributes: 0x0a,
  count: 0x21,
  sum: 0x29,
  scale: 0x30,
  zeroCount: 0x39,
  positive: 0x42,
  negative: 0x4a,
  flags: 0x50,
  exemplars: 0x5a,
  min: 0x61,
  max: 0x69,
  zeroThreshold: 0x71,
} as const;
const BUCKETS = { offset: 0x08, bucketCounts: 0x12 } as const;

/** How many messages contain the value of an attribute, from the request down. */
const POINT_DEPTH = 7;

/** Writes the fields of a `HistogramDataPoint`, in the order of their numbers. */
export function writeHistogram(
  state: EncoderState,
  start: number,
  point: DataPoint,
  value: Histogram,
  valueType: number,
  name: ReusedName | undefined,
): number {
  const { out } = state;
  const { buckets } = value;
  let at = writeTimes(state, start, point);
  at = writeCountField(out, at, HISTOGRAM.count, value.count);
  at = writeOptionalDouble(out, at, HISTOGRAM.sum, value.sum);
  at = writeCounts(state, at, HISTOGRAM.bucketCounts, buckets.counts);
  at = writeDoubles(state, at, HISTOGRAM.explicitBounds, buckets.boundaries);
  at = writeExemplars(state, at, HISTOGRAM.exemplars, point.exemplars, valueType);
  at = writeUncounted(state, at, HISTOGRAM.attributes, POINT_DEPTH, point.attributes, name);
  at = writeUint32Field(out, at, HISTOGRAM.flags, flagsOf(point));
  at = writeOptionalDouble(out, at, HISTOGRAM.min, value.min);
  return writeOptionalDouble(out, at, HISTOGRAM.max, value.max);
}

/** Writes the fields of an `ExponentialHistogramDataPoint`, in the order of their numbers. */
export function writeExponential(
  state: EncoderState,
  start: number,
  point: DataPoint,
  value: ExponentialHistogram,
  valueType: number,
  name: ReusedName | undefined,
): number {
  const { out } = state;
  let at = writeUncounted(state, start, EXPONENTIAL.attributes, POINT_DEPTH, point.attributes, name);
  at = writeTimes(state, at, point);
  at = writeCountField(out, at, EXPONENTIAL.count, value.count);
  at = writeOptionalDouble(out, at, EXPONENTIAL.sum, value.sum);
  at = writeSint32Field(out, at, EXPONENTIAL.scale, value.scale);
  at = writeCountField(out, at, EXPONENTIAL.zeroCount, value.zeroCount);
  at = writeBuckets(state, at, EXPONENTIAL.positive, value.positive);
  at = writeBuckets(state, at, EXPONENTIAL.negative, value.negative);
  at = writeUint32Field(out, at, EXPONENTIAL.flags, flagsOf(point));
  at = writeExemplars(state, at, EXPONENTIAL.exemplars, point.exemplars, valueType);
  at = writeOptionalDouble(out, at, EXPONENTIAL.min, value.min);
  at = writeOptionalDouble(out, at, EXPONENTIAL.max, value.max);
  return writePlainDouble(out, at, EXPONENTIAL.zeroThreshold, value.zeroThreshold ?? 0);
}

/** The buckets of both sides are always there, even if they are empty. */
function writeBuckets(state: EncoderState, start: number, tag: number, buckets: ExponentialBuckets): number {
  const { out } = state;
  out.room(start, 0)[start] = tag;
  const at = writeSint32Field(out, start + 2, BUCKETS.offset, buckets.offset);
  return writeLength(out, start + 1, writeVarintCounts(state, at, BUCKETS.bucketCounts, buckets.bucketCounts));
}
