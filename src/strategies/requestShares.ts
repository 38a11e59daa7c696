import { isFinalLoss } from '../model/finalLoss.ts';
import type { Loss } from '../model/tally.ts';
import { divide, isMixed, type Share } from './proportions.ts';

/**
 * What became of the items of each request, in a batch that holds items of several and ended so.
 *
 * Backends say how many items they refuse, not which. So the tally is divided in proportion, and the shares add up to it. But a request whose items may have been lost, and that would be told that all arrived, would never be sent again. So where
 * a batch has lost items for a reason that another attempt might not meet, each of its requests has lost one of them at least: too many requests are sent again rather than one too few.
 *
 * @param counts the number of items of each request; their sum is the size of the batch
 */
export function requestShares(tally: Share, counts: readonly number[]): Share[] {
  const shares = divide(tally, counts);
  const size = counts.reduce((sum, count) => sum + count, 0);
  const worst = tally.lost.find(({ count, reason }) => count > 0 && !isFinalLoss(reason));
  if (worst === undefined || !isMixed(tally, size)) return shares;
  return shares.map((share) => (hasLost(share) ? share : withOneLost(share, worst)));
}

function hasLost({ lost }: Share): boolean {
  return lost.some(({ count, reason }) => count > 0 && !isFinalLoss(reason));
}

function withOneLost(share: Share, { reason, stage }: Loss): Share {
  const lost = [...share.lost, { count: 1, reason, stage }];
  const { stored = 0 } = share;
  if (stored > 0) return { ...share, stored: stored - 1, lost };
  if (share.delivered === 0 && share.rejected === 0) return { ...share, lost: withOneLess(lost) };
  if (share.delivered === 0) return { ...share, rejected: share.rejected - 1, lost };
  const delivered = share.delivered - 1;
  const twice = Math.min(share.possibleDuplicates ?? 0, delivered);
  return { ...share, delivered, lost, ...(share.possibleDuplicates !== undefined && { possibleDuplicates: twice }) };
}

/** Of a share that had nothing but losses for good, one is the new one at the end. A share of nothing has none. */
function withOneLess([first, ...rest]: readonly Loss[]): readonly Loss[] {
  if (first === undefined || rest.length === 0) return [];
  return first.count > 1 ? [{ ...first, count: first.count - 1 }, ...rest] : rest;
}
