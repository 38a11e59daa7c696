import { Ring } from './ring.ts';

/** Items that can leave a queue for a newer one. */
export interface Evictable {
  readonly items: number;
  readonly bytes: number;
}

/** Where a bounded queue keeps its items: first in, first out, and one of them may be evicted. Every verb takes O(1). It has no bound of its own. */
export interface Places<T> {
  readonly length: number;
  /** The bytes of the oldest item. */
  readonly firstBytes: number | undefined;
  /** How many items had come before the oldest one; of an empty queue, before the next one. */
  readonly sequence: number;
  push(item: T, bytes: number, priority: number): void;
  /** Removes the oldest item. There has to be one. */
  shift(): T;
  /** What an item of this priority may evict, where that many `bytes` are in all places. */
  evictable(priority: number, bytes: number): Evictable;
  /** Removes the item that is to be evicted next, and returns it with its bytes. There has to be one. */
  evict(): { readonly item: T; readonly bytes: number };
}

/** Places in which age alone counts: the oldest item is evicted, whatever its priority. */
export class RingPlaces<T> implements Places<T> {
  readonly #items = new Ring<T>();
  readonly #sizes = new Ring<number>(); // bytes of each item, in the same order
  #left = 0; // items that have left

  get length(): number {
    return this.#items.length;
  }

  get firstBytes(): number | undefined {
    return this.#sizes.peek();
  }

  get sequence(): number {
    return this.#left;
  }

  push(item: T, bytes: number): void {
    this.#items.push(item);
    this.#sizes.push(bytes);
  }

  shift(): T {
    this.#left += 1;
    this.#sizes.shift();
    return this.#items.shift() as T;
  }

  evictable(_priority: number, bytes: number): Evictable {
    return { items: this.length, bytes };
  }

  evict(): { item: T; bytes: number } {
    const bytes = this.firstBytes as number;
    return { item: this.shift(), bytes };
  }
}
