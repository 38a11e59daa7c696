/** Sizes within a quarter of an octave (19 %) count as one: a step of an adaptive batch size is about as large. */
const CLASSES_PER_OCTAVE = 4;

/** The class of a batch of this many items. */
export function sizeClassOf(items: number): number {
  return Math.round(CLASSES_PER_OCTAVE * Math.log2(Math.max(1, items)));
}

/**
 * The lowest round trip that was seen, by the size of what was sent: what an attempt takes when nothing of ours waits in front of it.
 *
 * Sizes borrow from each other: a smaller batch takes no longer than a larger one, and a larger one takes at most proportionally longer. So a size that comes for the first time while the backend is busy
 * has a floor, and does not take the busy backend for its normal one.
 */
export class RoundTripFloor {
  readonly #floors = new Map<number, number>(); // milliseconds, by class

  /** The floor of a class, or `Infinity` as long as nothing is known of any. */
  of(sizeClass: number): number {
    let floor = Number.POSITIVE_INFINITY;
    for (const [known, millis] of this.#floors) {
      const largerBy = Math.max(0, sizeClass - known);
      floor = Math.min(floor, millis * 2 ** (largerBy / CLASSES_PER_OCTAVE));
    }
    return floor;
  }

  /** Batches of this class have taken so long. It counts if it is lower than what is known. */
  learn(sizeClass: number, millis: number): void {
    const known = this.#floors.get(sizeClass) ?? Number.POSITIVE_INFINITY;
    this.#floors.set(sizeClass, Math.max(LEAST_MILLIS, Math.min(known, millis)));
  }

  /** The backend itself has become slower, or faster, by this factor. */
  scale(factor: number): void {
    for (const [sizeClass, millis] of this.#floors)
      this.#floors.set(sizeClass, Math.max(LEAST_MILLIS, millis * factor));
  }
}

/** A clock may not have moved during an attempt; what is divided by a floor has to stay finite. */
const LEAST_MILLIS = 0.001;
