/**
 * Which items a full queue still takes: the rest of what came as one, when its beginning has found room. Otherwise a request of more items than a queue holds would lose its rest whenever it is sent.
 *
 * **Bounded**: only of one at a time. A batch that enters without room for it lets in nothing but itself, whatever else is in it.
 */
export class Entrance {
  #begun: object | undefined; // what the last items are of that found room

  /** Whether a batch has more of it. */
  continues(origins: readonly object[] | undefined): boolean {
    return this.#begun !== undefined && origins?.includes(this.#begun) === true;
  }

  /** A batch has found room: what its last items are of may have more in the next one. */
  begin(origins: readonly object[] | undefined): void {
    this.#begun = origins?.at(-1);
  }
}
