import { type Batch, isBatch } from '../../model/batch.ts';

/** The items of a batch or of an array; `undefined` for any other value. */
export function batchItems(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  const candidate = value as Batch<unknown>;
  return isBatch(candidate) && Array.isArray(candidate.items) ? candidate.items : undefined;
}
