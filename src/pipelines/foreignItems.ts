import type { Unseen } from '../flow/unseen.ts';
import type { FlushUrgency } from '../model/batch.ts';

/** A place in a pipeline where operators of the user's are, with its name. */
export interface ForeignPlace {
  readonly unseen: Unseen;
  /** Where it is, in words. */
  toString(): string;
}

/** What a flush can know of the items in operators of the user's. */
export class ForeignItems {
  readonly #places: () => readonly ForeignPlace[];
  readonly #tell: (message: string) => void;

  constructor(places: () => readonly ForeignPlace[], tell: (message: string) => void) {
    this.#places = places;
    this.#tell = tell;
  }

  /**
   * Flushes, and again when what asynchronous operators may hold has come out. While the program ends, nothing is waited for: at the natural exit nothing could come any more, and the end of a shutdown comes through the operators
   * by itself.
   */
  async flush(flush: (urgency: FlushUrgency) => Promise<void>, urgency: FlushUrgency): Promise<void> {
    await flush(urgency);
    if (urgency.isEnding) return;
    for (let holding = this.#holding; holding.length > 0; holding = this.#holding) {
      await Promise.all(holding.map(({ unseen }) => unseen.emptied()));
      await flush(urgency);
    }
    this.#tellUntold();
  }

  /** No flush waits any longer for what they may hold. Returns what that is: the end of the message of the flush that has waited in vain. */
  whyLate(): string {
    const holding = this.#holding.map((place) => `up to ${place.unseen.giveUp()} ${place}`);
    if (holding.length === 0) return '; what is still pending goes on';
    return `; what is still pending goes on. Operators of yours hold items, or have taken them out, which spanflow cannot see: ${holding.join('; ')}`;
  }

  get #holding(): readonly ForeignPlace[] {
    return this.#places().filter(({ unseen }) => unseen.held > 0);
  }

  #tellUntold(): void {
    const silent = this.#places()
      .map((place) => [place, place.unseen.takeUnreported()] as const)
      .filter(([, items]) => items > 0)
      .map(([place, items]) => `${items} ${place}`);
    if (silent.length === 0) return;
    this.#tell(
      `forceFlush did not wait for items that operators of yours hold or have taken out: ${silent.join('; ')}`,
    );
  }
}
