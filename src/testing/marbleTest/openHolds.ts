import type { Batch, Hold } from '../../model/batch.ts';
import { type HoldObserver, observeHolds } from '../../model/holdObserver.ts';
import { callSite, siteText } from '../failures/callSite.ts';

/** The holds on batches of one run that are not settled, each with the line that took it. */
export class OpenHolds implements HoldObserver {
  readonly #open = new Map<Hold, { readonly batch: Batch<unknown>; readonly site: Error }>();

  /** Begins to watch. Returns the function that ends it. */
  watch(): () => void {
    return observeHolds(this);
  }

  /** One sentence for each open hold. `lettersOf` draws the items of its batch. */
  describe(lettersOf: (items: readonly unknown[]) => string): string[] {
    return [...this.#open.values()].map(
      ({ batch, site }) => `the batch ${lettersOf(batch.items)}, held at ${siteText(site)} and never settled`,
    );
  }

  onHold(batch: Batch<unknown>, hold: Hold): void {
    this.#open.set(hold, { batch, site: callSite(batch.hold) });
  }

  onSettled(hold: Hold): void {
    this.#open.delete(hold);
  }

  /** The ledger counts the items of an expired batch, so its holds are no leak. */
  onExpired(batch: Batch<unknown>): void {
    for (const [hold, open] of this.#open) if (open.batch === batch) this.#open.delete(hold);
  }
}
