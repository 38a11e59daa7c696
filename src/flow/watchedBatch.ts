import type { Batch } from '../model/batch.ts';
import type { Tally } from '../model/tally.ts';

/** The same batch, perhaps with other items, for one holder: how it ends is told to `onSettled`, too, after its maker has learnt it. */
export function watchedBatch<T, R>(batch: Batch<T>, items: readonly R[], onSettled: (tally: Tally) => void): Batch<R> {
  const { bytes, closedBy } = batch;
  return {
    items,
    bytes,
    closedBy,
    hold(onFlush) {
      const hold = batch.hold(onFlush);
      let isSettled = false;
      const settle = (tally: Tally) => {
        if (isSettled) return;
        isSettled = true;
        hold.settle(tally);
        onSettled(tally);
      };
      return { ...hold, settle };
    },
  };
}
