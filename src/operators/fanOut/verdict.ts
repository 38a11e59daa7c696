import { safeItems } from '../../model/tally.ts';
import type { ItemsEnd } from '../../strategies/itemTally.ts';

/**
 * How one batch ended, for whoever made it: when each required branch has said how its part ended, the one that has delivered least speaks. For a branch, items that its filter left out count as delivered: it was not to
 * deliver them. Items that no required branch wanted are left out of the tally, and so count as removed.
 */
export class Verdict {
  readonly #unwanted: number; // items that no required branch wanted
  readonly #settle: (end: ItemsEnd) => void;
  #open: number; // required branches that have not said
  #least: ItemsEnd | undefined;

  constructor(openBranches: number, unwanted: number, settle: (end: ItemsEnd) => void) {
    this.#open = openBranches;
    this.#unwanted = unwanted;
    this.#settle = settle;
  }

  /** @param leftOut how many items of the batch are not in this branch's part */
  ended(end: ItemsEnd, leftOut: number): void {
    const delivered = end.delivered + leftOut - this.#unwanted;
    const ended = { ...end, delivered };
    if (this.#least === undefined || safeItems(ended) < safeItems(this.#least)) this.#least = ended;
    this.#open -= 1;
    if (this.#open === 0) this.#settle(this.#least);
  }
}
