/** Durations, summed up. */
export interface Durations {
  /** How many there were. */
  readonly count: number;
  /** In milliseconds; 0 where there was none. */
  readonly mean: number;
  /** The median in milliseconds. It and the other quantiles are at most 9 % too high, and 0 where there was none. */
  readonly p50: number;
  /** In milliseconds: 95 of 100 took no longer. */
  readonly p95: number;
  /** In milliseconds: 99 of 100 took no longer. */
  readonly p99: number;
  /** The longest, in milliseconds. */
  readonly max: number;
}

/** Each bucket ends at 2^(1/8) times the end of the one before: OpenTelemetry's exponential histogram at scale 3. */
const BUCKETS_PER_OCTAVE = 8;
/** The first bucket ends at an eighth of a millisecond, and the last one an hour and ten minutes later. */
const LOWEST_OCTAVE = -3;
const HIGHEST_OCTAVE = 22;
const BUCKETS = (HIGHEST_OCTAVE - LOWEST_OCTAVE) * BUCKETS_PER_OCTAVE + 1;

/** Counts durations in buckets: a fixed amount of memory, whatever comes. */
export class DurationHistogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #max = 0;

  add(millis: number): void {
    const index = Math.ceil((Math.log2(millis) - LOWEST_OCTAVE) * BUCKETS_PER_OCTAVE);
    const bucket = Math.min(Math.max(index, 0), BUCKETS - 1) || 0;
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#count += 1;
    this.#sum += millis;
    this.#max = Math.max(this.#max, millis);
  }

  /** Adds what another one has counted. */
  addAll(other: DurationHistogram): void {
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      this.#counts[bucket] = (this.#counts[bucket] as number) + (other.#counts[bucket] as number);
    }
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#max = Math.max(this.#max, other.#max);
  }

  summary(): Durations {
    const [p50 = 0, p95 = 0, p99 = 0] = this.#quantiles([0.5, 0.95, 0.99]);
    return { count: this.#count, mean: this.#count === 0 ? 0 : this.#sum / this.#count, p50, p95, p99, max: this.#max };
  }

  /** The ends of the buckets in which these shares of all durations are reached, from small to large. */
  #quantiles(ratios: readonly number[]): number[] {
    const found: number[] = [];
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS && this.#count > 0 && found.length < ratios.length; bucket += 1) {
      seen += this.#counts[bucket] as number;
      while (found.length < ratios.length && seen >= (ratios[found.length] as number) * this.#count) {
        found.push(Math.min(this.#max, 2 ** (bucket / BUCKETS_PER_OCTAVE + LOWEST_OCTAVE)));
      }
    }
    return found;
  }
}
