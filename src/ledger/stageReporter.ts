import type { Subscription } from 'rxjs';
import { runGuarded } from '../internal/runGuarded.ts';
import { aFunction, must, optional } from '../internal/validation.ts';
import { type Batch, isBatch } from '../model/batch.ts';
import type { Loss, LossReason } from '../model/tally.ts';
import type { Account } from './account.ts';
import { aLedger } from './ledger.ts';

/** The user's callbacks that every stage accepts. */
export interface StageCallbacks<T> {
  /** Called for each loss at this stage, with the items. */
  readonly onLoss?: ((loss: Loss, items: readonly T[]) => void) | undefined;
  /** Called when another callback, or a teardown, throws. */
  readonly onCallbackError?: ((thrown: unknown) => void) | undefined;
}

/** What a stage is called in the books. */
const aName = optional(must('a string that is not empty', (name) => typeof name === 'string' && name !== ''));

/** The rules of the options that each stage has. */
export const STAGE_RULES = {
  name: aName,
  onLoss: optional(aFunction),
  onCallbackError: optional(aFunction),
  ledger: optional(aLedger),
};

/** Books what one stage loses, and reports it to the user's callbacks. What these throw is counted and reported in its turn, and the stream goes on. */
export class StageReporter<T> {
  readonly account: Account;
  readonly #callbacks: StageCallbacks<T>;
  readonly #count: (items: readonly T[]) => number;

  /** @param count how many items the books count for these; by default a batch counts as its items */
  constructor(account: Account, callbacks: StageCallbacks<T>, count: (items: readonly T[]) => number = countItems) {
    this.account = account;
    this.#callbacks = callbacks;
    this.#count = count;
  }

  /** These items were not let in. */
  refused(reason: LossReason, items: readonly T[]): void {
    if (items.length === 0) return;
    const count = this.#count(items);
    this.account.refuse(count, reason);
    this.report({ count, reason, stage: this.account.stage }, items);
  }

  /** These items were pending. */
  lost(reason: LossReason, items: readonly T[]): void {
    if (items.length === 0) return;
    const count = this.#count(items);
    this.account.lose(count, reason);
    this.report({ count, reason, stage: this.account.stage }, items);
  }

  /** A loss that is in the books already. */
  report(loss: Loss, items: readonly T[]): void {
    this.account.tellLoss(loss);
    const { onLoss } = this.#callbacks;
    if (onLoss !== undefined) this.guard(() => onLoss(loss, items));
  }

  /** Runs a callback, or the teardown of something that is not ours. */
  guard(work: () => unknown): void {
    runGuarded(work, (thrown) => this.callbackFailed(thrown));
  }

  tearDown(subscription: Subscription): void {
    this.guard(() => subscription.unsubscribe());
  }

  callbackFailed(thrown: unknown): void {
    this.account.callbackFailed();
    runGuarded(() => this.#callbacks.onCallbackError?.(thrown));
    this.account.tellThrown(thrown);
  }
}

/** A batch counts as its items, so that the books speak of items everywhere. */
export function countItems(values: readonly unknown[]): number {
  let count = 0;
  for (const value of values) count += countOf(value);
  return count;
}

export function countOf(value: unknown): number {
  const batch = value as Batch<unknown> | null;
  const isOfItems = typeof batch === 'object' && batch !== null && Array.isArray(batch.items) && isBatch(batch);
  return isOfItems ? batch.items.length : 1;
}
