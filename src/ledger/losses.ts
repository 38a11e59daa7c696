import { add, type Counts } from './stageStats.ts';
import type { FlowStats } from './stats.ts';

/** Refused and lost items by reason: for whoever looks at a pipeline they are the same. */
export function lossesOf({ refused, lost }: Pick<FlowStats, 'refused' | 'lost'>): Counts {
  const losses: Partial<Record<keyof Counts, number>> = { ...lost };
  for (const [reason, count] of Object.entries(refused)) add(losses, reason as keyof Counts, count);
  return losses;
}

/** Where the flow fans out, the whole leaves out best-effort routes: by reason, what was lost on the way that has lost most. */
export function lossesOnAnyRoute({
  routes = {},
  ...whole
}: Pick<FlowStats, 'refused' | 'lost'> & { readonly routes?: Readonly<Record<string, FlowStats>> }): Counts {
  const losses: Partial<Record<keyof Counts, number>> = {};
  for (const way of [whole, ...Object.values(routes)]) {
    for (const [reason, count] of Object.entries(lossesOf(way))) {
      losses[reason as keyof Counts] = Math.max(losses[reason as keyof Counts] ?? 0, count);
    }
  }
  return losses;
}
