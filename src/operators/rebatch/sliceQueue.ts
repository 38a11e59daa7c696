import type { Taken } from '../../flow/heldBatch.ts';
import { Ring } from '../../flow/ring.ts';
import type { CloseReason } from '../../model/batch.ts';
import type { Origin, Part } from './origin.ts';

/** What makes a batch full. It may change. */
export interface FullBatch {
  readonly maxExportBatchSize: number;
  readonly maxExportBatchBytes: number;
}

/** The items of a batch that leaves, and whose they are, in their order. */
export interface TakenParts<T> extends Taken<T> {
  readonly parts: readonly Part<T>[];
}

/** An origin of which the first items may have left. */
interface Entry<T> {
  readonly origin: Origin<T>;
  taken: number;
}

/**
 * The batches that came, cut anew. It keeps no list of items: what waits are the arrays that came, each with a place in it. So a batch that comes costs the same whatever its size, and an item costs a copy of its reference; a batch that leaves as it
 * came costs not even that.
 *
 * It knows neither time nor streams.
 */
export class SliceQueue<T> {
  readonly #limits: FullBatch;
  readonly #entries = new Ring<Entry<T>>();
  #length = 0; // items
  #bytes = 0;
  #came = 0; // items so far
  #dueUpTo = 0; // items that came before this one are due
  #closedBy: CloseReason = 'delay'; // why, while some are that are no full batch

  constructor(limits: FullBatch) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get came(): number {
    return this.#came;
  }

  /** Items that have left. */
  get sequence(): number {
    return this.#came - this.#length;
  }

  get due(): boolean {
    return this.#length > 0 && (this.sequence < this.#dueUpTo || this.#fullBy !== undefined);
  }

  push(origin: Origin<T>): void {
    this.#entries.push({ origin, taken: 0 });
    this.#length += origin.items.length;
    this.#came += origin.items.length;
    this.#bytes += origin.bytes;
  }

  /** Everything that has come is due. The first reason stays. */
  makeAllDue(closedBy: CloseReason): void {
    if (this.sequence >= this.#dueUpTo) this.#closedBy = closedBy;
    this.#dueUpTo = this.#came;
  }

  /** The next batch, if one is due: the first items, as many as it may have, and at least one. */
  take(): TakenParts<T> | undefined {
    if (!this.due) return undefined;
    const closedBy = this.#fullBy ?? this.#closedBy;
    const { maxExportBatchSize } = this.#limits;
    const parts: Part<T>[] = [];
    const slices: (readonly T[])[] = [];
    let count = 0;
    let bytes = 0;
    for (let entry = this.#entries.peek(); entry !== undefined; entry = this.#entries.peek()) {
      const fitting = this.#fitting(entry, maxExportBatchSize - count, bytes);
      if (fitting === 0) break;
      const slice = sliceOf(entry, fitting);
      bytes += this.#leave(entry, fitting);
      count += fitting;
      parts.push({ origin: entry.origin, count: fitting });
      slices.push(slice);
    }
    const [only = []] = slices;
    const origins = parts.map(({ origin }) => origin.key);
    return { items: slices.length === 1 ? only : slices.flat(), bytes, closedBy, origins, parts };
  }

  /** Everything that is left leaves. */
  clear(): Part<T>[] {
    const parts: Part<T>[] = [];
    for (let entry = this.#entries.shift(); entry !== undefined; entry = this.#entries.shift())
      parts.push({ origin: entry.origin, count: entry.origin.items.length - entry.taken });
    this.#length = 0;
    this.#bytes = 0;
    return parts;
  }

  get #fullBy(): CloseReason | undefined {
    if (this.#length >= this.#limits.maxExportBatchSize) return 'count';
    return this.#bytes >= this.#limits.maxExportBatchBytes ? 'bytes' : undefined;
  }

  /** How many items of the first entry fit into a batch that has so many bytes already. The first item of a batch always does, and is alone if it is too large, also where the next ones have no bytes. */
  #fitting({ origin, taken }: Entry<T>, room: number, bytes: number): number {
    const left = Math.min(room, origin.items.length - taken);
    const bytesLeft = this.#limits.maxExportBatchBytes - bytes;
    const byBytes = origin.bytes > 0 ? Math.floor((bytesLeft * origin.items.length) / origin.bytes) : left;
    const atLeast = bytes === 0 && room === this.#limits.maxExportBatchSize ? 1 : 0;
    return Math.max(Math.min(left, atLeast), bytesLeft < 0 ? 0 : Math.min(left, byBytes));
  }

  /** Takes so many items off the first entry. Returns their bytes: what was left of the origin's for the last ones, so that they add up. */
  #leave(entry: Entry<T>, count: number): number {
    const { origin, taken } = entry;
    entry.taken += count;
    const bytes = bytesUpTo(origin, entry.taken) - bytesUpTo(origin, taken);
    if (entry.taken === origin.items.length) this.#entries.shift();
    this.#length -= count;
    this.#bytes -= bytes;
    return bytes;
  }
}

function sliceOf<T>({ origin, taken }: Entry<T>, count: number): readonly T[] {
  return count === origin.items.length ? origin.items : origin.items.slice(taken, taken + count);
}

function bytesUpTo({ items, bytes }: Origin<unknown>, count: number): number {
  return Math.round((bytes * count) / items.length);
}
