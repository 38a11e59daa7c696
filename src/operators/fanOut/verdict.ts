import { worseTally } from '../../model/worseTally.ts';
import type { ItemsEnd } from '../../strategies/itemTally.ts';

/**
 * How one batch ended, for whoever made it: when each required branch has said how its part ended, the one whose end is the worst speaks (`worseTally`): as long as another attempt might deliver items, whoever made the batch learns of these. For a branch, items that its filter left out count as delivered: it was not to
 * deliver them. Items that no required branch wanted are left out of the tally, and so count as removed.
 */
export class Verdict {
  readonly #unwanted: number; // items that no required branch wanted
  readonly #settle: (end: ItemsEnd) => void;
  #open: number; // required branches that have not said
  #worst: ItemsEnd | undefined;

  constructor(openBranches: number, unwanted: number, settle: (end: ItemsEnd) => void) {
    this.#open = openBranches;
    this.#unwanted = unwanted;
    this.#settle = settle;
  }

  /** @param leftOut how many items of the batch are not in this branch's part */
  ended(end: ItemsEnd, leftOut: number): void {
    const delivered = end.delivered + leftOut - this.#unwanted;
    this.#worst = worseTally(this.#worst, { ...end, delivered });
    this.#open -= 1;
    if (this.#open === 0) this.#settle(this.#worst);
  }
}
