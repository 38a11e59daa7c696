/** How many requests of the size of the limit have to be accepted before the limit is raised: at first, and at most. Each further refusal doubles the number. */
const FIRST_PATIENCE = 16;
const LAST_PATIENCE = 1_024;
const RAISE = 1.25;
/** Each refusal halves the size. After this many refusals in a row, something other than the size is taken to be the cause. */
const OUTAGE_RUN = 3;

/** A state of a {@link LearnedLimit}. */
export interface KnownLimit {
  readonly limit: number;
  readonly refused: number;
}

/**
 * The size up to which a backend takes requests, in bytes or items: unlimited until it refuses one, then half of what it refused, then raised again carefully.
 *
 * Up to half of the refused size the limit doubles with each request that uses it; beyond that it grows by a quarter after 16 such requests, and after twice as many when that is refused again. When
 * smaller and smaller requests fail one after another (a backend that hangs), the size was not the reason: then the first refusal is the one that counts.
 */
export class LearnedLimit {
  #limit = Number.POSITIVE_INFINITY;
  #refused = Number.POSITIVE_INFINITY; // the size that was too large
  #runBegan = 0; // the size at which the present run of refusals began
  #run = 0; // refusals since something was accepted
  #accepted = 0; // requests at the limit since it was changed
  #patience = FIRST_PATIENCE / 2;

  get size(): number {
    return this.#limit;
  }

  /** The present state, for {@link LearnedLimit.restore}. */
  get known(): KnownLimit {
    return { limit: this.#limit, refused: this.#refused };
  }

  /** The refusals since that state were not for the size. */
  restore({ limit, refused }: KnownLimit): void {
    this.#limit = Math.max(this.#limit, limit);
    this.#refused = Math.max(this.#refused, refused);
    this.#run = 0;
  }

  /** A request of this size was too large. One that was sent before the limit fell below its size teaches nothing more. */
  refused(size: number): void {
    if (size > this.#limit || !(size > 0)) return;
    if (this.#run === 0) {
      this.#runBegan = size;
      this.#patience = Math.min(LAST_PATIENCE, this.#patience * 2);
    }
    this.#run += 1;
    this.#refused = this.#run < OUTAGE_RUN ? size : this.#runBegan;
    this.#limit = size / 2;
    this.#accepted = 0;
  }

  /** A request of this size was accepted. */
  accepted(size: number): void {
    this.#run = 0;
    if (size >= this.#refused) this.#forget();
    // A request that is far below the limit says nothing about it.
    if (size < this.#limit / 2 || this.#limit === Number.POSITIVE_INFINITY) return;
    this.#accepted += 1;
    if (this.#limit * 2 < this.#refused) this.#raise(2);
    else if (this.#accepted >= this.#patience) this.#raise(RAISE);
  }

  /** A size that was refused once is accepted now. */
  #forget(): void {
    this.#refused = Number.POSITIVE_INFINITY;
    this.#patience = FIRST_PATIENCE / 2;
  }

  #raise(factor: number): void {
    this.#limit *= factor;
    this.#accepted = 0;
  }
}
