import { estimateOr, UNREADABLE_ITEM_BYTES } from '../../flow/itemBytes.ts';
import { type Batch, isBatch, NO_HOLD } from '../../model/batch.ts';

/** The batch that {@link exportTo} was given; a plain array becomes a batch without holds. `undefined` for anything else. */
export function batchOf<T>(given: Batch<T> | readonly T[]): Batch<T> | undefined {
  if (Array.isArray(given)) return asBatch(given);
  const batch = given as Batch<T> | null | undefined;
  return Array.isArray(batch?.items) && isBatch<T>(batch) ? batch : undefined;
}

function asBatch<T>(items: readonly T[]): Batch<T> {
  const bytes = items.reduce((sum, item) => sum + estimateOr(item, UNREADABLE_ITEM_BYTES), 0);
  return { items, bytes, closedBy: 'count', hold: () => NO_HOLD };
}
