import { type Batch, type Hold, isBatch } from '../../model/batch.ts';
import { type Loss, lostTally, type Tally } from '../../model/tally.ts';
import { worseTally } from '../../model/worseTally.ts';

/** How a batch ends that was passed on, and that nobody has held. */
const NOT_HELD: Tally = Object.freeze({
  delivered: 0,
  rejected: 0,
  lost: [],
  attempts: 0,
  attemptMillis: 0,
  elapsedMillis: 0,
});

/** What has come, on its way to a worker and back. A batch is held meanwhile. */
export class Chunk<T> {
  readonly item: T;
  /** The only worker that may have it; `undefined`: any may. */
  worker: number | undefined;
  readonly #hold: Hold | undefined;
  readonly #onEnd: () => void;
  #holders = 0; // that have held the batch when it went on, and have not settled it
  #tally: Tally | undefined; // of those that have settled it, the worst one

  /** @param onEnd called when it is lost, or has been passed on */
  constructor(item: T, onEnd: () => void) {
    this.item = item;
    this.#onEnd = onEnd;
    this.#hold = batchIn(item)?.hold();
  }

  /** It has begun: another batch may come. */
  begun(): void {
    this.#hold?.ready();
  }

  lost({ reason, stage }: Loss): void {
    const batch = batchIn(this.item);
    if (batch !== undefined) this.#hold?.settle(lostTally(batch.items.length, reason, stage));
    this.#onEnd();
  }

  /** The item as whoever makes the result is given it: of a batch, one that tells who holds it. */
  watched(): T {
    const batch = batchIn(this.item);
    if (batch === undefined) return this.item;
    const watched: Batch<unknown> = {
      ...batch,
      items: batch.items,
      bytes: batch.bytes,
      closedBy: batch.closedBy,
      hold: (onFlush) => this.#held(batch, onFlush),
    };
    return watched as T;
  }

  /** `next` has returned. What was not held has left our sight. */
  passedOn(): void {
    if (this.#holders === 0) this.#hold?.settle(this.#tally ?? NOT_HELD);
    this.#onEnd();
  }

  #held(batch: Batch<unknown>, onFlush: Parameters<Batch<unknown>['hold']>[0]): Hold {
    const hold = batch.hold(onFlush);
    this.#holders += 1;
    let isSettled = false;
    return {
      ...hold,
      settle: (tally) => {
        if (isSettled) return;
        isSettled = true;
        hold.settle(tally);
        this.#tally = worseTally(this.#tally, tally);
        this.#holders -= 1;
        if (this.#holders === 0) this.#hold?.settle(this.#tally);
      },
    };
  }
}

function batchIn(item: unknown): Batch<unknown> | undefined {
  const batch = item as Batch<unknown> | null | undefined;
  const isOfItems = typeof batch === 'object' && batch !== null && Array.isArray(batch.items);
  return isOfItems && isBatch(batch) ? batch : undefined;
}
