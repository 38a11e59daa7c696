import { Ring } from '../../flow/ring.ts';
import type { CloseReason } from '../../model/batch.ts';

/** What a batcher holds at most, and how large its batches get. */
export interface BatcherLimits {
  readonly maxQueueSize: number;
  readonly maxQueueBytes: number;
  readonly maxExportBatchSize: number;
  readonly maxExportBatchBytes: number;
}

/** Items that leave together. */
export interface Taken<T> {
  readonly items: readonly T[];
  readonly bytes: number;
  readonly closedBy: CloseReason;
}

/**
 * A bounded queue that knows when its front is due as a batch: by count, by bytes, or because somebody said so (a timer, a flush, the
 * end). What is due stays due; while nobody takes it, it grows up to the maximum of a batch.
 *
 * It knows neither time nor streams. O(1) per item.
 */
export class Batcher<T> {
  readonly #limits: BatcherLimits;
  readonly #items = new Ring<T>();
  readonly #sizes = new Ring<number>(); // bytes of each item, in the same order
  #bytes = 0; // of all items
  #target: number; // items that make a batch due
  #dueCount = 0; // items at the front that have to go
  #closedBy: CloseReason = 'count'; // why, as long as some have to

  constructor(limits: BatcherLimits, target: number) {
    this.#limits = limits;
    this.#target = target;
  }

  get length(): number {
    return this.#items.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get due(): boolean {
    return this.#dueCount > 0;
  }

  get target(): number {
    return this.#target;
  }

  /** How many batches of the largest size wait, whichever of count and bytes says more; at least two when the queue is full. */
  get fullBatches(): number {
    const { maxQueueSize, maxQueueBytes, maxExportBatchSize, maxExportBatchBytes } = this.#limits;
    return Math.max(
      this.length / Math.min(maxExportBatchSize, maxQueueSize / 2),
      this.#bytes / Math.min(maxExportBatchBytes, maxQueueBytes / 2),
    );
  }

  /** Changes the number of items that makes a batch due. */
  aim(target: number): void {
    this.#target = target;
    this.#checkTargets();
  }

  /** Whether an item of this size can ever be held. */
  admits(bytes: number): boolean {
    return bytes <= this.#limits.maxQueueBytes;
  }

  /** Whether there is room for an item of this size now. */
  fits(bytes: number): boolean {
    return this.length < this.#limits.maxQueueSize && this.#bytes + bytes <= this.#limits.maxQueueBytes;
  }

  /** Adds an item that fits. */
  push(item: T, bytes: number): void {
    this.#items.push(item);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
    this.#checkTargets();
  }

  /** Removes the oldest item. */
  evict(): T | undefined {
    this.#bytes -= this.#sizes.shift() ?? 0;
    const evicted = this.#items.shift();
    if (this.#dueCount > 0) this.#dueCount -= 1;
    this.#checkTargets();
    return evicted;
  }

  /** Makes everything that is queued due. The first reason stays. */
  makeAllDue(closedBy: CloseReason): void {
    this.#makeDue(this.length, closedBy);
  }

  /** The next batch, if one is due. */
  take(): Taken<T> | undefined {
    if (this.#dueCount === 0) return undefined;
    const closedBy = this.#closedBy;
    const before = this.#bytes;
    const items = this.#items.take(this.#countToTake());
    const bytes = before - this.#bytes;
    this.#dueCount = Math.max(0, this.#dueCount - items.length);
    this.#checkTargets();
    return { items, bytes, closedBy };
  }

  /** Everything, in the order in which it came. */
  clear(): T[] {
    this.#sizes.take(this.length);
    this.#bytes = 0;
    this.#dueCount = 0;
    return this.#items.take(this.length);
  }

  /** As many from the front as a batch bears. Their bytes leave the sum. */
  #countToTake(): number {
    let count = 0;
    let bytes = 0;
    while (count < this.#limits.maxExportBatchSize) {
      const next = this.#sizes.peek();
      if (next === undefined || (count > 0 && bytes + next > this.#limits.maxExportBatchBytes)) break;
      bytes += next;
      count += 1;
      this.#sizes.shift();
    }
    this.#bytes -= bytes;
    return count;
  }

  /** Unless something is due already. By bytes it is what a batch bears: an item that is too much for it begins the next. */
  #checkTargets(): void {
    if (this.#dueCount > 0) return;
    const { maxExportBatchBytes } = this.#limits;
    if (this.length >= this.#target) this.#makeDue(this.length, 'count');
    else if (this.#bytes > maxExportBatchBytes && this.length > 1) this.#makeDue(1, 'bytes');
    else if (this.#bytes >= maxExportBatchBytes) this.#makeDue(this.length, 'bytes');
  }

  #makeDue(count: number, closedBy: CloseReason): void {
    if (this.#dueCount === 0) this.#closedBy = closedBy;
    this.#dueCount = Math.max(this.#dueCount, count);
  }
}
