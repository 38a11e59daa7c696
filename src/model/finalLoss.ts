import type { LossReason } from './tally.ts';

/** The reasons for which an item would be lost again, whenever it is sent. */
const FINAL: ReadonlySet<LossReason> = new Set(['permanent', 'tooLarge', 'unencodable', 'unsampled']);

/** Whether sending the item once more would be in vain. */
export function isFinalLoss(reason: LossReason): boolean {
  return FINAL.has(reason);
}
