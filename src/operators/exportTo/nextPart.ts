import type { Destination } from '../../destination/destination.ts';
import type { AttemptSize } from '../../destination/layer.ts';
import type { Batch } from '../../model/batch.ts';
import { Parts } from './parts.ts';

/** Decides which part of a batch goes next: as large as the destination is known to take, and half as large after each one that was too large. */
export class NextPart<T> {
  readonly #parts: Parts<T>;
  readonly #destination: Destination;
  #maxItems = Number.POSITIVE_INFINITY; // of the next part, after one that was too large, whatever the destination's limits say
  #unlearn: (() => void) | undefined; // undoes what the refusals of this batch taught about bytes, once, when a single item was the cause

  constructor(batch: Batch<T>, destination: Destination) {
    this.#parts = new Parts(batch);
    this.#destination = destination;
  }

  /** The part that begins at this item. */
  cut(start: number): Batch<T> {
    const { maxItems, maxBytes } = this.#destination.limits;
    return this.#parts.cut(start, { maxItems: Math.min(maxItems, this.#maxItems), maxBytes });
  }

  /** The size of the part that begins at this item: it changes with what is learnt of the destination meanwhile. */
  sizeAt(start: () => number): AttemptSize {
    return new PartSize(this.#parts, () => this.cut(start()));
  }

  accepted(part: Batch<T>): void {
    this.#maxItems = Number.POSITIVE_INFINITY;
    this.#destination.accepted(part.items.length, this.#parts.bytesOf(part));
  }

  /** A part of several items was too large. */
  wasTooLarge(part: Batch<T>): void {
    this.#maxItems = Math.max(1, part.items.length >> 1);
    const unlearn = this.#destination.refusedBytes(this.#parts.bytesOf(part));
    this.#unlearn ??= unlearn;
  }

  /** One item was too large by itself. Returns whether the others are worth a try. */
  itemWasTooLarge(): boolean {
    this.#maxItems = Number.POSITIVE_INFINITY;
    if (this.#unlearn !== undefined) {
      this.#unlearn();
      this.#unlearn = () => {}; // when several items are too large, it is the sizes
    }
    return this.#destination.refusedItem();
  }
}

/**
 * Why a class, and no object with two getters? V8 gives each such object a hidden class of its own, which lives in the old generation and holds the getters, and with them the batch: nothing of it would be collected young.
 */
class PartSize<T> implements AttemptSize {
  readonly #parts: Parts<T>;
  readonly #cut: () => Batch<T>;

  constructor(parts: Parts<T>, cut: () => Batch<T>) {
    this.#parts = parts;
    this.#cut = cut;
  }

  get items(): number {
    return this.#cut().items.length;
  }

  get bytes(): number {
    return this.#parts.bytesOf(this.#cut());
  }
}
