import type { Subscription } from 'rxjs';
import type { Batch, Hold } from '../../model/batch.ts';
import type { Delivery } from './delivery.ts';

/** A batch that was taken. */
export interface Entry<T> {
  readonly delivery: Delivery<T>;
  readonly hold: Hold;
  readonly run: Subscription;
}

interface PendingLimits {
  readonly maxPendingItems: number;
  readonly maxPendingBytes: number;
}

/** The batches that were taken and have no outcome yet, within their bounds. */
export class Pending<T> {
  readonly #limits: PendingLimits;
  readonly #entries = new Set<Entry<T>>();
  #items = 0;
  #bytes = 0;

  constructor(limits: PendingLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** How many of them have an attempt in flight. */
  get inFlight(): number {
    return [...this.#entries].filter(({ delivery }) => delivery.inFlight).length;
  }

  /** Whether there is room for this batch: a batch that is alone always has some. */
  hasRoomFor({ batch, size }: Delivery<T>): boolean {
    if (this.#entries.size === 0) return true;
    const { maxPendingItems, maxPendingBytes } = this.#limits;
    return this.#items + size <= maxPendingItems && this.#bytes + bytesOf(batch) <= maxPendingBytes;
  }

  has(entry: Entry<T>): boolean {
    return this.#entries.has(entry);
  }

  add(entry: Entry<T>): void {
    this.#entries.add(entry);
    this.#items += entry.delivery.size;
    this.#bytes += bytesOf(entry.delivery.batch);
  }

  delete(entry: Entry<T>): void {
    this.#entries.delete(entry);
    this.#items -= entry.delivery.size;
    this.#bytes -= bytesOf(entry.delivery.batch);
  }

  /** Those that are pending now. One that ends another one on the way is followed by the next that is still pending. */
  *each(): Iterable<Entry<T>> {
    for (const entry of [...this.#entries]) if (this.#entries.has(entry)) yield entry;
  }
}

/** An operator in between may have given a batch without its bytes. */
function bytesOf(batch: Batch<unknown>): number {
  return batch.bytes >= 0 ? batch.bytes : 0;
}
