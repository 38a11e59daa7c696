import { average, type BatchSizeStrategyFactory, GROW, SHRINK, splitBecause, within } from './batchSize.ts';

/**
 * Steers the size by the export latency alone: an exponentially weighted mean (α 0.2) of the last attempt's duration above 1.5 × the target
 * shrinks the size to 0.8 of it, below 0.5 × the target it grows to 1.2 of it.
 *
 * On a backend that is merely far away it shrinks to the minimum, although a smaller batch is no faster there:
 * `responsiveSize` knows the difference.
 *
 * @example
 * ```ts
 * spans$.pipe(adaptiveBatch({ targetLatencyMillis: 50, scheduledDelayMillis: 100, strategy: latencyTarget() }));
 * ```
 */
export function latencyTarget(): BatchSizeStrategyFactory {
  return (limits) => {
    let latency: number | undefined; // milliseconds, moving average
    let size = limits.initialExportBatchSize;
    let because = 'latency';
    return {
      get size() {
        return Math.round(size);
      },
      get because() {
        return because;
      },
      get delayMillis() {
        return limits.scheduledDelayMillis;
      },
      left() {},
      ended(batch) {
        // A batch that timed out says something about latency; one that was refused does not.
        if (batch.delivered === 0 && batch.timeouts === 0) return;
        size = within(size, limits.minExportBatchSize, limits.maxExportBatchSize);
        latency = average(latency, batch.attemptMillis);
        because = batch.requests > 1 ? splitBecause(batch) : 'latency';
        if (batch.requests > 1)
          size = Math.max(limits.minExportBatchSize, Math.min(size, batch.items / batch.requests));
        if (latency > 1.5 * limits.targetLatencyMillis) size = Math.max(limits.minExportBatchSize, size * SHRINK);
        if (latency < 0.5 * limits.targetLatencyMillis) size = Math.min(limits.maxExportBatchSize, size * GROW);
      },
    };
  };
}
