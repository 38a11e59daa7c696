import type { Subscription } from 'rxjs';
import type { Loss, LossReason } from '../../outcome.ts';

/** Whom an operator tells what. */
export interface Listeners<T> {
  readonly onLoss: (loss: Loss, items: readonly T[]) => void;
  readonly onCallbackError: (thrown: unknown) => void;
}

/** Tells the callbacks of one operator. What they throw, or a teardown does, goes to `onCallbackError`, and the stream goes on. */
export class Teller<T> {
  readonly #stage: string;
  readonly #listeners: Listeners<T>;

  constructor(stage: string, listeners: Listeners<T>) {
    this.#stage = stage;
    this.#listeners = listeners;
  }

  lost(reason: LossReason, items: readonly T[]): void {
    if (items.length === 0) return;
    try {
      this.#listeners.onLoss({ count: items.length, reason, stage: this.#stage }, items);
    } catch (thrown) {
      this.callbackError(thrown);
    }
  }

  /** Unsubscribes what is somebody else's. */
  tearDown(subscription: Subscription): void {
    try {
      subscription.unsubscribe();
    } catch (thrown) {
      this.callbackError(thrown);
    }
  }

  callbackError(thrown: unknown): void {
    try {
      this.#listeners.onCallbackError(thrown);
    } catch {
      // Whoever listens to failures has failed: there is nobody left to tell.
    }
  }
}
