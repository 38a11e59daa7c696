import type { Batch, Hold } from './batch.ts';

/** Follows the holds on batches: the marble kit reports holds that are never settled. */
export interface HoldObserver {
  onHold(batch: Batch<unknown>, hold: Hold): void;
  /** Called at most once for a hold. */
  onSettled(hold: Hold): void;
  /** The lease of a batch has run out, which ends all of its holds. */
  onExpired(batch: Batch<unknown>): void;
}

let current: HoldObserver | undefined;

/** The observer to notify, if there is one. Outside of tests there is none, so a hold costs one comparison more. */
export function holdObserver(): HoldObserver | undefined {
  return current;
}

/** Installs the observer of all batches of this process. Returns the function that removes it. */
export function observeHolds(observer: HoldObserver): () => void {
  current = observer;
  return () => {
    if (current === observer) current = undefined;
  };
}
