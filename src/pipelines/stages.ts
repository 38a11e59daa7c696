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

/** Four times the concurrency, so that slots that are free during backoffs are used. How high a changing limit can rise is unknown: 128 is enough for a limit of 32. */
export function unsettledFor(concurrency: unknown): number {
  return typeof concurrency === 'number' ? safe(Math.max(32, 4 * concurrency)) : 128;
}

/** A sum of limits, which has to be a limit itself. */
export function safe(sum: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, sum);
}
