import type { Outcome } from '../model/outcome.ts';
import { addLoss, type Loss, type Tally } from '../model/tally.ts';
import { divide, isMixed, type Share } from './proportions.ts';

/** How items have ended that belong together: the outcome of an export, or what is known of one. */
export type ItemsEnd = Tally & Partial<Pick<Outcome<unknown>, 'error' | 'message'>>;

/** What is known of the end of a batch: of a loss in front of any attempt, nothing but the counts. */
type BatchEnd = Share & Partial<ItemsEnd>;

/** An item on its way, and the tally that its end counts in. */
export interface TrackedItem<T> {
  readonly item: T;
  tally: ItemTally | undefined; // gone once the item has its end
}

/** Collects what becomes of items that belong together and may travel in several batches, together with others: of their attempts and times the most that one of these took, of failures and messages the newest. */
export class ItemTally {
  readonly #onEnd: (end: ItemsEnd, estimated: number) => void;
  readonly #lost: Loss[] = [];
  #end: ItemsEnd = { delivered: 0, rejected: 0, lost: this.#lost, attempts: 0, attemptMillis: 0, elapsedMillis: 0 };
  #estimated = 0; // items whose end is an estimate
  #open: number; // items without an end

  /** @param onEnd called once, with how they ended, and of how many items that is an estimate (see {@link divide}) */
  constructor(items: number, onEnd: (end: ItemsEnd, estimated: number) => void) {
    this.#open = items;
    this.#onEnd = onEnd;
    if (items === 0) onEnd(this.#end, 0);
  }

  /** How many items have no end yet. */
  get open(): number {
    return this.#open;
  }

  /** This number of them has ended so, in a batch that has ended so. */
  add(items: number, share: Share, end: BatchEnd, isEstimated: boolean): void {
    const before = this.#end;
    for (const loss of share.lost) if (loss.count > 0) addLoss(this.#lost, loss);
    const possibleDuplicates = (before.possibleDuplicates ?? 0) + (share.possibleDuplicates ?? 0);
    const stored = (before.stored ?? 0) + (share.stored ?? 0);
    const error = end.error ?? before.error;
    const message = end.message ?? before.message;
    this.#end = {
      delivered: before.delivered + share.delivered,
      ...(possibleDuplicates > 0 && { possibleDuplicates }),
      rejected: before.rejected + share.rejected,
      ...(stored > 0 && { stored }),
      lost: this.#lost,
      attempts: Math.max(before.attempts, end.attempts ?? 0),
      attemptMillis: Math.max(before.attemptMillis, end.attemptMillis ?? 0),
      elapsedMillis: Math.max(before.elapsedMillis, end.elapsedMillis ?? 0),
      ...(error !== undefined && { error }),
      ...(message !== undefined && { message }),
    };
    if (isEstimated) this.#estimated += items;
    this.#open -= items;
    if (this.#open === 0) this.#onEnd(this.#end, this.#estimated);
  }

  /** This number of them is lost in front of any attempt. */
  lose(loss: Loss): void {
    const share = { delivered: 0, rejected: 0, lost: [loss] };
    this.add(loss.count, share, share, false);
  }
}

/** An item was taken out by whoever may do so: its call does not wait for it any more, and it counts as nothing. */
export function leaveOut(tracked: TrackedItem<unknown>): void {
  const { tally } = tracked;
  tracked.tally = undefined;
  tally?.add(1, NOTHING, NOTHING, false);
}

/** These items have ended in one batch: each tally gets its share. Items that have ended before are left out. */
export function endItems(tracked: readonly TrackedItem<unknown>[], end: BatchEnd): void {
  const counts = new Map<ItemTally, number>();
  for (const item of tracked) {
    if (item.tally === undefined) continue;
    counts.set(item.tally, (counts.get(item.tally) ?? 0) + 1);
    item.tally = undefined;
  }
  const shares = divide(end, [...counts.values()]);
  const isEstimated = counts.size > 1 && isMixed(end, tracked.length);
  let index = 0;
  for (const [tally, count] of counts) tally.add(count, shares[index++] as Share, end, isEstimated);
}

/** These items are lost in front of any attempt. */
export function loseItems(tracked: readonly TrackedItem<unknown>[], loss: Loss): void {
  endItems(tracked, { delivered: 0, rejected: 0, lost: [loss] });
}

const NOTHING: Share = Object.freeze({ delivered: 0, rejected: 0, lost: [] });
