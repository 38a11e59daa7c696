import type { LossReason } from '../model/tally.ts';

/** Items by reason. A reason that has not occurred is absent. */
export type Counts = Readonly<Partial<Record<LossReason, number>>>;

/**
 * One stage's books. At every instant `offered = accepted + Σ refused`, and
 * `accepted = delivered + rejected + handedOn + removed + Σ lost + pending`.
 */
export interface StageStats {
  /** Items that came. */
  readonly offered: number;
  /** Items that were let in. */
  readonly accepted: number;
  /** Items that were not let in. */
  readonly refused: Counts;
  /** Items that a backend confirmed. */
  readonly delivered: number;
  /** Of those, items that may have arrived more than once: an earlier attempt was sent, and its outcome is unknown. */
  readonly possibleDuplicates: number;
  /** Items that a backend received and refused. */
  readonly rejected: number;
  /** Items that were passed to a consumer that did not hold their batch, so that no outcome is known; of a stage that exports, items that its sink has written to its disk, and sends later, or that the pipeline has written to its `spool`. */
  readonly handedOn: number;
  /** Items that an operator or a sink removed from their batch. */
  readonly removed: number;
  /** Items that were let in and then lost, by reason. */
  readonly lost: Counts;
  /** Items that have no outcome yet. */
  readonly pending: number;
}

/** Sums a record of counts. */
export function total(counts: Counts): number {
  let sum = 0;
  for (const reason in counts) sum += counts[reason as LossReason] as number;
  return sum;
}

/** Adds to a record of counts. */
export function add(counts: Partial<Record<LossReason, number>>, reason: LossReason, count: number): void {
  if (count > 0) counts[reason] = (counts[reason] ?? 0) + count;
}
