import type { QueueLimits } from '../../flow/boundedQueue.ts';
import { Ring } from '../../flow/ring.ts';
import type { Batch } from '../../model/batch.ts';

/** A first-in, first-out queue of batches, bounded by their items and their bytes. */
export class BatchQueue<B extends Pick<Batch<unknown>, 'items' | 'bytes'>> {
  readonly #limits: QueueLimits;
  readonly #batches = new Ring<B>();
  #items = 0; // of all batches
  #bytes = 0; // likewise

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#batches.length;
  }

  get items(): number {
    return this.#items;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How full it is, from 0 to 1: in items or in bytes, whichever is more. */
  get fillRatio(): number {
    return Math.max(this.#items / this.#limits.maxQueueSize, this.#bytes / this.#limits.maxQueueBytes);
  }

  /** Whether there is room for this batch: one that is alone always has some. */
  fits({ items, bytes }: B): boolean {
    if (this.length === 0) return true;
    const { maxQueueSize, maxQueueBytes } = this.#limits;
    return this.#items + items.length <= maxQueueSize && this.#bytes + bytes <= maxQueueBytes;
  }

  push(batch: B): void {
    this.#batches.push(batch);
    this.#items += batch.items.length;
    this.#bytes += batch.bytes;
  }

  shift(): B | undefined {
    const batch = this.#batches.shift();
    if (batch === undefined) return undefined;
    this.#items -= batch.items.length;
    // An empty queue holds 0, whatever fractions of a byte have been rounded off.
    this.#bytes = this.length === 0 ? 0 : this.#bytes - batch.bytes;
    return batch;
  }
}
