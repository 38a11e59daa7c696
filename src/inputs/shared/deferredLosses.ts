import type { Account } from '../../ledger/account.ts';
import type { Loss, LossReason } from '../../model/tally.ts';

/** What was lost since the last turn of the event loop, by reason: `onLoss` is told of it outside of the producers' calls. */
export class DeferredLosses {
  readonly #account: Account;
  readonly #onLoss: ((loss: Loss) => void) | undefined;
  readonly #counts = new Map<LossReason, number>();

  constructor(account: Account, onLoss: ((loss: Loss) => void) | undefined) {
    this.#account = account;
    this.#onLoss = onLoss;
  }

  /** How many reasons there are to tell something. */
  get size(): number {
    return this.#counts.size;
  }

  add(count: number, reason: LossReason): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + count);
  }

  tell(): void {
    const losses = [...this.#counts];
    this.#counts.clear();
    for (const [reason, count] of losses) {
      try {
        this.#onLoss?.({ count, reason, stage: this.#account.stage });
      } catch {
        this.#account.callbackFailed();
      }
    }
  }
}
