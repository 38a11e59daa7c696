/** Closes something, a gate for example, when a level reaches a high mark and opens it again at a low one, so that it does not flutter. */
export class WaterMarks {
  #close: (() => () => void) | undefined;
  readonly #high: number;
  readonly #low: number;
  #closed = false;
  #undo: (() => void)[] = []; // undoes our closings: one, unless a listener came in between

  /** @param close closes it, and returns what undoes that; without it nothing happens */
  constructor(close: (() => () => void) | undefined, { high, low }: { high: number; low: number }) {
    this.#close = close;
    this.#high = high;
    this.#low = low;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The level has changed to this. */
  tell(level: number): void {
    if (this.#close === undefined) return;
    if (level >= this.#high) this.#shut(this.#close);
    else if (level <= this.#low) this.#open();
  }

  /** Opens it for good. */
  end(): void {
    this.#close = undefined;
    this.#open();
  }

  #open(): void {
    if (!this.#closed) return;
    this.#closed = false;
    for (const undo of this.#undo.splice(0)) undo();
  }

  #shut(close: () => () => void): void {
    if (this.#closed) return;
    this.#closed = true;
    const undo = close();
    // A listener that was called by `close` may have emptied the queue.
    if (this.#closed) this.#undo.push(undo);
    else undo();
  }
}

/** The marks of a memory budget, as parts of what one account can hold: a tenth is left for items that are on their way when the gate closes. */
export const MEMORY_MARKS = Object.freeze({ high: 0.9, low: 0.75 });

/** The marks of a queue, as parts of its maximum: a half, and a quarter. */
export const QUEUE_MARKS = Object.freeze({ high: 0.5, low: 0.25 });
