import type { StageReporter } from '../../ledger/stageReporter.ts';
import type { LossReason } from '../../model/tally.ts';

/** Losses since the last turn of the event loop, which the ledger has counted already. `onLoss` is called outside of the producers' calls, once for each reason. */
export class DeferredLosses {
  readonly #reporter: StageReporter<never>;
  readonly #counts = new Map<LossReason, number>();

  constructor(reporter: StageReporter<never>) {
    this.#reporter = reporter;
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  add(count: number, reason: LossReason): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + count);
  }

  report(): void {
    const losses = [...this.#counts];
    this.#counts.clear();
    const { stage } = this.#reporter.account;
    for (const [reason, count] of losses) this.#reporter.report({ count, reason, stage }, []);
  }
}
