import type { Loss, Tally } from '../model/tally.ts';

/** What became of a number of items. */
export type Share = Pick<Tally, 'delivered' | 'possibleDuplicates' | 'rejected' | 'stored' | 'lost'>;

/**
 * Divides the tally of a batch among the calls whose items it holds, in proportion to their number of items.
 *
 * Each share adds up to the call's number of items, and all shares together to the tally. The method is that of the largest remainders, one call after the other, so the
 * same batch is always divided alike.
 *
 * @param counts the number of items of each call; their sum is the size of the batch
 */
export function divide(tally: Share, counts: readonly number[]): Share[] {
  const { delivered, possibleDuplicates: twice = 0, rejected, stored: onDisk = 0, lost } = tally;
  const left = [delivered - twice, twice, rejected, onDisk, ...lost.map((loss) => loss.count)]; // not yet assigned
  let itemsLeft = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => {
    const portions = apportion(left, count, itemsLeft);
    itemsLeft -= count;
    portions.forEach((portion, index) => {
      left[index] = (left[index] ?? 0) - portion;
    });
    const [once = 0, possibleDuplicates = 0, rejected = 0, stored = 0, ...counts] = portions;
    return {
      ...{ delivered: once + possibleDuplicates, rejected, lost: withCounts(lost, counts) },
      ...(stored > 0 && { stored }),
      ...(possibleDuplicates > 0 && { possibleDuplicates }),
    };
  });
}

/** Whether its items ended in more than one way, so that it is unknown which ended how. */
export function isMixed(tally: Share, size: number): boolean {
  const counts = [tally.delivered, tally.rejected, tally.stored, ...tally.lost.map(({ count }) => count)];
  return !counts.includes(size);
}

/** Whole parts of each amount, `count / whole` of it as nearly as can be, that add up to `count`. */
function apportion(amounts: readonly number[], count: number, whole: number): number[] {
  const exact = amounts.map((amount) => (whole === 0 ? 0 : (amount * count) / whole));
  const portions = exact.map(Math.floor);
  const total = Math.round(exact.reduce((sum, portion) => sum + portion, 0));
  const byRemainder = exact.map((portion, index) => ({ index, rest: portion - Math.floor(portion) }));
  byRemainder.sort((one, other) => other.rest - one.rest || one.index - other.index);
  const missing = total - portions.reduce((sum, portion) => sum + portion, 0);
  for (const { index } of byRemainder.slice(0, missing)) portions[index] = (portions[index] ?? 0) + 1;
  return portions;
}

function withCounts(losses: readonly Loss[], counts: readonly number[]): Loss[] {
  return losses.map((loss, index) => ({ ...loss, count: counts[index] ?? 0 })).filter((loss) => loss.count > 0);
}
