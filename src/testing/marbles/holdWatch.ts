import { HeldBatch } from '../../flow/heldBatch.ts';
import { type Hold, NO_HOLD } from '../../model/batch.ts';
import { callSite, siteText } from '../failures/callSite.ts';

/** A hold that nobody has settled, and the line that took it. */
interface OpenHold {
  readonly batch: HeldBatch<unknown>;
  readonly site: Error;
}

/**
 * Sees who holds the batches of our batcher during one run. A batch says nothing of its holds to the outside, so for as long as the run
 * lasts this stands between a batch and its holders, as the virtual clock stands between the host's timers and who sets them.
 */
export class HoldWatch {
  readonly #open = new Set<OpenHold>();

  /** Begins to watch. What it returns ends that. */
  install(): () => void {
    const { hold, expire } = HeldBatch.prototype;
    const watch = (batch: HeldBatch<unknown>, held: Hold) => this.#watched(batch, held);
    const forget = (batch: HeldBatch<unknown>) => this.#forget(batch);
    HeldBatch.prototype.hold = function (this: HeldBatch<unknown>, onFlush) {
      return watch(this, hold.call(this, onFlush));
    };
    HeldBatch.prototype.expire = function (this: HeldBatch<unknown>, tally) {
      forget(this);
      expire.call(this, tally);
    };
    return () => Object.assign(HeldBatch.prototype, { hold, expire });
  }

  /** The holds that are open, as sentences; `lettersOf` draws a batch. */
  describe(lettersOf: (items: readonly unknown[]) => string): string[] {
    return [...this.#open].map(
      ({ batch, site }) => `the batch ${lettersOf(batch.items)}, held at ${siteText(site)} and never settled`,
    );
  }

  #watched(batch: HeldBatch<unknown>, held: Hold): Hold {
    if (held === NO_HOLD) return held;
    const open = { batch, site: callSite() };
    this.#open.add(open);
    return {
      ready: () => held.ready(),
      settle: (tally) => {
        this.#open.delete(open);
        held.settle(tally);
      },
    };
  }

  /** A lease has run out: that is an end, and it is in the books. */
  #forget(batch: HeldBatch<unknown>): void {
    for (const open of this.#open) if (open.batch === batch) this.#open.delete(open);
  }
}
