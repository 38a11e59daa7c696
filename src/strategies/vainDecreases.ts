import type { Load } from './roundTripWindow.ts';

/** Decreases of less than this share in all tell too little. */
const LEAST_DECREASE_RATIO = 0.25;

/** Round trips that grow by more than this share, meanwhile, are still changing: nothing can be told from them yet. */
const STILL_RISING_RATIO = 0.1;

/**
 * Finds out whether it is our attempts that wait. If they do, fewer in flight have shorter round trips, in proportion; if the backend has become slower or farther away, fewer take as long as many did, and only less is delivered.
 *
 * Half of the proportion is the border between the two.
 */
export class VainDecreases {
  #first: Load | undefined; // of the row of decreases, or since round trips rose last
  #limitBefore = 0;

  /** The limit at which the row of decreases began. */
  get limitBefore(): number {
    return this.#limitBefore;
  }

  /** The limit is about to be decreased for this load. */
  add(load: Load, limit: number): void {
    if (this.#first === undefined) this.#limitBefore = limit;
    // What came before round trips rose is nothing to compare with.
    if (this.#first === undefined || load.stretch > this.#first.stretch) this.#first = load;
  }

  /** Nothing had to be decreased. */
  end(): void {
    this.#first = undefined;
  }

  /** Whether the decreases so far have not shortened round trips. */
  hasShown({ stretch, inFlight, doubt }: Load): boolean {
    if (this.#first === undefined) return false;
    const share = inFlight / this.#first.inFlight;
    const longer = stretch / this.#first.stretch;
    const relativeDoubt = doubt / inFlight;
    const isSettled = longer <= 1 + STILL_RISING_RATIO + relativeDoubt;
    return isSettled && 1 - share >= LEAST_DECREASE_RATIO && longer > (1 + share) / 2 + relativeDoubt;
  }
}
