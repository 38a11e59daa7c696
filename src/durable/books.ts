import { Warnings } from '../internal/diagWarnings.ts';
import { createLedger, type Ledger } from '../ledger/ledger.ts';
import { StageReporter } from '../ledger/stageReporter.ts';
import { addLoss, type Loss, type LossReason, type Tally } from '../model/tally.ts';
import type { DurableSettings } from './options.ts';
import type { Dropped } from './protocol.ts';

export const STAGE = 'durable';

/** At most one report to `diag` in this time. */
const WARNING_INTERVAL_MILLIS = 10_000;

/**
 * The books of one queue on disk: what was accepted is pending until it was delivered, rejected or lost, whichever process accepted it. They stand in a ledger of their own, since what was written is `handedOn` in the books of whoever exports.
 */
export class DurableBooks<T> {
  readonly ledger: Ledger;
  readonly reporter: StageReporter<T>;
  readonly warnings: Warnings;
  #pending = 0;

  constructor(settings: DurableSettings<T>) {
    const { scheduler } = settings;
    this.ledger = createLedger({ scheduler });
    this.ledger.carries(settings.signal);
    // Not a sink: those behind it, which export what it hands out, are its holders.
    this.reporter = new StageReporter<T>(this.ledger.open('batch', STAGE), settings);
    this.warnings = new Warnings(STAGE, WARNING_INTERVAL_MILLIS, scheduler);
    this.ledger.watch({
      lost: (loss) => this.warnings.lost(loss),
      callbackFailed: (thrown) => this.warnings.callbackFailed(thrown),
    });
  }

  get account() {
    return this.reporter.account;
  }

  /** Items that lie on the disk, or are being sent, and have no outcome. */
  get pending(): number {
    return this.#pending;
  }

  /** Items were written. */
  accepted(count: number): void {
    this.#pending += count;
    this.account.accept(count);
  }

  refused(count: number): void {
    this.account.refuse(count, 'queueFull');
    this.#tell(count, 'queueFull');
  }

  /** Items that were on the disk were dropped there. */
  dropped(dropped: Dropped): void {
    for (const [reason, count] of Object.entries(dropped)) this.lost(count, reason as LossReason);
  }

  lost(count: number, reason: LossReason): void {
    if (count <= 0) return;
    this.#pending -= count;
    this.account.lose(count, reason);
    this.#tell(count, reason);
  }

  /** A batch was sent, and ended so. Its losses were told by who has sent it. */
  ended(count: number, tally: Tally): void {
    this.#pending -= count;
    this.account.settle(count, tally);
  }

  /**
   * The queue was opened, and holds so many items.
   *
   * @param elsewhere items that are being sent, and are not on the disk any more
   * @param damaged items of which it is known that they were there and cannot be read
   */
  found(items: number, elsewhere: number, damaged: number): void {
    const more = items + Math.max(elsewhere, damaged) - this.#pending;
    if (more > 0) {
      this.account.figure('recovered', more);
      this.accepted(more);
    }
    this.lost(this.#pending - items - elsewhere, 'damaged');
  }

  #tell(count: number, reason: LossReason): void {
    this.reporter.report({ count, reason, stage: STAGE }, []);
  }
}

/** A tally in which one reason stands in the place of another. */
export function withReason(tally: Tally, from: LossReason, to: LossReason): Tally {
  const lost: Loss[] = [];
  for (const loss of tally.lost) addLoss(lost, loss.reason === from ? { ...loss, reason: to } : loss);
  return { ...tally, lost };
}
