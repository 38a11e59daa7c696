import { Ring } from '../../flow/ring.ts';

/** What goes out: one after the other, never one within the other, so that what comes back in during an emission goes out behind the rest. */
export class Outlet<T> {
  readonly #emit: (value: T) => void;
  readonly #waiting = new Ring<T>();
  #draining = false;

  constructor(emit: (value: T) => void) {
    this.#emit = emit;
  }

  /** How many values wait for the emission that is under way. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Whether everything has gone out, and every emission has returned. */
  get isIdle(): boolean {
    return !this.#draining && this.#waiting.length === 0;
  }

  push(value: T): void {
    this.#waiting.push(value);
  }

  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (let value = this.#waiting.shift(); value !== undefined; value = this.#waiting.shift()) this.#emit(value);
    this.#draining = false;
  }

  /** What has not gone out leaves. */
  clear(): T[] {
    return this.#waiting.take(this.#waiting.length);
  }
}
