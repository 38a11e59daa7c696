import type {
  ExponentialHistogram,
  Histogram,
  MetricDataPoint,
  PointValue,
  Summary,
} from '../../model/metricDataPoint.ts';
import { receivedBytes } from '../../model/received.ts';
import { attributesBytes, DOUBLE_BYTES } from './valueBytes.ts';

// As in OTLP's protobuf encoding: tags, lengths, and fields of a fixed number of bytes.
/** Both times, and the point's own frame. */
const BARE_POINT_BYTES = 21;
/** The tags and lengths of the lists of buckets. */
const BUCKETS_BYTES = 6;
/** One element of a packed list of numbers of a fixed size: a boundary, or the count of a bucket. */
const FIXED_BYTES = 8;
/** The scale, the offsets, and the count at zero. */
const EXPONENTIAL_BYTES = 17;
/** One count of an exponential histogram, a varint. Most are small. */
const VARINT_BYTES = 1.25;
/** Two numbers in a message of their own. */
const QUANTILE_BYTES = 20;
/** Time, value and ids; attributes come on top. */
const EXEMPLAR_BYTES = 48;

/** Estimates how many bytes a data point takes on the wire. Its resource, its scope, and the name and the description of its metric, which points share, are not counted. */
export function dataPointBytes(item: MetricDataPoint): number {
  return receivedBytes(item) ?? writtenBytes(item);
}

function writtenBytes({ point }: MetricDataPoint): number {
  const { value, attributes, exemplars } = point;
  let bytes = BARE_POINT_BYTES + attributesBytes(attributes) + pointValueBytes(value);
  for (const exemplar of exemplars ?? []) bytes += EXEMPLAR_BYTES + attributesBytes(exemplar.filteredAttributes);
  return bytes;
}

function pointValueBytes(value: PointValue): number {
  if (typeof value !== 'object') return DOUBLE_BYTES;
  if ('quantileValues' in value) return 2 * DOUBLE_BYTES + QUANTILE_BYTES * value.quantileValues.length;
  return numbersBytes(value) + ('buckets' in value ? explicitBytes(value) : exponentialBytes(value));
}

function numbersBytes({ sum, min, max }: Exclude<PointValue, number | bigint | Summary>): number {
  return DOUBLE_BYTES * (1 + [sum, min, max].filter((number) => number !== undefined).length);
}

function explicitBytes({ buckets }: Histogram): number {
  return BUCKETS_BYTES + FIXED_BYTES * (buckets.boundaries.length + buckets.counts.length);
}

function exponentialBytes({ positive, negative }: ExponentialHistogram): number {
  const counts = positive.bucketCounts.length + negative.bucketCounts.length;
  return BUCKETS_BYTES + EXPONENTIAL_BYTES + Math.ceil(VARINT_BYTES * counts);
}
