import type { Subscription } from 'rxjs';
import type { Finish } from '../../destination/attemptLine.ts';
import { Ring } from '../../flow/ring.ts';
import type { Ending } from './inner.ts';
import type { Waiting } from './line.ts';
import type { MergeOrder } from './options.ts';

/** An item that has begun, and whose result has not been emitted. */
export interface Begun<T, R> {
  readonly waiting: Waiting<T>;
  readonly run: Subscription;
  readonly finish: Finish;
  ending: Ending<R> | undefined;
}

/** The items that have begun, and their results until it is their turn: as they come, or in the order of the source. */
export class Outbox<T, R> {
  readonly #isInSourceOrder: boolean;
  readonly #emit: (waiting: Waiting<T>, ending: Ending<R>) => void;
  readonly #begun = new Set<Begun<T, R>>();
  readonly #queue = new Ring<Begun<T, R>>(); // in the order in which the results are emitted
  #length = 0; // results that wait for an earlier one, or for the end of an emission
  #bytes = 0; // of the items of those results
  #emitting = false;

  constructor(order: MergeOrder<T>, emit: (waiting: Waiting<T>, ending: Ending<R>) => void) {
    this.#isInSourceOrder = order === 'source';
    this.#emit = emit;
  }

  /** How many results wait. */
  get length(): number {
    return this.#length;
  }

  /** The bytes of the items whose results wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether nothing runs, and every result has been emitted. */
  get isDone(): boolean {
    return !this.#emitting && this.#begun.size === 0;
  }

  /** Removes the items without an emitted result, running or not: an emission that is under way is the last one. */
  clear(): readonly Begun<T, R>[] {
    const begun = [...this.#begun];
    this.#begun.clear();
    this.#queue.take(this.#queue.length);
    return begun;
  }

  add(entry: Begun<T, R>): void {
    this.#begun.add(entry);
    if (this.#isInSourceOrder) this.#queue.push(entry);
  }

  /** An item has its result. It is emitted when it is its turn, and so are the results that waited for it. */
  addResult(entry: Begun<T, R>, ending: Ending<R>): void {
    entry.ending = ending;
    this.#length += 1;
    this.#bytes += entry.waiting.bytes;
    if (!this.#isInSourceOrder) this.#queue.push(entry);
    this.#emitReady();
  }

  /** A result that comes while another one is being emitted is emitted after it, never within it. */
  #emitReady(): void {
    if (this.#emitting) return;
    this.#emitting = true;
    for (let next = this.#queue.peek(); next?.ending !== undefined; next = this.#queue.peek()) {
      this.#queue.shift();
      this.#begun.delete(next);
      this.#length -= 1;
      this.#bytes -= next.waiting.bytes;
      this.#emit(next.waiting, next.ending);
    }
    this.#emitting = false;
  }
}
