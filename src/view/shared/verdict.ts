import { lossesOf, lossesOnAnyRoute } from '../../ledger/losses.ts';
import { count } from './format.ts';
import type { PipelineSample, Point } from './messages.ts';
import { rateOf } from './rates.ts';

/** What fits into two lines of the page. */
const MAX_MESSAGE = 160;

export interface Verdict {
  readonly level: 'good' | 'idle' | 'trouble' | 'loss';
  readonly text: string;
}

/** What the figures mean, in one sentence. */
export function verdictOf(sample: PipelineSample, points: readonly Point[]): Verdict {
  const { stats, state, hasEnded } = sample;
  const losses = Object.entries(lossesOnAnyRoute(stats)).sort(([, a], [, b]) => b - a);
  const lost = losses.reduce((all, [, more]) => all + more, 0);
  const soFar = lost === 0 ? 'Nothing has been lost.' : `${count(lost)} were lost before.`;
  if (hasEnded) return { level: lost === 0 ? 'good' : 'loss', text: `Shut down. ${lost === 0 ? soFar : endOf(lost)}` };
  if (rateOf(points, 'lost') > 0) return { level: 'loss', text: lossText(sample, losses[0]?.[0]) };
  if (state === 'paused') return { level: 'idle', text: `Paused: ${count(stats.pending)} items wait. ${soFar}` };
  if (state === 'degraded' || rateOf(points, 'retries') > 0) {
    const why = failingBackend(stats);
    const arrives = rateOf(points, 'delivered') > 0;
    const text = arrives
      ? `Some attempts fail and are tried again.${why === '' ? '' : ` ${why}.`}`
      : `${why || 'The backend fails'}; ${count(stats.pending)} wait to be tried again.`;
    return { level: 'trouble', text: `${text} ${soFar}` };
  }
  if (rateOf(points, 'delivered') > 0) return { level: 'good', text: `Items are arriving. ${soFar}` };
  if (stats.pending === 0) return { level: 'idle', text: `Idle: nothing waits. ${soFar}` };
  return { level: 'trouble', text: `${count(stats.pending)} items wait, and none arrives. ${soFar}` };
}

/** Why items are being lost: by the newest outcome that says it, else by the backend that fails. */
function lossText({ stats, failure }: PipelineSample, reason: string | undefined): string {
  if (failure?.reason === 'permanent') {
    const route = failure.route === undefined ? undefined : stats.routes[failure.route];
    const lost = route === undefined ? lossesOnAnyRoute(stats) : lossesOf(route);
    return `${backend(failure.route)} refuses items for good (${shortened(failure.message)}): ${count(lost.permanent ?? 0)} lost.`;
  }
  if (failure !== null)
    return `${backend(failure.route)} fails (${shortened(failure.message)}), and items are being lost: ${failure.reason}.`;
  const why = failingBackend(stats);
  return `Items are being lost: ${reason}.${why === '' ? '' : ` ${why}.`}`;
}

/** `The backend fails (connect ECONNREFUSED …)`: that of the first sink that is failing and says why; empty if none is. */
function failingBackend({ places, stages }: PipelineSample['stats']): string {
  for (const { stage, route } of places) {
    const { isFailing, failure } = stages[stage]?.health ?? {};
    if (isFailing && failure !== undefined) return `${backend(route)} fails (${shortened(failure)})`;
  }
  return '';
}

function backend(route: string | undefined): string {
  return route === undefined ? 'The backend' : `The backend of ${route}`;
}

function shortened(text: string): string {
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text;
}

function endOf(lost: number): string {
  return `${count(lost)} items were lost.`;
}
