/** A call that waits to be read. */
interface Waiting {
  readonly begin: () => void;
}

/** How many calls are read at a time. Others wait in the order of their coming, and too many of these find no place. */
export class ReadingSlots {
  readonly #slots: number;
  readonly #maxWaiting: number;
  readonly #waiting = new Set<Waiting>();
  #taken = 0;

  constructor(slots: number, maxWaiting: number) {
    this.#slots = slots;
    this.#maxWaiting = maxWaiting;
  }

  /**
   * Calls `begin` when a slot is free: at once if one is. The returned function gives the slot back, or gives up the wait; `undefined`: there is no place to wait.
   */
  take(begin: () => void): (() => void) | undefined {
    if (this.#taken < this.#slots) {
      this.#taken += 1;
      begin();
      return this.#giveBackOnce();
    }
    if (this.#waiting.size >= this.#maxWaiting) return undefined;
    let giveBack: (() => void) | undefined;
    const waiting = {
      begin: () => {
        giveBack = this.#giveBackOnce();
        begin();
      },
    };
    this.#waiting.add(waiting);
    return () => {
      if (!this.#waiting.delete(waiting)) giveBack?.();
    };
  }

  #giveBackOnce(): () => void {
    let isGivenBack = false;
    return () => {
      if (isGivenBack) return;
      isGivenBack = true;
      const [next] = this.#waiting;
      if (next === undefined) {
        this.#taken -= 1;
        return;
      }
      this.#waiting.delete(next);
      next.begin();
    };
  }
}
