import { type Batch, type CloseReason, type FlushUrgency, type Hold, NO_HOLD } from '../../model/batch.ts';
import { holdObserver } from '../../model/holdObserver.ts';
import type { Tally } from '../../model/tally.ts';
import type { Taken } from './batcher.ts';

/** Who made a batch, and wants to know how it goes. */
export interface HeldBatchOwner<T> {
  /** So many more (or, below zero, fewer) holders cannot take another batch. */
  onUnready(change: number): void;
  /** `next` is over and nobody has held it: it is in foreign hands. */
  onHandedOn(batch: HeldBatch<T>): void;
  /** Somebody holds it after all. */
  onTakenBack(batch: HeldBatch<T>): void;
  /** All who held it have settled. */
  onSettled(batch: HeldBatch<T>, tally: Tally): void;
}

/**
 * A batch that knows who holds it. Its maker holds it too, during `next`, so that a first subscriber that is synchronous cannot finish
 * it before a second one has held it.
 */
export class HeldBatch<T> implements Batch<T> {
  readonly items: readonly T[];
  readonly bytes: number;
  readonly closedBy: CloseReason;
  /** How many items it had when it left: a sink may have taken some out since. */
  readonly size: number;
  /** How many items had been taken before its first one. */
  readonly sequence: number;
  /** When it left its maker, in the maker's time. */
  readonly emittedAtMillis: number;

  readonly #owner: HeldBatchOwner<T>;
  #state: 'emitting' | 'held' | 'handedOn' | 'over' = 'emitting';
  #holds = 0; // not yet settled
  #unready = 0; // of those, the ones that cannot take another batch yet
  #flushListeners: ((urgency: FlushUrgency) => void)[] = []; // of the holders that are not done
  #urgency: FlushUrgency | undefined; // of the newest flush that waits for it
  #tally: Tally | undefined; // of those who have: the least delivered one

  constructor(owner: HeldBatchOwner<T>, taken: Taken<T>, sequence: number, emittedAtMillis: number) {
    this.#owner = owner;
    this.items = taken.items;
    this.size = taken.items.length;
    this.bytes = taken.bytes;
    this.closedBy = taken.closedBy;
    this.sequence = sequence;
    this.emittedAtMillis = emittedAtMillis;
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
      this.#settleOne(tally);
      ready();
      holdObserver()?.onSettled(hold);
    };
    const hold: Hold = { ready, settle };
    holdObserver()?.onHold(this, hold);
    return hold;
  }

  /** `next` is over: the maker lets go. */
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
    // For holders that come later, the end of the program is not forgotten for a flush after it.
    if (urgency.isEnding || this.#urgency?.isEnding !== true) this.#urgency = urgency;
    for (const listener of this.#flushListeners) listener(urgency);
  }

  /** Ends it, whoever still holds it: their word comes too late. */
  expire(tally: Tally): void {
    holdObserver()?.onExpired(this);
    if (this.#state !== 'over') this.#end(leastDelivered(this.#tally, tally));
  }

  #listen(onFlush: (urgency: FlushUrgency) => void): void {
    this.#flushListeners = [...this.#flushListeners, onFlush];
    if (this.#urgency !== undefined) onFlush(this.#urgency);
  }

  #settleOne(tally: Tally): void {
    this.#holds -= 1;
    if (this.#state === 'over') return;
    this.#tally = leastDelivered(this.#tally, tally);
    if (this.#holds === 0 && this.#state === 'held') this.#end(this.#tally);
  }

  #end(tally: Tally): void {
    this.#state = 'over';
    const unready = this.#unready;
    this.#owner.onSettled(this, tally);
    // A batch that is over keeps nobody waiting, whether its holders said so or not.
    if (unready > 0) this.#changeUnready(-unready);
  }

  #changeUnready(change: number): void {
    this.#unready += change;
    this.#owner.onUnready(change);
  }
}

/** With several holders, the one that delivered least speaks for the batch. */
function leastDelivered(one: Tally | undefined, other: Tally): Tally {
  return one === undefined || other.delivered < one.delivered ? other : one;
}
