import { ignoreRejection } from '../internal/runGuarded.ts';
import { InvalidOptionError } from '../model/errors.ts';
import { estimateItemBytes, UNREADABLE_ITEM_BYTES } from './itemBytes.ts';
import { Ring } from './ring.ts';

/** What a queue holds at most. */
export interface QueueLimits {
  readonly maxQueueSize: number;
  readonly maxQueueBytes: number;
}

/** A first-in, first-out queue that knows the bytes of its items, and whether it has room. O(1) per item. */
export class BoundedQueue<T> {
  readonly #limits: QueueLimits;
  readonly #items = new Ring<T>();
  readonly #sizes = new Ring<number>(); // bytes of each item, in the same order
  #bytes = 0; // of all items

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#items.length;
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

  /** Adds an item that fits. */
  push(item: T, bytes: number): void {
    this.#items.push(item);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
  }

  /** Removes the oldest item. There has to be one. */
  shift(): T {
    this.#subtract(this.#sizes.shift() as number);
    return this.#items.shift() as T;
  }

  /** Removes the oldest items, up to `maxItems` and `maxBytes`; the oldest one in any case. */
  take(maxItems: number, maxBytes: number): T[] {
    let count = 0;
    let bytes = 0;
    while (count < maxItems) {
      const next = this.#sizes.peek();
      if (next === undefined || (count > 0 && bytes + next > maxBytes)) break;
      bytes += next;
      count += 1;
      this.#sizes.shift();
    }
    this.#subtract(bytes);
    return this.#items.take(count);
  }

  /** Removes everything, in the order in which it came. */
  clear(): T[] {
    this.#sizes.take(this.length);
    this.#bytes = 0;
    return this.#items.take(this.length);
  }

  /** The bytes of items that have just left `#sizes`. An empty queue holds 0, whatever fractions of a byte have been rounded off. */
  #subtract(bytes: number): void {
    this.#bytes = this.#sizes.length === 0 ? 0 : this.#bytes - bytes;
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
    if ((sizeOf as unknown) !== estimateItemBytes) reporter.callbackFailed(thrown);
  }
  return UNREADABLE_ITEM_BYTES;
}
