import type { Subscription } from 'rxjs';
import type { Loss, LossReason } from '../model/outcome.ts';
import { runGuarded } from './runGuarded.ts';

/** Whom an operator tells what. */
export interface Listeners<T> {
  readonly onLoss: (loss: Loss, items: readonly T[]) => void;
  readonly onCallbackError: (thrown: unknown) => void;
}

/** Tells the callbacks of one operator. What they throw, or a teardown does, goes to `onCallbackError`, and the stream goes on. */
export class LossReporter<T> {
  readonly #stage: string;
  readonly #listeners: Listeners<T>;

  constructor(stage: string, listeners: Listeners<T>) {
    this.#stage = stage;
    this.#listeners = listeners;
  }

  lost(reason: LossReason, items: readonly T[]): void {
    if (items.length === 0) return;
    const loss = { count: items.length, reason, stage: this.#stage };
    runGuarded(() => this.#listeners.onLoss(loss, items), this.#listeners.onCallbackError);
  }

  /** Unsubscribes what is somebody else's. */
  tearDown(subscription: Subscription): void {
    runGuarded(() => subscription.unsubscribe(), this.#listeners.onCallbackError);
  }

  callbackFailed(thrown: unknown): void {
    runGuarded(() => this.#listeners.onCallbackError(thrown));
  }
}
