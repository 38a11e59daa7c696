import type { ExponentialHistogram } from '../model/metricDataPoint.ts';

/** The greatest scale of OpenTelemetry's SDKs: then a bucket is 2 ** (2 ** -20) times as wide as the one before. */
const MAX_SCALE = 20;
/** What OpenTelemetry's SDKs allow on each side of zero. */
export const DEFAULT_MAX_BUCKETS = 160;

/**
 * Counts values from 0 on in exponential buckets, as OpenTelemetry's specification of metrics has it ("Base2 Exponential Bucket Histogram Aggregation"): it begins at the greatest scale, and where a value does not fit into the
 * `maxBuckets` buckets, neighbouring buckets are merged in pairs until it does. So memory is bounded, whatever comes, and two histograms can be added without an error beyond that of the coarser one.
 */
export class ExponentialBucketCounts {
  readonly #maxBuckets: number;
  #scale = MAX_SCALE;
  #offset = 0; // the index of the first bucket
  #counts: number[] = []; // of the buckets from there on
  #zeroCount = 0;
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  constructor(maxBuckets: number = DEFAULT_MAX_BUCKETS) {
    this.#maxBuckets = maxBuckets;
  }

  get count(): number {
    return this.#count;
  }

  /** Counts a value. One below zero counts as 0: a duration that a clock which was set back has made negative. `NaN` and `Infinity` are passed over. */
  add(value: number): void {
    if (!Number.isFinite(value)) return;
    const atLeastZero = Math.max(0, value);
    this.#count += 1;
    this.#sum += atLeastZero;
    this.#min = Math.min(this.#min, atLeastZero);
    this.#max = Math.max(this.#max, atLeastZero);
    if (atLeastZero === 0) this.#zeroCount += 1;
    else this.#countAt(indexOf(atLeastZero, this.#scale), atLeastZero);
  }

  /** Adds what another one has counted, or its snapshot. */
  addAll(other: ExponentialHistogram): void {
    if (other.count === 0) return;
    this.#count += other.count;
    this.#sum += other.sum ?? 0;
    this.#zeroCount += other.zeroCount;
    this.#min = Math.min(this.#min, other.min ?? 0);
    this.#max = Math.max(this.#max, other.max ?? 0);
    const { offset, bucketCounts } = other.positive;
    if (bucketCounts.length === 0) return;
    this.#downscaleTo(Math.min(this.#scale, other.scale));
    const rangeAt = (scale: number): readonly [number, number] => {
      const shift = other.scale - scale;
      return [shifted(offset, shift), shifted(offset + bucketCounts.length - 1, shift)];
    };
    while (!this.#fits(...rangeAt(this.#scale))) this.#downscaleTo(this.#scale - 1);
    for (const [place, count] of bucketCounts.entries()) {
      if (count > 0) this.#raise(shifted(offset + place, other.scale - this.#scale), count);
    }
  }

  /** What has been counted, as the value of a data point. It shares nothing with what is counted later. */
  snapshot(): ExponentialHistogram {
    return {
      count: this.#count,
      sum: this.#sum,
      ...(this.#count > 0 && { min: this.#min, max: this.#max }),
      scale: this.#scale,
      zeroCount: this.#zeroCount,
      positive: { offset: this.#offset, bucketCounts: [...this.#counts] },
      negative: { offset: 0, bucketCounts: [] },
    };
  }

  #countAt(index: number, value: number): void {
    let at = index;
    while (!this.#fits(at, at)) {
      this.#downscaleTo(this.#scale - 1);
      at = indexOf(value, this.#scale);
    }
    this.#raise(at, 1);
  }

  /** Whether the buckets from `low` to `high` have room beside those that are there. */
  #fits(low: number, high: number): boolean {
    if (this.#counts.length === 0) return high - low < this.#maxBuckets;
    const last = this.#offset + this.#counts.length - 1;
    return Math.max(high, last) - Math.min(low, this.#offset) < this.#maxBuckets;
  }

  #raise(index: number, by: number): void {
    if (this.#counts.length === 0) this.#offset = index;
    while (index < this.#offset) {
      this.#counts.unshift(0);
      this.#offset -= 1;
    }
    while (index >= this.#offset + this.#counts.length) this.#counts.push(0);
    const place = index - this.#offset;
    this.#counts[place] = (this.#counts[place] as number) + by;
  }

  #downscaleTo(scale: number): void {
    const shift = this.#scale - scale;
    this.#scale = scale;
    if (shift === 0 || this.#counts.length === 0) return;
    const [offset, counts] = [this.#offset, this.#counts];
    this.#counts = [];
    for (const [place, count] of counts.entries()) this.#raise(shifted(offset + place, shift), count);
  }
}

/** The value that `ratio` of all counted ones do not exceed, at most a bucket's width too high: 0 where none was counted. */
export function quantileOf(histogram: ExponentialHistogram, ratio: number): number {
  const { count, zeroCount, scale, positive, max = 0 } = histogram;
  const rank = ratio * count;
  let seen = zeroCount;
  if (count === 0 || (seen > 0 && seen >= rank)) return 0;
  for (const [place, inBucket] of positive.bucketCounts.entries()) {
    seen += inBucket;
    if (inBucket > 0 && seen >= rank) return Math.min(max, endOf(positive.offset + place, scale));
  }
  return max;
}

/** Where the bucket ends: `base ** (index + 1)`. */
function endOf(index: number, scale: number): number {
  return 2 ** ((index + 1) * 2 ** -scale);
}

/** The bucket of an index at a scale that is lower by `shift`. It is no bit operation: the indices of small values exceed 32 bits. */
function shifted(index: number, shift: number): number {
  return Math.floor(index / 2 ** shift);
}

/** The bucket of a value above zero: what is greater than `base ** index` and at most `base ** (index + 1)`. Where buckets are wider than an octave, the exponent tells it without a rounding. */
function indexOf(value: number, scale: number): number {
  if (scale > 0) return Math.ceil(Math.log2(value) * 2 ** scale) - 1;
  const exponent = exponentOf(value);
  return shifted(value === 2 ** exponent ? exponent - 1 : exponent, -scale);
}

const double = new DataView(new ArrayBuffer(8));

/** The exponent of the greatest power of two that is not above the value. */
function exponentOf(value: number): number {
  double.setFloat64(0, value);
  const biased = (double.getUint32(0) >>> 20) & 0x7ff;
  return biased === 0 ? Math.floor(Math.log2(value)) : biased - 1_023;
}
