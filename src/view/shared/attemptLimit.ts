import type { Stats } from '../../ledger/stats.ts';

/** How many attempts may be in flight at present, over all sinks. */
export function attemptLimit({ places, stages }: Pick<Stats, 'places' | 'stages'>): number {
  const sinks = places.filter(({ role }) => role === 'sink');
  return sinks.reduce((sum, { stage }) => sum + (stages[stage]?.limit ?? 0), 0);
}
