import { ignoreRejection } from '../internal/runGuarded.ts';
import { InvalidOptionError } from '../model/errors.ts';
import { isOwnEstimate, UNREADABLE_ITEM_BYTES } from './itemBytes.ts';
import { type Evictable, type Places, RingPlaces } from './places.ts';
import { DEFAULT_PRIORITY } from './priority.ts';

/** What a queue holds at most. */
export interface QueueLimits {
  readonly maxQueueSize: number;
  readonly maxQueueBytes: number;
}

/** A first-in, first-out queue that knows the bytes of its items, and whether it has room. O(1) per item. */
export class BoundedQueue<T> {
  readonly #limits: QueueLimits;
  readonly #places: Places<T>;
  #bytes = 0; // of all items

  constructor(limits: QueueLimits, places: Places<T> = new RingPlaces()) {
    this.#limits = limits;
    this.#places = places;
  }

  get length(): number {
    return this.#places.length;
  }

  /** How many items had come before the oldest one; of an empty queue, before the next one. */
  get sequence(): number {
    return this.#places.sequence;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How full it is, from 0 to 1: in items or in bytes, whichever is more. */
  get fillRatio(): number {
    return Math.max(this.length / this.#limits.maxQueueSize, this.#bytes / this.#limits.maxQueueBytes);
  }

  /** Whether an item of this size can ever be held. */
  admits(bytes: number): boolean {
    return bytes <= this.#limits.maxQueueBytes;
  }

  /** Whether there is room for an item of this size now. */
  fits(bytes: number): boolean {
    return this.length < this.#limits.maxQueueSize && this.#bytes + bytes <= this.#limits.maxQueueBytes;
  }

  /** Whether an item would fit if everything had left that it may evict. */
  wouldFit(bytes: number, { items, bytes: evictableBytes }: Evictable): boolean {
    const { maxQueueSize, maxQueueBytes } = this.#limits;
    return this.length - items < maxQueueSize && this.#bytes - evictableBytes + bytes <= maxQueueBytes;
  }

  /** What an item of this priority may evict. */
  evictable(priority: number): Evictable {
    return this.#places.evictable(priority, this.#bytes);
  }

  /** Adds an item that fits. */
  push(item: T, bytes: number, priority: number = DEFAULT_PRIORITY): void {
    this.#places.push(item, bytes, priority);
    this.#bytes += bytes;
  }

  /** Removes the oldest item. There has to be one. */
  shift(): T {
    const bytes = this.#places.firstBytes as number;
    const item = this.#places.shift();
    this.#subtract(bytes);
    return item;
  }

  /** Removes the item that goes first when there is no room: the oldest, or the oldest of the least important. There has to be one. */
  evict(): T {
    const { item, bytes } = this.#places.evict();
    this.#subtract(bytes);
    return item;
  }

  /** Removes the oldest items, up to `maxItems` and `maxBytes`; the oldest one in any case. */
  take(maxItems: number, maxBytes: number): T[] {
    const taken: T[] = [];
    let bytes = 0;
    while (taken.length < maxItems) {
      const next = this.#places.firstBytes;
      if (next === undefined || (taken.length > 0 && bytes + next > maxBytes)) break;
      bytes += next;
      taken.push(this.#places.shift());
    }
    this.#subtract(bytes);
    return taken;
  }

  /** Removes everything, in the order in which it came. */
  clear(): T[] {
    return this.take(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
  }

  /** The bytes of items that have just left. An empty queue holds 0, whatever fractions of a byte have been rounded off. */
  #subtract(bytes: number): void {
    this.#bytes = this.length === 0 ? 0 : this.#bytes - bytes;
  }
}

/** The bytes of an item. If `sizeOf` throws or returns an invalid number, that is reported, and the item counts as {@link UNREADABLE_ITEM_BYTES}. */
export function measure<T>(
  item: T,
  sizeOf: (item: T) => number,
  reporter: { callbackFailed(thrown: unknown): void },
): number {
  try {
    const bytes = sizeOf(item);
    if (bytes >= 0 && bytes < Number.POSITIVE_INFINITY) return bytes;
    ignoreRejection(bytes);
    reporter.callbackFailed(new InvalidOptionError('what sizeOf returns', 'a number of bytes, from 0', bytes));
  } catch (thrown) {
    // The default estimate is no callback: what throws is the item itself, and its encoder reports that.
    if (!isOwnEstimate(sizeOf)) reporter.callbackFailed(thrown);
  }
  return UNREADABLE_ITEM_BYTES;
}
