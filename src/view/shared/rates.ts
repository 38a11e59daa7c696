import type { Point } from './messages.ts';

/** How far back a rate looks: batches come and go in less. */
const WINDOW_MILLIS = 2_000;

export type Counter = 'offered' | 'delivered' | 'lost' | 'retries';

/** Per second, at the newest point, over the last two seconds. 0 where there is nothing to compare with. */
export function rateOf(points: readonly Point[], counter: Counter): number {
  return rateAt(points, points.length - 1, counter);
}

/** Per second, at each point. */
export function ratesOf(points: readonly Point[], counter: Counter): number[] {
  return points.map((_, index) => rateAt(points, index, counter));
}

function rateAt(points: readonly Point[], index: number, counter: Counter): number {
  const now = points[index];
  if (now === undefined) return 0;
  let from = index;
  while (from > 0 && now.at - (points[from] as Point).at < WINDOW_MILLIS) from -= 1;
  const before = points[from] as Point;
  return now.at === before.at ? 0 : ((now[counter] - before[counter]) * 1_000) / (now.at - before.at);
}
