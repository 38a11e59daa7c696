import type { Observable } from 'rxjs';
import type { Batch, FlushRequest, FlushUrgency } from '../../model/batch.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { ItemsEnd } from '../../strategies/itemTally.ts';

/** What a branch is offered of a batch. */
export interface Offer<T> {
  readonly batch: Batch<T>;
  /** Those of its items that are for this branch. */
  readonly items: readonly T[];
  /** Of its hold. */
  readonly origins: readonly object[] | undefined;
}

/** One branch during one subscription of the fan-out. */
export interface BranchRun<T> {
  /** Subscribed to once, before the first batch comes. It completes after {@link BranchRun.complete}, when everything has its outcome. Unsubscribing it ends everything that is out. */
  readonly outcomes$: Observable<Outcome<T>>;
  /**
   * Takes the batch over, or drops it: it never makes the caller wait.
   *
   * @param onEnd called once, with how they ended
   * @returns passes on that a flush waits for the batch
   */
  offer(offer: Offer<T>, onEnd: (end: ItemsEnd) => void): (urgency: FlushUrgency) => void;
  /** Sends out what is gathered. */
  flush(request: FlushRequest): void;
  /** Nothing more comes. */
  complete(): void;
  /** Starts nothing any more: what is queued is lost as `unsubscribed`, and so is what comes. */
  stop(): void;
}
