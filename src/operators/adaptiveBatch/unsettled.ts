import type { SchedulerLike, Subscription } from 'rxjs';
import { after } from '../../internal/timers.ts';
import type { HeldBatch } from './heldBatch.ts';

/** The batches that are out, held and without an outcome, and the lease that each of them has. */
export class Unsettled<T> {
  readonly #batches = new Set<HeldBatch<T>>(); // in the order in which they left
  readonly #scheduler: SchedulerLike;
  readonly #leaseMillis: number;
  readonly #onExpired: (batch: HeldBatch<T>) => void;
  #timer: Subscription | undefined; // runs for the oldest

  constructor(scheduler: SchedulerLike, leaseMillis: number, onExpired: (batch: HeldBatch<T>) => void) {
    this.#scheduler = scheduler;
    this.#leaseMillis = leaseMillis;
    this.#onExpired = onExpired;
  }

  get size(): number {
    return this.#batches.size;
  }

  /** Those that are out now: each may end while one goes through them. */
  batches(): readonly HeldBatch<T>[] {
    return [...this.#batches];
  }

  /** How many items had left before the first one that has no outcome. */
  get earliestSequence(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const batch of this.#batches) earliest = Math.min(earliest, batch.sequence);
    return earliest;
  }

  add(batch: HeldBatch<T>): void {
    this.#batches.add(batch);
  }

  delete(batch: HeldBatch<T>): void {
    this.#batches.delete(batch);
    if (this.#batches.size > 0) return;
    this.#timer?.unsubscribe();
    this.#timer = undefined;
  }

  /** Sets the timer, unless it runs or there is nothing to wait for: a batch that ends at once needs none. */
  watch(): void {
    const [oldest] = this.#batches;
    if (this.#timer !== undefined || oldest === undefined) return;
    const leftMillis = oldest.emittedAtMillis + this.#leaseMillis - this.#scheduler.now();
    this.#timer = after(this.#scheduler, leftMillis, () => {
      this.#timer = undefined;
      this.#expire();
      this.watch();
    });
  }

  #expire(): void {
    const untilMillis = this.#scheduler.now() - this.#leaseMillis;
    for (const batch of [...this.#batches]) {
      if (batch.emittedAtMillis <= untilMillis) this.#onExpired(batch);
    }
  }
}
