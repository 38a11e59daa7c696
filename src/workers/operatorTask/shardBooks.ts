import type { Stats } from '../../ledger/stats.ts';
import type { LossReason } from '../../model/tally.ts';
import type { StateBooks } from '../protocol.ts';

/** The books of the stages in a worker, as the main thread needs them. */
export function shardBooks(stats: Stats, items: number, unsent: number): StateBooks {
  const lost: Partial<Record<LossReason, number>> = { ...stats.lost };
  if (unsent > 0) lost.operatorFailed = (lost.operatorFailed ?? 0) + unsent;
  const figures: Record<string, number> = {};
  for (const [stage, of] of Object.entries(stats.stages)) {
    for (const [name, count] of Object.entries(of.figures ?? {})) figures[`${stage}.${name}`] = count;
  }
  return { items, pendingItems: stats.pending, removed: stats.removed, lost, figures };
}
