import { Ring } from './ring.ts';

/** A place in the line for a slot. */
interface Ticket {
  start: (() => void) | undefined; // gone once it has started or was given up
}

/**
 * Runs up to `limit` pieces of work at a time and keeps the rest in line. Each piece of work that was started calls {@link Slots.release} once, at its end.
 *
 * Work that ends synchronously does not recurse: the line is drained by a loop, so a hundred thousand pieces need no more stack
 * than one. When the limit shrinks, work that runs goes on to its end.
 */
export class Slots {
  readonly #line = new Ring<Ticket>();
  readonly #onFree: () => void;
  #limit: number;
  #running = 0; // started and not yet released
  #waiting = 0; // in line and not given up
  #draining = false;
  #closed = false;

  /**
   * @param limit how many run at a time
   * @param onFree called when a slot is free and nothing waits for it
   */
  constructor(limit: number, onFree: () => void = () => {}) {
    this.#limit = limit;
    this.#onFree = onFree;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Whether work that comes now would start at once. */
  get free(): boolean {
    return !this.#closed && this.#waiting === 0 && this.#running < this.#limit;
  }

  get limit(): number {
    return this.#limit;
  }

  set limit(limit: number) {
    this.#limit = limit;
    this.#drain();
  }

  /** Starts the work when there is a slot, at once or later. The returned function gives up the place in line; after the start it does nothing. */
  acquire(start: () => void): () => void {
    if (this.#closed) return () => {};
    const ticket: Ticket = { start };
    this.#line.push(ticket);
    this.#waiting += 1;
    this.#drain();
    return () => this.#giveUp(ticket);
  }

  release(): void {
    this.#running -= 1;
    this.#drain();
  }

  /** Starts nothing from now on, and drops the work that waits. */
  close(): void {
    this.#closed = true;
    while (this.#line.length > 0) this.#giveUp(this.#line.shift() as Ticket);
  }

  #giveUp(ticket: Ticket): void {
    if (ticket.start === undefined) return;
    ticket.start = undefined;
    this.#waiting -= 1;
  }

  #drain(): void {
    if (this.#draining || this.#closed) return;
    this.#draining = true;
    try {
      do {
        while (this.#running < this.#limit && this.#waiting > 0) this.#startNext();
        this.#dropGivenUp();
        if (this.free) this.#onFree();
        // `onFree` may have brought more work, and work may have ended meanwhile.
      } while (!this.#closed && this.#waiting > 0 && this.#running < this.#limit);
    } finally {
      this.#draining = false;
    }
  }

  #startNext(): void {
    const ticket = this.#line.shift() as Ticket;
    const start = ticket.start;
    if (start === undefined) return;
    this.#giveUp(ticket);
    this.#running += 1;
    start();
  }

  /** Work that was given up leaves the line when it comes to the front, so that it does not pile up during a long wait. */
  #dropGivenUp(): void {
    while (this.#line.length > 0 && this.#line.peek()?.start === undefined) this.#line.shift();
  }
}
