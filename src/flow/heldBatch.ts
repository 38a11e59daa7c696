import { type Batch, type CloseReason, type FlushUrgency, type Hold, NO_HOLD } from '../model/batch.ts';
import { holdObserver } from '../model/holdObserver.ts';
import type { Tally } from '../model/tally.ts';
import { worseTally } from '../model/worseTally.ts';

/** Items that leave a queue together. */
export interface Taken<T> extends Pick<Batch<T>, 'items' | 'bytes' | 'closedBy'>, Pick<Hold, 'origins'> {}

/** The operator that made a batch: it learns how the batch goes. */
export interface HeldBatchOwner<T> {
  /** The account of the operator in its ledger, for the accounts of the holders. */
  readonly books?: object | undefined;
  /** The number of holders that cannot take another batch changed by this much. */
  onUnready(change: number): void;
  /** `next` has returned and the batch has no holder: its outcome stays unknown. */
  onHandedOn(batch: HeldBatch<T>): void;
  /** A batch that was handed on is held after all. */
  onTakenBack(batch: HeldBatch<T>): void;
  /** All of its holders keep it within bounds of their own, or not any more. */
  onTakenOver(batch: HeldBatch<T>, isTakenOver: boolean): void;
  /** All holders have settled. */
  onSettled(batch: HeldBatch<T>, tally: Tally): void;
}

/**
 * A batch that knows who holds it. Its owner holds it too, during `next`, so that a first subscriber that is synchronous cannot finish
 * it before a second one has held it.
 */
export class HeldBatch<T> implements Batch<T> {
  readonly items: readonly T[];
  readonly bytes: number;
  readonly closedBy: CloseReason;
  /** How many items it had when it was emitted: a sink may have taken some out since. */
  readonly size: number;
  /** How many items had left the queue before its first one. */
  readonly sequence: number;
  /** When it was emitted, in the owner's time. */
  readonly emittedAtMillis: number;

  readonly #owner: HeldBatchOwner<T>;
  readonly #origins: readonly object[] | undefined;
  #state: 'emitting' | 'held' | 'handedOn' | 'over' = 'emitting';
  #holds = 0; // not yet settled
  #unready = 0; // of those, the ones that cannot take another batch yet
  #takenOver = 0; // of those, the ones that keep it within bounds of their own
  #isTakenOver = false; // by all of them
  #flushListeners: ((urgency: FlushUrgency) => void)[] = []; // of the holders that have not settled
  #urgency: FlushUrgency | undefined; // of the newest flush that waits for it
  #tally: Tally | undefined; // of the holders that have settled: the worst one

  constructor(owner: HeldBatchOwner<T>, taken: Taken<T>, sequence: number, emittedAtMillis: number) {
    this.#owner = owner;
    this.#origins = taken.origins;
    this.items = taken.items;
    this.size = taken.items.length;
    this.bytes = taken.bytes;
    this.closedBy = taken.closedBy;
    this.sequence = sequence;
    this.emittedAtMillis = emittedAtMillis;
  }

  /** Whether somebody has held it, or ended it already. */
  get isHeld(): boolean {
    return this.#holds > 0 || this.#tally !== undefined || this.#state === 'over';
  }

  hold(onFlush?: (urgency: FlushUrgency) => void): Hold {
    if (this.#state === 'over') return NO_HOLD;
    if (this.#state === 'handedOn') {
      this.#state = 'held';
      this.#owner.onTakenBack(this);
    }
    this.#holds += 1;
    this.#changeUnready(1);
    if (onFlush !== undefined) this.#listen(onFlush);
    let unready = true;
    const ready = () => {
      if (!unready || this.#state === 'over') return;
      unready = false;
      this.#changeUnready(-1);
    };
    let settled = false;
    const settle = (tally: Tally) => {
      if (settled) return;
      settled = true;
      this.#flushListeners = this.#flushListeners.filter((listener) => listener !== onFlush);
      this.#settleOne(tally, hasTakenOver);
      ready();
      holdObserver()?.onSettled(hold);
    };
    let hasTakenOver = false;
    const takeOver = () => {
      if (hasTakenOver || settled || this.#state === 'over') return;
      hasTakenOver = true;
      this.#takenOver += 1;
      this.#checkTakenOver();
    };
    const hold: Hold = { ready, settle, takeOver, maker: this.#owner.books, origins: this.#origins };
    this.#checkTakenOver();
    holdObserver()?.onHold(this, hold);
    return hold;
  }

  /** `next` has returned: the owner releases its own hold. */
  emitted(): void {
    this.#state = 'held';
    if (this.#holds > 0) return;
    if (this.#tally !== undefined) {
      this.#end(this.#tally);
    } else {
      this.#state = 'handedOn';
      this.#owner.onHandedOn(this);
    }
  }

  /** A flush waits for it. */
  flush(urgency: FlushUrgency): void {
    // For holders that come later, a flush at the end of the program is not replaced by a later one that is not.
    if (urgency.isEnding || this.#urgency?.isEnding !== true) this.#urgency = urgency;
    for (const listener of this.#flushListeners) listener(urgency);
  }

  /** Ends it although it is still held: the tallies of those holders come too late. */
  expire(tally: Tally): void {
    holdObserver()?.onExpired(this);
    if (this.#state !== 'over') this.#end(worseTally(this.#tally, tally));
  }

  #listen(onFlush: (urgency: FlushUrgency) => void): void {
    this.#flushListeners = [...this.#flushListeners, onFlush];
    if (this.#urgency !== undefined) onFlush(this.#urgency);
  }

  #settleOne(tally: Tally, hasTakenOver: boolean): void {
    this.#holds -= 1;
    if (hasTakenOver) this.#takenOver -= 1;
    if (this.#state === 'over') return;
    this.#tally = worseTally(this.#tally, tally);
    if (this.#holds === 0 && this.#state === 'held') this.#end(this.#tally);
    else this.#checkTakenOver();
  }

  #checkTakenOver(): void {
    const isTakenOver = this.#holds > 0 && this.#takenOver === this.#holds;
    if (isTakenOver === this.#isTakenOver || this.#state === 'over') return;
    this.#isTakenOver = isTakenOver;
    this.#owner.onTakenOver(this, isTakenOver);
  }

  #end(tally: Tally): void {
    this.#state = 'over';
    const unready = this.#unready;
    this.#owner.onSettled(this, tally);
    // A batch that has ended holds back no other one, whether its holders were ready or not.
    if (unready > 0) this.#changeUnready(-unready);
  }

  #changeUnready(change: number): void {
    this.#unready += change;
    this.#owner.onUnready(change);
  }
}
