import {
  ALPHA,
  average,
  type BatchLeft,
  type BatchSizeLimits,
  type BatchSizeStrategyFactory,
  GROW,
  SHRINK,
  splitBecause,
  within,
} from './batchSize.ts';

/**
 * The default strategy. Below half of the target latency the size grows. Above that, it depends on how much of the latency comes from the size. Up to a quarter of the latency: the size grows, because larger batches
 * cost nothing and there are fewer of them. Half of the latency or more: above 1.5 × the target the size shrinks, but never while the queue grows. A step up that turns out to cost latency is taken back,
 * and so is a step down that was tried out and has not told. Where the latency varies so much by itself (by 30 %, for example) that its share cannot be told, the size stays where it is.
 *
 * A batch that had to be split because it was too large or too slow in one piece brings the size down to that of the pieces, and one that timed out shrinks it.
 *
 * The delay follows the arrivals: twice the time that a batch has lately taken to fill, at most `scheduledDelayMillis`. When a batch has not
 * filled by then, the burst is over, and a longer wait would only make it late.
 *
 * @example
 * ```ts
 * spans$.pipe(adaptiveBatch({ targetLatencyMillis: 200, strategy: responsiveSize() }));
 * ```
 */
export function responsiveSize(): BatchSizeStrategyFactory {
  return (limits) => {
    const cost = new LatencyBySize();
    const fill = new FillTime(limits);
    let size = limits.initialExportBatchSize;
    let queuedBefore = 0;
    let batchesToProbe = 0; // until a size may be tried out
    let because = 'latency'; // the size changed last
    let sizeBefore: number | undefined; // where the last step up began, as long as it may have been wrong
    let probedFrom: number | undefined; // where a smaller size was tried out, until that has taught something

    const grow = () => {
      size = Math.min(limits.maxExportBatchSize, size * GROW);
    };
    const fitTo = (largest: number) => {
      size = Math.max(limits.minExportBatchSize, Math.min(size, largest));
    };
    const shrink = () => fitTo(size * SHRINK);
    // In time, but not by far: larger batches are tried if batches are full at all, and given up when they turn out to cost latency.
    const tryLarger = (items: number, shareOfSize: number | undefined) => {
      const isFree = shareOfSize === undefined || shareOfSize <= 0.25;
      if (!isFree) {
        size = Math.min(size, sizeBefore ?? size);
        sizeBefore = undefined;
      } else if (items >= SHRINK * size) {
        const step = () => {
          sizeBefore = size;
          grow();
        };
        if (shareOfSize === undefined) probe(step);
        else step();
      }
    };
    // Batches of one size teach nothing about size: so, now and then, one of another is tried.
    const probe = (change: () => void) => {
      if (batchesToProbe > 0) return;
      batchesToProbe = PROBE_EVERY;
      because = 'probe';
      change();
    };

    // Smaller batches are tried out for a few batches. If the latency has not told by then that it comes from the size, they were not worth it.
    const probeSmaller = () =>
      probe(() => {
        probedFrom = size;
        shrink();
      });
    const endProbe = () => {
      if (probedFrom === undefined || batchesToProbe > PROBE_EVERY - PROBE_BATCHES) return;
      size = Math.max(size, probedFrom);
      probedFrom = undefined;
    };

    return {
      get size() {
        return Math.round(size);
      },
      get because() {
        return because;
      },
      get delayMillis() {
        return fill.delayMillis(size);
      },
      left: (batch) => fill.add(batch),
      ended(batch) {
        const queueGrows = batch.queued > queuedBefore;
        queuedBefore = batch.queued;
        size = within(size, limits.minExportBatchSize, limits.maxExportBatchSize);
        because = batch.requests > 1 || batch.timeouts > 0 ? splitBecause(batch) : 'latency';
        if (batch.requests > 1 || batch.timeouts > 0) probedFrom = undefined;
        if (batch.requests > 1) fitTo(batch.items / batch.requests);
        else if (batch.timeouts > 0) shrink();
        // Its duration is not that of one request of its size.
        if (batch.delivered === 0 || batch.requests > 1 || batch.timeouts > 0) return;
        batchesToProbe = Math.max(0, batchesToProbe - 1);
        cost.add(batch.items, batch.attemptMillis);
        const { latency, shareOfSize } = cost;
        endProbe();
        const isLate = latency > 1.5 * limits.targetLatencyMillis;
        if (latency < 0.5 * limits.targetLatencyMillis) grow();
        else if (!isLate) tryLarger(batch.items, shareOfSize);
        else if (queueGrows) return;
        else if (shareOfSize === undefined) probeSmaller();
        else if (cost.isMostlySize) {
          probedFrom = undefined;
          shrink();
        } else if (shareOfSize <= 0.25) grow();
      },
    };
  };
}

/** A probe costs a few batches of 0.8 or 1.2 times the size: once in this many batches is often enough for what it teaches. */
const PROBE_EVERY = 64;
/** A probe lasts for so many batches, of which the first ones were under way when it began. */
const PROBE_BATCHES = 8;

/**
 * How much of the latency comes from the size: the elasticity, by a regression over the steps from one batch to the next, on a logarithmic scale, with
 * exponential forgetting. For a latency of fixed part + slope × size that is the share of the second term.
 *
 * Steps, not levels: a backend that becomes slow while batches happen to be large must not look like large batches being slow.
 */
class LatencyBySize {
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

/** The average time between items, and the delay that follows from it. */
class FillTime {
  readonly #limits: Pick<BatchSizeLimits, 'scheduledDelayMillis'>;
  #millisPerItem: number | undefined;

  constructor(limits: Pick<BatchSizeLimits, 'scheduledDelayMillis'>) {
    this.#limits = limits;
  }

  add(batch: BatchLeft): void {
    this.#millisPerItem = average(this.#millisPerItem, batch.openMillis / batch.items);
  }

  delayMillis(size: number): number {
    const maxMillis = this.#limits.scheduledDelayMillis;
    if (this.#millisPerItem === undefined) return maxMillis;
    // A timer below a millisecond takes one millisecond; a burst within no time says nothing about the next one.
    const twiceToFill = 2 * size * this.#millisPerItem;
    return twiceToFill < 1 ? maxMillis : Math.min(maxMillis, twiceToFill);
  }
}
