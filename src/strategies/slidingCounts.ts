/** The window moves in steps of a tenth. */
const SLOTS = 10;

/** What is counted of calls. */
export interface CallCounts {
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
}

const NOTHING: CallCounts = Object.freeze({ calls: 0, failures: 0, slow: 0 });

interface Slot {
  readonly period: number; // which tenth of a window it counts, since time began
  readonly counts: CallCounts;
}

/** The counts of the last `windowMillis`, to a tenth. However many calls there are, it keeps ten numbers of each kind. */
export class SlidingCounts {
  readonly #slotMillis: number;
  #slots: Slot[] = [];

  constructor(windowMillis: number) {
    this.#slotMillis = windowMillis / SLOTS;
  }

  add(counts: CallCounts, nowMillis: number): void {
    const period = this.#periodAt(nowMillis);
    const index = ((period % SLOTS) + SLOTS) % SLOTS;
    const slot = this.#slots[index];
    this.#slots[index] = { period, counts: slot?.period === period ? sum(slot.counts, counts) : counts };
  }

  total(nowMillis: number): CallCounts {
    const oldest = this.#periodAt(nowMillis) - SLOTS;
    return this.#slots.reduce((total, { period, counts }) => (period > oldest ? sum(total, counts) : total), NOTHING);
  }

  clear(): void {
    this.#slots = [];
  }

  #periodAt(nowMillis: number): number {
    return Math.floor(nowMillis / this.#slotMillis);
  }
}

function sum(a: CallCounts, b: CallCounts): CallCounts {
  return { calls: a.calls + b.calls, failures: a.failures + b.failures, slow: a.slow + b.slow };
}
