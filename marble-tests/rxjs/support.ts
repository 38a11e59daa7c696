import { type Batch, NO_HOLD } from '../../src/model/batch.ts';

/** A batch of items for which nobody waits: what a pipeline of plain RxJS hands to a sink. */
export function asBatch<T>(items: readonly T[]): Batch<T> {
  return { items, bytes: 0, closedBy: 'count', hold: () => NO_HOLD };
}
