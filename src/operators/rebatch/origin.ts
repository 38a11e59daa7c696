import type { Batch, Hold } from '../../model/batch.ts';
import { ItemTally } from '../../strategies/itemTally.ts';

/** A batch that came, until each of its items has its end. */
export class Origin<T> {
  readonly items: readonly T[];
  readonly bytes: number;
  /** Stands for it where it is remembered, without its items. */
  readonly key: object = {};
  readonly tally: ItemTally;
  #hold: Hold;
  #isReady = false;

  constructor(batch: Batch<T>, hold: Hold) {
    this.items = batch.items;
    this.bytes = Math.max(0, Math.round(batch.bytes) || 0);
    this.#hold = hold;
    // What has no end here was taken out, or handed on: the sum says so, and whoever made the batch counts it as removed.
    this.tally = new ItemTally(batch.items.length, (end) => hold.settle(end));
  }

  /** It is kept within the bounds of the operator, and no more within those of its maker. */
  keep(): void {
    this.#hold.takeOver?.();
  }

  /** Another batch is welcome. */
  ready(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#hold.ready();
  }
}

/** How many items of an origin are in a batch that leaves. */
export interface Part<T> {
  readonly origin: Origin<T>;
  readonly count: number;
}
