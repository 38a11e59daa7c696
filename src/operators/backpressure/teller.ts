import type { Subscription } from 'rxjs';
import type { Loss, LossReason } from '../../outcome.ts';
import { quietly } from '../../quietly.ts';

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
    const loss = { count: items.length, reason, stage: this.#stage };
    quietly(() => this.#listeners.onLoss(loss, items), this.#listeners.onCallbackError);
  }

  /** Unsubscribes what is somebody else's. */
  tearDown(subscription: Subscription): void {
    quietly(() => subscription.unsubscribe(), this.#listeners.onCallbackError);
  }

  callbackFailed(thrown: unknown): void {
    quietly(() => this.#listeners.onCallbackError(thrown));
  }
}
