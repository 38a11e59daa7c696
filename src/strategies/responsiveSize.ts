import {
  ALPHA,
  average,
  type BatchLeft,
  type BatchSizeLimits,
  type BatchSizeStrategyFactory,
  GROW,
  SHRINK,
} from './batchSize.ts';

/**
 * The default. It grows like `latencyTarget`; it shrinks only when a smaller batch is a faster one (at least half of the latency
 * must come from the size, by a regression over the recent batches), and never while the queue grows.
 *
 * The delay follows the arrivals: twice the time that a batch has lately taken to fill, at most `scheduledDelayMillis`. When a batch has not
 * filled by then, the burst is over, and waiting on would only make it late.
 */
export function responsiveSize(): BatchSizeStrategyFactory {
  return (limits) => {
    const cost = new LatencyBySize();
    const fill = new FillTime(limits);
    const probe = new Probe();
    let size = limits.initialExportBatchSize;
    let queuedBefore = 0;

    const grow = () => {
      size = Math.min(limits.maxExportBatchSize, size * GROW);
    };
    const shrink = () => {
      size = Math.max(limits.minExportBatchSize, size * SHRINK);
    };

    return {
      get size() {
        return Math.round(size);
      },
      get delayMillis() {
        return fill.delayMillis(size);
      },
      left: (batch) => fill.add(batch),
      ended(batch) {
        const queueGrows = batch.queued > queuedBefore;
        queuedBefore = batch.queued;
        if (batch.delivered === 0) return;
        cost.add(batch.items, batch.attemptMillis);
        if (cost.latency < 0.5 * limits.targetLatencyMillis) return grow();
        if (cost.latency <= 1.5 * limits.targetLatencyMillis || queueGrows) return;
        if (cost.shareOfSize !== undefined) {
          if (cost.shareOfSize >= 0.5) shrink();
          else size = probe.undo(size);
        } else if (probe.isDue()) size = probe.start(size, limits.minExportBatchSize);
      },
    };
  };
}

/**
 * Batches of one size teach nothing about size. So, now and then, a size is tried that is a little smaller; when that turns out to make no
 * difference, it is taken back, and the next try is a long time off.
 */
class Probe {
  #sizeBefore: number | undefined;
  #batchesToWait = 0;

  isDue(): boolean {
    if (this.#batchesToWait > 0) this.#batchesToWait -= 1;
    return this.#sizeBefore === undefined && this.#batchesToWait === 0;
  }

  start(size: number, min: number): number {
    this.#sizeBefore = size;
    return Math.max(min, size * SHRINK);
  }

  undo(size: number): number {
    const before = this.#sizeBefore;
    if (before === undefined) return size;
    this.#sizeBefore = undefined;
    this.#batchesToWait = 64;
    return Math.max(before, size);
  }
}

/** A regression of latency on size, with exponential forgetting: latency ≈ fixed part + slope × size. */
class LatencyBySize {
  #size: number | undefined; // moving averages: size, …
  #latency = 0; // … latency, …
  #sizeVariance = 0; // … variance of the size, …
  #covariance = 0; // … covariance of both

  get latency(): number {
    return this.#latency;
  }

  /** Which part of the latency comes from the size, 0 to 1; undefined as long as the sizes differ too little to tell. */
  get shareOfSize(): number | undefined {
    const size = this.#size ?? 0;
    if (this.#sizeVariance < (0.05 * size) ** 2 || this.#latency === 0) return undefined;
    const slope = this.#covariance / this.#sizeVariance;
    return Math.min(1, Math.max(0, (slope * size) / this.#latency));
  }

  add(size: number, latency: number): void {
    if (this.#size === undefined) {
      this.#size = size;
      this.#latency = latency;
      return;
    }
    const sizeOff = size - this.#size;
    const latencyOff = latency - this.#latency;
    this.#size += ALPHA * sizeOff;
    this.#latency += ALPHA * latencyOff;
    this.#sizeVariance = (1 - ALPHA) * (this.#sizeVariance + ALPHA * sizeOff * sizeOff);
    this.#covariance = (1 - ALPHA) * (this.#covariance + ALPHA * sizeOff * latencyOff);
  }
}

/** How long an item takes to arrive, on average, and what that means for a batch. */
class FillTime {
  readonly #maxMillis: number;
  #millisPerItem: number | undefined;

  constructor(limits: BatchSizeLimits) {
    this.#maxMillis = limits.scheduledDelayMillis;
  }

  add(batch: BatchLeft): void {
    this.#millisPerItem = average(this.#millisPerItem, batch.openMillis / batch.items);
  }

  delayMillis(size: number): number {
    if (this.#millisPerItem === undefined) return this.#maxMillis;
    // A timer below a millisecond is one millisecond; a burst that came in no time says nothing about the next.
    const twiceToFill = 2 * size * this.#millisPerItem;
    return twiceToFill < 1 ? this.#maxMillis : Math.min(this.#maxMillis, twiceToFill);
  }
}
