import type { PartLimits } from '../../destination/destination.ts';
import { estimateOr } from '../../flow/itemBytes.ts';
import { type Batch, NO_HOLD } from '../../model/batch.ts';

/** Cuts a batch into parts that a backend takes: usually one part, the batch itself. A part is a batch of its own. */
export class Parts<T> {
  readonly #batch: Batch<T>;
  readonly #bytes: number; // of all items; 1 for each item, where the batch does not say
  #sizes: readonly number[] | undefined; // estimated bytes of each item, once they are needed
  #start = 0; // of the last part
  #last: Batch<T> | undefined;

  constructor(batch: Batch<T>) {
    this.#batch = batch;
    this.#bytes = batch.bytes > 0 ? batch.bytes : batch.items.length;
  }

  /** As many items from `start` on as the limits allow, and at least one. The same part cut again is the same object, because a sink may cache its body by it. */
  cut(start: number, limits: PartLimits): Batch<T> {
    const count = this.#count(start, limits);
    if (this.#last === undefined || this.#start !== start || this.#last.items.length !== count) {
      this.#start = start;
      this.#last = this.#part(start, count);
    }
    return this.#last;
  }

  /** The bytes of a part, by which limits are learned. */
  bytesOf(part: Batch<T>): number {
    return part === this.#batch ? this.#bytes : part.bytes;
  }

  #count(start: number, { maxItems, maxBytes }: PartLimits): number {
    const { items } = this.#batch;
    const atMost = Math.min(items.length - start, Math.max(1, Math.floor(maxItems)));
    if (maxBytes === Number.POSITIVE_INFINITY || (atMost === items.length && this.#bytes <= maxBytes)) return atMost;
    const sizes = this.#bytesOfItems();
    let count = 1;
    let sum = sizes[start] ?? 0;
    for (; count < atMost; count += 1) {
      sum += sizes[start + count] ?? 0;
      if (sum > maxBytes) break;
    }
    return count;
  }

  #part(start: number, count: number): Batch<T> {
    const { items, closedBy } = this.#batch;
    if (count === items.length) return this.#batch;
    const end = start + count;
    const bytes = sumOf(this.#bytesOfItems().slice(start, end));
    return { items: items.slice(start, end), bytes, closedBy, partOf: this.#batch, hold: () => NO_HOLD };
  }

  /** The sizes add up to the bytes of the batch. An item whose size cannot be estimated has the average. */
  #bytesOfItems(): readonly number[] {
    if (this.#sizes !== undefined) return this.#sizes;
    const { items } = this.#batch;
    const average = this.#bytes / items.length;
    const estimated = items.map((item) => estimateOr(item, 0) || average);
    const scale = (average * items.length) / sumOf(estimated);
    this.#sizes = estimated.map((size) => size * scale);
    return this.#sizes;
  }
}

function sumOf(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}
