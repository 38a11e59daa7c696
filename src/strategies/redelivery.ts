import type { LossReason, Tally } from '../model/tally.ts';

/** Reasons that say something of the program that read the items, and nothing of the items. */
const OF_THE_READER: ReadonlySet<LossReason> = new Set(['shutdown', 'unsubscribed', 'alreadyShutdown', 'noSubscriber']);

/**
 * Whether what a broker keeps has to be read again, because an item of it was lost only since its reader ended. Whatever else became of it (delivered, rejected, lost and counted) is for good.
 */
export function comesAgain({ lost }: Pick<Tally, 'lost'>): boolean {
  return lost.some(({ reason, count }) => count > 0 && OF_THE_READER.has(reason));
}
