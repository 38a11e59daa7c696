import type { Quantiles } from './messages.ts';

/** Quantiles by nearest rank; `null` of nothing. */
export function quantilesOf(values: readonly number[]): Quantiles | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  const at = (ratio: number) => sorted[Math.max(0, Math.ceil(ratio * sorted.length) - 1)] as number;
  return { count: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}
