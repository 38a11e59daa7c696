/**
 * A first-in, first-out queue in a circular array: O(1) at both ends, however long it grows.
 * (An array's `shift` copies: beyond some 16,000 elements it takes microseconds.)
 *
 * It has no bound of its own: its owner checks {@link Ring.length} first.
 */
export class Ring<T> {
  #slots: (T | undefined)[] = new Array(64);
  #head = 0; // index of the first element
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item;
    this.#length += 1;
  }

  /** The first element, which stays. */
  peek(): T | undefined {
    return this.#length === 0 ? undefined : this.#slots[this.#head];
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined; // let go of what has left
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length -= 1;
    return item;
  }

  /** The first `count` elements, which leave. */
  take(count: number): T[] {
    const taken = new Array<T>(Math.min(count, this.#length));
    for (let index = 0; index < taken.length; index += 1) taken[index] = this.shift() as T;
    return taken;
  }

  #grow(): void {
    // The length stays a power of two, so that a mask wraps an index.
    const grown = new Array<T | undefined>(this.#slots.length * 2);
    for (let index = 0; index < this.#length; index += 1) {
      grown[index] = this.#slots[(this.#head + index) & (this.#slots.length - 1)];
    }
    this.#slots = grown;
    this.#head = 0;
  }
}
