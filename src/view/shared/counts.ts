import { lossesOf, lossesOnAnyRoute } from '../../ledger/losses.ts';
import type { Counts } from '../../ledger/stageStats.ts';
import type { Stats } from '../../ledger/stats.ts';
import type { LossReason } from '../../model/tally.ts';

export function sumOf(counts: Counts): number {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}

/** Losses between two samples. */
export interface LossEvent {
  readonly reason: string;
  readonly stage: string;
  readonly count: number;
}

/**
 * What was lost between two samples, by reason. The stage is the last one whose books say so: a batcher books what was lost behind it, too.
 */
export function lossesBetween(before: Stats, after: Stats): LossEvent[] {
  const [old, now] = [lossesOnAnyRoute(before), lossesOnAnyRoute(after)];
  return Object.entries(now).flatMap(([reason, count]) => {
    const more = count - (old[reason as LossReason] ?? 0);
    if (more <= 0) return [];
    const rose = ([stage, books]: [string, Stats['stages'][string]]) => {
      const earlier = before.stages[stage];
      return (
        (lossesOf(books)[reason as LossReason] ?? 0) >
        (earlier === undefined ? 0 : (lossesOf(earlier)[reason as LossReason] ?? 0))
      );
    };
    return [{ reason, count: more, stage: Object.entries(after.stages).findLast(rose)?.[0] ?? '' }];
  });
}
