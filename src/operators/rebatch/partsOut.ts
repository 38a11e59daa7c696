import type { Tally } from '../../model/tally.ts';
import { isMixed, type Share } from '../../strategies/proportions.ts';
import { requestShares } from '../../strategies/requestShares.ts';
import type { Part } from './origin.ts';

/** Nothing is known of items that were handed on. */
const NOTHING_KNOWN: Share = Object.freeze({ delivered: 0, rejected: 0, lost: [] });

/** Whose the items are of the batches that are out: how a batch ends, its origins learn. */
export class PartsOut<T> {
  readonly #parts = new Map<object, readonly Part<T>[]>(); // by the batch

  add(batch: object, parts: readonly Part<T>[]): void {
    this.#parts.set(batch, parts);
  }

  /** Nobody holds it. Should somebody hold it late, its origins have their ends already. */
  handOn(batch: object): void {
    for (const { origin, count } of this.#take(batch)) origin.tally.add(count, NOTHING_KNOWN, NOTHING_KNOWN, false);
  }

  end(batch: object, tally: Tally): void {
    const parts = this.#take(batch);
    const counts = parts.map(({ count }) => count);
    const size = counts.reduce((sum, count) => sum + count, 0);
    const isEstimated = parts.length > 1 && isMixed(tally, size);
    const shares = requestShares(tally, counts);
    for (const [index, { origin, count }] of parts.entries())
      origin.tally.add(count, shares[index] ?? NOTHING_KNOWN, tally, isEstimated);
  }

  #take(batch: object): readonly Part<T>[] {
    const parts = this.#parts.get(batch) ?? [];
    this.#parts.delete(batch);
    return parts;
  }
}
