import { BoundedQueue, type QueueLimits } from '../../flow/boundedQueue.ts';
import type { Taken } from '../../flow/heldBatch.ts';
import type { Places } from '../../flow/places.ts';
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
  #came = 0; // items so far
  #dueUpTo = 0; // items that came before this one are due
  #closedBy: CloseReason = 'count'; // why, while some are

  constructor(limits: BatcherLimits, target: number, places?: Places<T>) {
    super(limits, places);
    this.#limits = limits;
    this.#target = target;
  }

  /** How many items have come. */
  get came(): number {
    return this.#came;
  }

  get due(): boolean {
    return this.sequence < this.#dueUpTo; // never of an empty queue
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

  override push(item: T, bytes: number, priority?: number): void {
    super.push(item, bytes, priority);
    this.#came += 1;
    this.#checkTargets();
  }

  override evict(): T {
    const item = super.evict();
    this.#checkTargets();
    return item;
  }

  /** Makes everything that is queued due. The first reason stays. */
  makeAllDue(closedBy: CloseReason): void {
    this.#makeDue(this.#came, closedBy);
  }

  /** The next batch, if one is due. */
  takeBatch(): Taken<T> | undefined {
    if (!this.due) return undefined;
    const closedBy = this.#closedBy;
    const before = this.bytes;
    const items = this.take(this.#limits.maxExportBatchSize, this.#limits.maxExportBatchBytes);
    const bytes = before - this.bytes;
    this.#checkTargets();
    return { items, bytes, closedBy };
  }

  /** Unless something is due already. By bytes only what fits into one batch is due: an item that is too much for it begins the next. */
  #checkTargets(): void {
    if (this.due) return;
    const { maxExportBatchBytes } = this.#limits;
    if (this.length >= this.#target) this.#makeDue(this.#came, 'count');
    else if (this.bytes > maxExportBatchBytes && this.length > 1) this.#makeDue(this.sequence + 1, 'bytes');
    else if (this.bytes >= maxExportBatchBytes) this.#makeDue(this.#came, 'bytes');
  }

  #makeDue(upTo: number, closedBy: CloseReason): void {
    if (!this.due) this.#closedBy = closedBy;
    this.#dueUpTo = Math.max(this.#dueUpTo, upTo);
  }
}
