import { isFinalLoss } from './finalLoss.ts';
import { safeItems, type Tally } from './tally.ts';

/** How items have ended, as far as it matters for which end is the worse one. */
type End = Pick<Tally, 'delivered' | 'rejected' | 'stored' | 'lost'>;

/**
 * Of several holders of a batch, the one with the worst tally decides how it ended. Returns that one of two; the first, where they are alike.
 *
 * 1. Items that another attempt might deliver are worse than any that will never be: whoever made the batch has to learn that sending it again is worthwhile.
 * 2. Then more items that were lost or rejected are worse: those that were taken out on the way are neither.
 * 3. Then fewer items that are safe are worse: something was taken out.
 */
export function worseTally<T extends End>(one: T | undefined, other: T): T {
  if (one === undefined) return other;
  const [a, b] = [ranksOf(one), ranksOf(other)];
  const index = a.findIndex((rank, at) => rank !== b[at]);
  return index >= 0 && (b[index] as number) > (a[index] as number) ? other : one;
}

function ranksOf(end: End): readonly number[] {
  const lost = end.lost.filter(({ count, reason }) => count > 0 && reason !== 'unsampled');
  const mayBeSentAgain = lost.some(({ reason }) => !isFinalLoss(reason));
  const missed = lost.reduce((sum, { count }) => sum + count, end.rejected);
  return [Number(mayBeSentAgain), missed, -safeItems(end)];
}
