import type { Counts } from '../../ledger/account.ts';
import type { Stats } from '../../ledger/stats.ts';

export function sumOf(counts: Counts): number {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}

/** Refused and lost items by reason: for who looks at a pipeline they are the same. */
export function lossesOf({ refused, lost }: Pick<Stats, 'refused' | 'lost'>): Record<string, number> {
  const losses: Record<string, number> = { ...lost };
  for (const [reason, count] of Object.entries(refused)) losses[reason] = (losses[reason] ?? 0) + count;
  return losses;
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
  const [old, now] = [lossesOf(before), lossesOf(after)];
  return Object.entries(now).flatMap(([reason, count]) => {
    const more = count - (old[reason] ?? 0);
    if (more <= 0) return [];
    const rose = ([stage, books]: [string, Stats['stages'][string]]) => {
      const earlier = before.stages[stage];
      return (lossesOf(books)[reason] ?? 0) > (earlier === undefined ? 0 : (lossesOf(earlier)[reason] ?? 0));
    };
    return [{ reason, count: more, stage: Object.entries(after.stages).findLast(rose)?.[0] ?? '' }];
  });
}
