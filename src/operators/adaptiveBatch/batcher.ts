import { BoundedQueue, type QueueLimits } from '../../flow/boundedQueue.ts';
import type { Taken } from '../../flow/heldBatch.ts';
import type { CloseReason } from '../../model/batch.ts';

/** What a batcher holds at most, and how large its batches get. */
export interface BatcherLimits extends QueueLimits {
  readonly maxExportBatchSize: number;
  readonly maxExportBatchBytes: number;
}

/**
 * A bounded queue that knows when its front is due as a batch: by count, by bytes, or by {@link Batcher.makeAllDue} (a timer, a flush, the
 * end). What is due stays due; until it is taken, it grows up to the maximum of a batch.
 *
 * It knows neither time nor streams. O(1) per item.
 */
export class Batcher<T> extends BoundedQueue<T> {
  readonly #limits: BatcherLimits;
  #target: number; // items that make a batch due
  #left = 0; // items that have left, in batches or otherwise
  #dueCount = 0; // items at the front that are due
  #closedBy: CloseReason = 'count'; // why, while some are

  constructor(limits: BatcherLimits, target: number) {
    super(limits);
    this.#limits = limits;
    this.#target = target;
  }

  /** The sequence number of the item at the front: how many items have left before it. */
  get sequence(): number {
    return this.#left;
  }

  get due(): boolean {
    return this.#dueCount > 0;
  }

  get target(): number {
    return this.#target;
  }

  /** How many batches of the largest size wait, by count or by bytes, whichever is more; at least two when the queue is full. */
  get fullBatches(): number {
    const { maxQueueSize, maxQueueBytes, maxExportBatchSize, maxExportBatchBytes } = this.#limits;
    return Math.max(
      this.length / Math.min(maxExportBatchSize, maxQueueSize / 2),
      this.bytes / Math.min(maxExportBatchBytes, maxQueueBytes / 2),
    );
  }

  /** Changes the number of items that makes a batch due. */
  aim(target: number): void {
    this.#target = target;
    this.#checkTargets();
  }

  override push(item: T, bytes: number): void {
    super.push(item, bytes);
    this.#checkTargets();
  }

  override shift(): T {
    const item = super.shift();
    this.#leave(1);
    return item;
  }

  override clear(): T[] {
    const items = super.clear();
    this.#leave(items.length);
    return items;
  }

  /** Makes everything that is queued due. The first reason stays. */
  makeAllDue(closedBy: CloseReason): void {
    this.#makeDue(this.length, closedBy);
  }

  /** The next batch, if one is due. */
  takeBatch(): Taken<T> | undefined {
    if (this.#dueCount === 0) return undefined;
    const closedBy = this.#closedBy;
    const before = this.bytes;
    const items = this.take(this.#limits.maxExportBatchSize, this.#limits.maxExportBatchBytes);
    const bytes = before - this.bytes;
    this.#leave(items.length);
    return { items, bytes, closedBy };
  }

  #leave(count: number): void {
    this.#left += count;
    this.#dueCount = Math.max(0, this.#dueCount - count);
    this.#checkTargets();
  }

  /** Unless something is due already. By bytes only what fits into one batch is due: an item that is too much for it begins the next. */
  #checkTargets(): void {
    if (this.#dueCount > 0) return;
    const { maxExportBatchBytes } = this.#limits;
    if (this.length >= this.#target) this.#makeDue(this.length, 'count');
    else if (this.bytes > maxExportBatchBytes && this.length > 1) this.#makeDue(1, 'bytes');
    else if (this.bytes >= maxExportBatchBytes) this.#makeDue(this.length, 'bytes');
  }

  #makeDue(count: number, closedBy: CloseReason): void {
    if (this.#dueCount === 0) this.#closedBy = closedBy;
    this.#dueCount = Math.max(this.#dueCount, count);
  }
}
