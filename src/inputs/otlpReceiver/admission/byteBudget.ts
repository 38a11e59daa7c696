import { bodyMemory } from '../../../flow/memory.ts';

/** A number of bytes of bodies, for all requests of a connection, or of a receiver. */
export class ByteBudget {
  usedBytes = 0;
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  hasRoom(bytes: number): boolean {
    return this.usedBytes + bytes <= this.#maxBytes;
  }
}

/** What one request has taken of several budgets. It counts in the memory of the process, too. */
export class ByteLease {
  readonly #budgets: readonly ByteBudget[];
  #bytes = 0;

  constructor(budgets: readonly ByteBudget[]) {
    this.#budgets = budgets;
  }

  /** Whether there was room in each. */
  take(bytes: number): boolean {
    if (!this.#budgets.every((budget) => budget.hasRoom(bytes))) return false;
    this.#add(bytes);
    return true;
  }

  /** Makes it so many bytes altogether, if it is less. */
  reach(bytes: number): boolean {
    return bytes <= this.#bytes || this.take(bytes - this.#bytes);
  }

  giveBack(): void {
    this.#add(-this.#bytes);
  }

  #add(bytes: number): void {
    for (const budget of this.#budgets) budget.usedBytes += bytes;
    this.#bytes += bytes;
    if (bytes > 0) bodyMemory().hold(bytes);
    else bodyMemory().give(-bytes);
  }
}
