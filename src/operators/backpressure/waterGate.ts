import type { Gate } from '../../gate.ts';

/** Closes a gate when half of a queue is taken, and opens it again at a quarter, so that it does not flutter. */
export class WaterGate {
  #gate: Gate | undefined;
  readonly #high: number;
  readonly #low: number;
  #closed = false;
  #reopen: (() => void)[] = []; // what undoes our closings: one, unless a listener of the gate came in between

  constructor(gate: Gate | undefined, maxQueueSize: number) {
    this.#gate = gate;
    this.#high = Math.ceil(maxQueueSize / 2);
    this.#low = Math.floor(this.#high / 2);
  }

  /** So many are in the queue now. */
  tell(level: number): void {
    if (this.#gate === undefined) return;
    if (level >= this.#high) this.#close(this.#gate);
    else if (level <= this.#low) this.#open();
  }

  /** Opens it for good. */
  end(): void {
    this.#gate = undefined;
    this.#open();
  }

  #open(): void {
    if (!this.#closed) return;
    this.#closed = false;
    const reopen = this.#reopen;
    this.#reopen = [];
    for (const undo of reopen) undo();
  }

  #close(gate: Gate): void {
    if (this.#closed) return;
    this.#closed = true;
    const undo = gate.close();
    // A listener of the gate may have emptied the queue, while it was being told.
    if (this.#closed) this.#reopen.push(undo);
    else undo();
  }
}
