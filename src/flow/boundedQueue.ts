import { aFunction, optional, whole } from '../internal/validation.ts';
import { InvalidOptionError } from '../model/errors.ts';
import { aGate } from './gate.ts';
import { UNREADABLE_ITEM_BYTES } from './itemBytes.ts';
import { Ring } from './ring.ts';

/** What a queue holds at most. */
export interface QueueLimits {
  readonly maxQueueSize: number;
  readonly maxQueueBytes: number;
}

/** The rules of the options that each stage with a queue has. */
export const QUEUE_RULES = {
  maxQueueSize: whole(1),
  maxQueueBytes: whole(1),
  gate: optional(aGate),
  sizeOf: aFunction,
};

/** A first-in, first-out queue that knows the bytes of what it holds, and what it has room for. O(1) per item. */
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

  /** How full it is, from 0 to 1, whichever of items and bytes says more. */
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

  /** The oldest item, which leaves. There has to be one. */
  shift(): T {
    const bytes = this.#sizes.shift() as number;
    // An empty one holds nothing, whatever fractions of a byte have been rounded off meanwhile.
    this.#bytes = this.length === 1 ? 0 : this.#bytes - bytes;
    return this.#items.shift() as T;
  }

  /** Everything, in the order in which it came. */
  clear(): T[] {
    this.#sizes.take(this.length);
    this.#bytes = 0;
    return this.#items.take(this.length);
  }
}

/** The bytes of an item; where nobody can say, as many as an item is taken for. An exception or a number that is none is told. */
export function measure<T>(
  item: T,
  sizeOf: (item: T) => number,
  witness: { callbackFailed(thrown: unknown): void },
): number {
  try {
    const bytes = sizeOf(item);
    if (bytes >= 0 && bytes < Number.POSITIVE_INFINITY) return bytes;
    witness.callbackFailed(new InvalidOptionError('what sizeOf returns', 'a number of bytes, from 0', bytes));
  } catch (thrown) {
    witness.callbackFailed(thrown);
  }
  return UNREADABLE_ITEM_BYTES;
}
