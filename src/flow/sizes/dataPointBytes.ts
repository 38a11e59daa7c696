import type { ExponentialHistogram, Histogram, MetricDataPoint } from '../../model/metricDataPoint.ts';
import { attributesBytes, DOUBLE_BYTES } from './valueBytes.ts';

// As in OTLP's protobuf encoding: tags, lengths, and fields of a fixed number of bytes.
/** Both times, and the point's own frame. */
const BARE_POINT_BYTES = 21;
/** The tags and lengths of the lists of buckets, and the scale of an exponential histogram. */
const BUCKETS_BYTES = 8;
/** One element of a packed list of numbers of a fixed size: a boundary, or the count of a bucket. */
const FIXED_BYTES = 8;
/** One count of an exponential histogram, a varint. Most are small. */
const VARINT_BYTES = 1.5;

/** Estimates how many bytes a data point takes on the wire. Its resource, its scope, and the name and the description of its metric, which points share, are not counted. */
export function dataPointBytes({ point }: MetricDataPoint): number {
  const { value, attributes } = point;
  return BARE_POINT_BYTES + attributesBytes(attributes) + valueBytes(value);
}

function valueBytes(value: MetricDataPoint['point']['value']): number {
  if (typeof value === 'number') return DOUBLE_BYTES;
  const numbers = [value.count, value.sum, value.min, value.max].filter((number) => number !== undefined).length;
  return numbers * DOUBLE_BYTES + BUCKETS_BYTES + bucketsBytes(value);
}

function bucketsBytes(value: Histogram | ExponentialHistogram): number {
  if ('buckets' in value) return FIXED_BYTES * (value.buckets.boundaries.length + value.buckets.counts.length);
  if (!('positive' in value)) return 0;
  const buckets = value.positive.bucketCounts.length + value.negative.bucketCounts.length;
  return DOUBLE_BYTES + Math.ceil(VARINT_BYTES * buckets);
}
