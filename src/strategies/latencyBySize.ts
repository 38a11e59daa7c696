import { ALPHA, average } from './batchSize.ts';

/**
 * How much of the latency comes from the size: the elasticity, by a regression over the steps from one batch to the next, on a logarithmic scale, with
 * exponential forgetting. For a latency of fixed part + slope × size that is the share of the second term.
 *
 * Steps, not levels: a backend that becomes slow while batches happen to be large must not look like large batches being slow.
 */
export class LatencyBySize {
  #latency: number | undefined; // milliseconds, moving average
  #before: { readonly size: number; readonly latency: number } | undefined; // logarithms, of the batch before
  #seen = 0; // steps, so far
  #steps = 0; // moving averages: squares of the steps in size …
  #products = 0; // … their products with the steps in latency …
  #latencySquares = 0; // … and the squares of those

  get latency(): number {
    return this.#latency ?? 0;
  }

  /** 0 to 1; `undefined` while the sizes differ too little to tell, or the latency varies too much by itself. */
  get shareOfSize(): number | undefined {
    if (this.#steps < LEAST_STEP ** 2 || this.#error > MOST_ERROR) return undefined;
    return Math.min(1, Math.max(0, this.#products / this.#steps));
  }

  /** Whether at least half of the latency comes from the size, as surely as the steps so far can tell. */
  get isMostlySize(): boolean {
    const { shareOfSize } = this;
    return shareOfSize !== undefined && this.#seen >= ENOUGH_STEPS && shareOfSize - this.#error >= 0.5;
  }

  /** The standard error of the share. */
  get #error(): number {
    const unexplained = Math.max(0, this.#latencySquares - this.#products ** 2 / this.#steps);
    return Math.sqrt(unexplained / this.#steps / STEPS_REMEMBERED);
  }

  add(items: number, millis: number): void {
    this.#latency = average(this.#latency, millis);
    const now = { size: Math.log(items), latency: Math.log(Math.max(1, millis)) };
    const before = this.#before;
    this.#before = now;
    if (before === undefined) return;
    const size = now.size - before.size;
    const latency = now.latency - before.latency;
    // The latency changed by more than a factor of two beyond what the size explains: that was the backend.
    if (Math.abs(latency) > Math.abs(size) + Math.LN2) return;
    this.#seen += 1;
    this.#steps += SLOW_ALPHA * (size * size - this.#steps);
    this.#products += SLOW_ALPHA * (size * latency - this.#products);
    this.#latencySquares += SLOW_ALPHA * (latency * latency - this.#latencySquares);
  }
}

/** Half the weight of {@link ALPHA}: a regression needs more to go by than a mean. */
const SLOW_ALPHA = ALPHA / 2;
/** As many steps weigh as much as a moving average with {@link SLOW_ALPHA} does. */
const STEPS_REMEMBERED = 2 / SLOW_ALPHA - 1;
/** A line through one or two points is always exact. */
const ENOUGH_STEPS = 10;
/** A share whose standard error is larger could as well be that of a latency that varies by itself: 30 % of jitter look like a share of a half now and then. */
const MOST_ERROR = 0.25;
/** Sizes that differ by less than 5 %, on average, teach nothing. */
const LEAST_STEP = 0.05;
