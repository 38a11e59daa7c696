import type { StageReporter } from '../../ledger/stageReporter.ts';
import type { LossReason } from '../../model/tally.ts';
import type { StateBooks } from '../protocol.ts';

/** The books of `inWorkers` where an operator runs in the workers: what stages there hold is pending here, and what becomes of it there is in the books here. */
export class ShardAccount {
  readonly #reporter: StageReporter<never>;

  constructor(reporter: StageReporter<never>) {
    this.#reporter = reporter;
  }

  /**
   * The books in a worker have changed.
   *
   * @param counted as how many items what has come there is pending here: a chunk of bytes counts as one until it is known how many items are in it
   */
  changed({ items, pendingItems, removed, lost, figures }: StateBooks, counted: number): void {
    const { account } = this.#reporter;
    if (items > counted) account.accept(items - counted);
    else if (items < counted) account.remove(counted - items);
    account.handOn(items);
    const losses = Object.entries(lost) as [LossReason, number][];
    const kept = pendingItems + removed + losses.reduce((sum, [, count]) => sum + count, 0);
    this.#takeBack(kept);
    account.remove(removed);
    for (const [reason, count] of losses) this.lose(count, reason);
    for (const [name, count] of Object.entries(figures)) account.figure(name, count);
  }

  /** Pending items are lost, which are not here. */
  lose(count: number, reason: LossReason): void {
    const { account } = this.#reporter;
    account.lose(count, reason);
    this.#reporter.report({ count, reason, stage: account.stage }, []);
  }

  /** Operators that make more of an item may hold more than has come. */
  #takeBack(count: number): void {
    const { account } = this.#reporter;
    const made = Math.max(0, count - account.stats().handedOn);
    account.accept(made);
    account.takeBack(count - made);
  }
}
