import type { Outcome } from '../../model/outcome.ts';
import type { Tally } from '../../model/tally.ts';

/** How the part of a batch that one branch took has ended: the outcome of an export, or what is known of one. */
export type PartEnd = Tally & Partial<Pick<Outcome<unknown>, 'error' | 'message'>>;

/**
 * How one batch ended, for whoever made it: when each required branch has said how its part ended, the one that has delivered least speaks. What its filter left out was the business of the others, so it counts as delivered
 * by this one; what no required branch wanted is left out of the tally, and so counts as removed.
 */
export class Verdict {
  readonly #unwanted: number; // items that no required branch wanted
  readonly #settle: (end: PartEnd) => void;
  #open: number; // required branches that have not said
  #least: PartEnd | undefined;

  constructor(openBranches: number, unwanted: number, settle: (end: PartEnd) => void) {
    this.#open = openBranches;
    this.#unwanted = unwanted;
    this.#settle = settle;
  }

  /** @param leftOut how many items of the batch are not in this branch's part */
  ended(end: PartEnd, leftOut: number): void {
    const delivered = end.delivered + leftOut - this.#unwanted;
    if (this.#least === undefined || delivered < this.#least.delivered) this.#least = { ...end, delivered };
    this.#open -= 1;
    if (this.#open === 0) this.#settle(this.#least);
  }
}
