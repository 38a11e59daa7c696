/** So many round trips pass before a limit that was refused is tried again … */
const PATIENCE = 4;
/** … and up to so many when it is refused again and again. */
const MAX_PATIENCE = 32;

/**
 * Remembers how many attempts were in flight when the backend refused one. Below that the limit grows as ever; the step to it waits, longer each time that it is refused again (as CUBIC stays below the
 * window of its last loss).
 *
 * Each try costs a round trip of refusals. Without a memory it comes every third round trip on a backend that has room for five, and a third of all attempts is wasted.
 */
export class RefusalCeiling {
  #inFlight: number | undefined; // were too many
  #patience = PATIENCE;
  #waited = 0; // round trips

  refused(inFlight: number): void {
    const isKnown = this.#inFlight !== undefined && inFlight >= this.#inFlight;
    this.#patience = isKnown ? Math.min(MAX_PATIENCE, 2 * this.#patience) : PATIENCE;
    this.#inFlight = inFlight;
    this.#waited = 0;
  }

  /** Whether a limit may grow to this, asked once in a round trip. Once it was beyond the ceiling, there is none. */
  allows(limit: number): boolean {
    if (this.#inFlight === undefined || limit < this.#inFlight) return true;
    if (limit > this.#inFlight + 1) this.#inFlight = undefined;
    else if (this.#waited < this.#patience) {
      this.#waited += 1;
      return false;
    }
    return true;
  }
}
