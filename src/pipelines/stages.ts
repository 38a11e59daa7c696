import type { Concurrency } from '../destination/concurrency.ts';
import { isLimiter } from '../destination/limiter.ts';
import type { AdaptiveBatchOptions } from '../operators/adaptiveBatch/options.ts';
import { type ExportToOptions, leaseMillis } from '../operators/exportTo/options.ts';

/** The batcher of a composition: the life cycle keeps the process alive, and the lease is longer than the longest export. */
export function batcherOptions({ retry }: Pick<ExportToOptions<unknown>, 'retry'>) {
  return {
    processHold: 'never',
    holdLeaseMillis: leaseMillis(retry?.maxElapsedMillis),
  } satisfies AdaptiveBatchOptions<never>;
}

/** The export of a composition. The batcher bounds what is out; a second bound here could only lose what the first one has let through. */
export const EXPORT_STAGE = {
  processHold: 'never',
  maxPendingItems: Number.POSITIVE_INFINITY,
  maxPendingBytes: Number.POSITIVE_INFINITY,
} satisfies ExportToOptions<never>;

/**
 * Batches that may be out. Four times a number, so that slots that are free during backoffs are used. How high an Observable rises is unknown: 128 is enough for a limit of 32. A limiter (the default is one) rises to 200
 * unless `maxLimit` says otherwise, and not while batches are refused: 256 leaves room for both. What these batches take is bounded by the memory budget.
 */
export function unsettledFor(concurrency: Concurrency | undefined): number {
  if (typeof concurrency === 'number') return safe(Math.max(32, 4 * concurrency));
  return concurrency === undefined || isLimiter(concurrency) ? 256 : 128;
}

/** A sum of limits, which has to be a limit itself. */
export function safe(sum: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, sum);
}
