import {
  average,
  type BatchEnded,
  type BatchLeft,
  type BatchSizeLimits,
  type BatchSizeStrategy,
  type BatchSizeStrategyFactory,
  GROW,
  SHRINK,
  splitBecause,
  within,
} from './batchSize.ts';
import { LatencyBySize } from './latencyBySize.ts';

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
  return (limits) => new ResponsiveSize(limits);
}

class ResponsiveSize implements BatchSizeStrategy {
  readonly #limits: BatchSizeLimits;
  readonly #cost = new LatencyBySize();
  readonly #fill: FillTime;
  #size: number;
  #because = 'latency'; // the size changed last
  #queuedBefore = 0;
  #batchesToProbe = 0; // until a size may be tried out
  #sizeBefore: number | undefined; // where the last step up began, as long as it may have been wrong
  #probedFrom: number | undefined; // where a smaller size was tried out, until that has taught something

  constructor(limits: BatchSizeLimits) {
    this.#limits = limits;
    this.#fill = new FillTime(limits);
    this.#size = limits.initialExportBatchSize;
  }

  get size(): number {
    return Math.round(this.#size);
  }

  get because(): string {
    return this.#because;
  }

  get delayMillis(): number {
    return this.#fill.delayMillis(this.#size);
  }

  left(batch: BatchLeft): void {
    this.#fill.add(batch);
  }

  ended(batch: BatchEnded): void {
    const queueGrows = batch.queued > this.#queuedBefore;
    this.#queuedBefore = batch.queued;
    this.#size = within(this.#size, this.#limits.minExportBatchSize, this.#limits.maxExportBatchSize);
    // The duration of a batch that was split or timed out is not that of one request of its size.
    if (batch.requests > 1 || batch.timeouts > 0) this.#fitToPieces(batch);
    else {
      this.#because = 'latency';
      if (batch.delivered !== 0) this.#followLatency(batch, queueGrows);
    }
  }

  #fitToPieces(batch: BatchEnded): void {
    this.#because = splitBecause(batch);
    this.#probedFrom = undefined;
    if (batch.requests > 1) this.#fitTo(batch.items / batch.requests);
    else this.#shrink();
  }

  #followLatency({ items, attemptMillis }: BatchEnded, queueGrows: boolean): void {
    this.#batchesToProbe = Math.max(0, this.#batchesToProbe - 1);
    this.#cost.add(items, attemptMillis);
    this.#endProbe();
    const { latency } = this.#cost;
    const { targetLatencyMillis } = this.#limits;
    if (latency < 0.5 * targetLatencyMillis) this.#grow();
    else if (latency <= 1.5 * targetLatencyMillis) this.#tryLarger(items);
    else if (!queueGrows) this.#tryFaster();
  }

  /** In time, but not by far: larger batches are tried if batches are full at all, and given up when they turn out to cost latency. */
  #tryLarger(items: number): void {
    const { shareOfSize } = this.#cost;
    const isFull = items >= SHRINK * this.#size;
    if (shareOfSize !== undefined && shareOfSize > FREE) this.#takeStepBack();
    else if (isFull && shareOfSize === undefined) this.#probe(() => this.#stepUp());
    else if (isFull) this.#stepUp();
  }

  /** Late: smaller batches if the latency comes from the size, larger ones if they cost none. */
  #tryFaster(): void {
    const { shareOfSize, isMostlySize } = this.#cost;
    if (shareOfSize === undefined) this.#probe(() => this.#stepDown());
    else if (isMostlySize) {
      this.#probedFrom = undefined;
      this.#shrink();
    } else if (shareOfSize <= FREE) this.#grow();
  }

  /** Batches of one size teach nothing about size: so, now and then, one of another is tried. */
  #probe(change: () => void): void {
    if (this.#batchesToProbe > 0) return;
    this.#batchesToProbe = PROBE_EVERY;
    this.#because = 'probe';
    change();
  }

  /** Smaller batches are tried out for a few batches. If the latency has not told by then that it comes from the size, they were not worth it. */
  #endProbe(): void {
    if (this.#probedFrom === undefined || this.#batchesToProbe > PROBE_EVERY - PROBE_BATCHES) return;
    this.#size = Math.max(this.#size, this.#probedFrom);
    this.#probedFrom = undefined;
  }

  #stepUp(): void {
    this.#sizeBefore = this.#size;
    this.#grow();
  }

  #takeStepBack(): void {
    this.#size = Math.min(this.#size, this.#sizeBefore ?? this.#size);
    this.#sizeBefore = undefined;
  }

  #stepDown(): void {
    this.#probedFrom = this.#size;
    this.#shrink();
  }

  #grow(): void {
    this.#size = Math.min(this.#limits.maxExportBatchSize, this.#size * GROW);
  }

  #shrink(): void {
    this.#fitTo(this.#size * SHRINK);
  }

  #fitTo(largest: number): void {
    this.#size = Math.max(this.#limits.minExportBatchSize, Math.min(this.#size, largest));
  }
}

/** Up to this share of the latency, the size costs nothing. */
const FREE = 0.25;
/** A probe costs a few batches of 0.8 or 1.2 times the size: once in this many batches is often enough for what it teaches. */
const PROBE_EVERY = 64;
/** A probe lasts for so many batches, of which the first ones were under way when it began. */
const PROBE_BATCHES = 8;

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
