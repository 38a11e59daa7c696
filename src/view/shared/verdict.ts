import { lossesOnAnyRoute } from '../../ledger/losses.ts';
import { count } from './format.ts';
import type { PipelineSample, Point } from './messages.ts';
import { rateOf } from './rates.ts';

export interface Verdict {
  readonly level: 'good' | 'idle' | 'trouble' | 'loss';
  readonly text: string;
}

/** What the figures mean, in one sentence. */
export function verdictOf({ stats, state, hasEnded }: PipelineSample, points: readonly Point[]): Verdict {
  const losses = Object.entries(lossesOnAnyRoute(stats)).sort(([, a], [, b]) => b - a);
  const lost = losses.reduce((all, [, more]) => all + more, 0);
  const soFar = lost === 0 ? 'Nothing has been lost.' : `${count(lost)} were lost before.`;
  if (hasEnded) return { level: lost === 0 ? 'good' : 'loss', text: `Shut down. ${lost === 0 ? soFar : endOf(lost)}` };
  if (rateOf(points, 'lost') > 0) return { level: 'loss', text: `Items are being lost: ${losses[0]?.[0]}.` };
  if (state === 'paused') return { level: 'idle', text: `Paused: ${count(stats.pending)} items wait. ${soFar}` };
  if (state === 'degraded' || rateOf(points, 'retries') > 0) {
    const arrives = rateOf(points, 'delivered') > 0;
    const text = arrives ? 'Some attempts fail and are tried again.' : 'The backend fails; what waits is tried again.';
    return { level: 'trouble', text: `${text} ${soFar}` };
  }
  if (rateOf(points, 'delivered') > 0) return { level: 'good', text: `Items are arriving. ${soFar}` };
  if (stats.pending === 0) return { level: 'idle', text: `Idle: nothing waits. ${soFar}` };
  return { level: 'trouble', text: `${count(stats.pending)} items wait, and none arrives. ${soFar}` };
}

function endOf(lost: number): string {
  return `${count(lost)} items were lost.`;
}
