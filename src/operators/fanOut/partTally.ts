import { addLoss, type Loss } from '../../model/tally.ts';
import { divide, type Share } from '../../strategies/proportions.ts';
import type { PartEnd } from './verdict.ts';

/** An item on its way through a branch that makes batches of its own, and the part that it belongs to. */
export interface TrackedItem<T> {
  readonly item: T;
  part: PartTally | undefined; // gone once the item has its end
}

/** Collects what becomes of the items of one part, which may travel in several batches, together with those of other parts. */
export class PartTally {
  readonly #onEnd: (end: PartEnd) => void;
  readonly #lost: Loss[] = [];
  #open: number; // items without an end
  #end: PartEnd = { delivered: 0, rejected: 0, lost: this.#lost, attempts: 0, attemptMillis: 0, elapsedMillis: 0 };

  constructor(items: number, onEnd: (end: PartEnd) => void) {
    this.#open = items;
    this.#onEnd = onEnd;
  }

  add(items: number, share: Share, end: PartEnd): void {
    const before = this.#end;
    for (const loss of share.lost) addLoss(this.#lost, loss);
    const possibleDuplicates = (before.possibleDuplicates ?? 0) + (share.possibleDuplicates ?? 0);
    const error = end.error ?? before.error;
    const message = end.message ?? before.message;
    this.#end = {
      delivered: before.delivered + share.delivered,
      rejected: before.rejected + share.rejected,
      lost: this.#lost,
      attempts: Math.max(before.attempts, end.attempts),
      attemptMillis: Math.max(before.attemptMillis, end.attemptMillis),
      elapsedMillis: Math.max(before.elapsedMillis, end.elapsedMillis),
      ...(possibleDuplicates > 0 && { possibleDuplicates }),
      ...(error !== undefined && { error }),
      ...(message !== undefined && { message }),
    };
    this.#open -= items;
    if (this.#open === 0) this.#onEnd(this.#end);
  }
}

/** These items have ended in one batch: each part gets its share of the tally. Items that have ended before are left out. */
export function endItems(tracked: readonly TrackedItem<unknown>[], end: PartEnd): void {
  const counts = new Map<PartTally, number>();
  for (const item of tracked) {
    if (item.part === undefined) continue;
    counts.set(item.part, (counts.get(item.part) ?? 0) + 1);
    item.part = undefined;
  }
  const shares = divide(end, [...counts.values()]);
  let index = 0;
  for (const [part, count] of counts) part.add(count, shares[index++] as Share, end);
}

/** These items were lost in front of any attempt. */
export function loseItems(tracked: readonly TrackedItem<unknown>[], loss: Loss): void {
  endItems(tracked, { delivered: 0, rejected: 0, lost: [loss], attempts: 0, attemptMillis: 0, elapsedMillis: 0 });
}
