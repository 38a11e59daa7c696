import type { ExponentialHistogram } from '../../model/metricDataPoint.ts';
import { ExponentialBucketCounts, quantileOf } from '../../strategies/exponentialHistogram.ts';

/** The spans of one key in one window, summed up: a plain value, which can be sent to another thread. */
export interface SpanStatistics {
  /** The key. `otel.metric.overflow` for those beyond `maxKeys`. */
  readonly key: string;
  /** When the window began, in milliseconds since 1970. */
  readonly startMillis: number;
  /** When it ended, in milliseconds since 1970. */
  readonly endMillis: number;
  /** How many spans there were. */
  readonly count: number;
  /** How many of them have failed. */
  readonly errors: number;
  /** The median of their durations, in milliseconds. It and the other quantiles are too high by up to the width of a bucket: 9 % where durations reach from 1 ms to a minute, less where they are closer together. */
  readonly p50Millis: number;
  /** In milliseconds: 95 of 100 took no longer. */
  readonly p95Millis: number;
  /** In milliseconds: 99 of 100 took no longer. */
  readonly p99Millis: number;
  /** Their durations, in milliseconds, which {@link mergeStatistics} adds. */
  readonly durations: ExponentialHistogram;
}

/** What is counted, without what follows from it. */
export type CountedSpans = Omit<SpanStatistics, 'p50Millis' | 'p95Millis' | 'p99Millis'>;

export function withQuantiles(counted: CountedSpans): SpanStatistics {
  const { durations } = counted;
  const quantile = (ratio: number) => quantileOf(durations, ratio);
  return { ...counted, p50Millis: quantile(0.5), p95Millis: quantile(0.95), p99Millis: quantile(0.99) };
}

/**
 * Adds statistics of several windows, workers or processes, as if one had counted all of their spans; the quantiles are as good as those of the coarsest part. The key is that of the first.
 *
 * @example
 * ```ts
 * // The p99 of ten minutes, where a window is one.
 * spans$
 *   .pipe(statistics({ key: () => 'all' }), bufferCount(10))
 *   .subscribe((windows) => console.log(windows.reduce((one, other) => mergeStatistics(one, other)).p99Millis));
 * ```
 */
export function mergeStatistics(first: SpanStatistics, ...others: readonly SpanStatistics[]): SpanStatistics {
  const all = [first, ...others];
  const durations = new ExponentialBucketCounts();
  for (const part of all) durations.addAll(part.durations);
  return withQuantiles({
    key: first.key,
    startMillis: Math.min(...all.map(({ startMillis }) => startMillis)),
    endMillis: Math.max(...all.map(({ endMillis }) => endMillis)),
    count: all.reduce((sum, { count }) => sum + count, 0),
    errors: all.reduce((sum, { errors }) => sum + errors, 0),
    durations: durations.snapshot(),
  });
}
