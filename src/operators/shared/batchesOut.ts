import type { SchedulerLike, Subscription } from 'rxjs';
import type { HeldBatch, HeldBatchOwner } from '../../flow/heldBatch.ts';
import { heapBytesOf, type MemoryAccount } from '../../flow/memory.ts';
import { after } from '../../internal/timers.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import { lostTally, type Tally } from '../../model/tally.ts';

/** What bounds the batches that are out. It may change. */
export interface BatchesOutLimits {
  readonly holdLeaseMillis: number;
  readonly maxUnsettledBatches: number;
}

/** What the operator does when the batches that are out change. */
export interface BatchesOutOwner<T> {
  /** A batch has its outcome; it still counts as being out. */
  onOutcome(batch: HeldBatch<T>, tally: Tally): void;
  /** Nobody holds a batch: its outcome stays unknown. */
  onHandedOn?(batch: HeldBatch<T>): void;
  /** A batch has an outcome, or was handed on: it is not out any more. */
  onGone(): void;
  /** Another batch may be welcome now. */
  onRoom(): void;
}

/** The batches that were emitted, are held and have no outcome yet, with their memory and the lease of each. */
export class BatchesOut<T> implements HeldBatchOwner<T> {
  readonly #reporter: StageReporter<T>;
  readonly #memory: MemoryAccount;
  readonly #owner: BatchesOutOwner<T>;
  readonly #scheduler: SchedulerLike;
  readonly #settings: BatchesOutLimits;
  readonly #batches = new Set<HeldBatch<T>>(); // in the order in which they were emitted
  readonly #takenOver = new Set<HeldBatch<T>>(); // likewise: their holders bound them
  #unready = 0; // holders that cannot take another batch
  #leaseTimer: Subscription | undefined; // runs for the oldest batch
  #stopped = false; // no batch is added any more

  constructor(
    settings: BatchesOutLimits & { readonly scheduler: SchedulerLike },
    reporter: StageReporter<T>,
    memory: MemoryAccount,
    owner: BatchesOutOwner<T>,
  ) {
    this.#reporter = reporter;
    this.#memory = memory;
    this.#owner = owner;
    this.#scheduler = settings.scheduler;
    this.#settings = settings;
  }

  get books(): object {
    return this.#reporter.account;
  }

  get size(): number {
    return this.#batches.size + this.#takenOver.size;
  }

  /** Whether the holders can take another batch. */
  get hasRoom(): boolean {
    return this.#unready === 0 && this.#batches.size < this.#settings.maxUnsettledBatches;
  }

  /** The batches that are out now: each may end while a caller iterates over them. */
  batches(): readonly HeldBatch<T>[] {
    return [...this.#takenOver, ...this.#batches];
  }

  /** The sequence number of the first item that has no outcome. */
  get earliestSequence(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const batch of this.batches()) earliest = Math.min(earliest, batch.sequence);
    return earliest;
  }

  add(batch: HeldBatch<T>): void {
    this.#batches.add(batch);
  }

  /** Sets the timer of the lease, unless it runs or nothing is out: a batch that ends during `next` needs none. */
  watchLease(): void {
    const [oldest] = this.#batches;
    if (this.#leaseTimer !== undefined || oldest === undefined) return;
    const leftMillis = oldest.emittedAtMillis + this.#settings.holdLeaseMillis - this.#scheduler.now();
    this.#leaseTimer = after(this.#scheduler, leftMillis, () => {
      this.#leaseTimer = undefined;
      this.#expire();
      this.watchLease();
    });
  }

  /** The operator has stopped: the account of the memory is closed when nothing is out any more. */
  stop(): void {
    this.#stopped = true;
    if (this.size === 0) this.#memory.close();
  }

  onUnready(change: number): void {
    this.#unready += change;
    if (this.#unready === 0) this.#owner.onRoom();
  }

  onHandedOn(batch: HeldBatch<T>): void {
    this.#reporter.account.handOn(batch.size);
    this.#owner.onHandedOn?.(batch);
    this.#remove(batch);
  }

  onTakenBack(batch: HeldBatch<T>): void {
    this.#reporter.account.takeBack(batch.size);
    this.#memory.hold(heapBytesOf(batch.size, batch.bytes));
    this.add(batch);
    this.watchLease();
  }

  onTakenOver(batch: HeldBatch<T>, isTakenOver: boolean): void {
    const [from, to] = isTakenOver ? [this.#batches, this.#takenOver] : [this.#takenOver, this.#batches];
    from.delete(batch);
    to.add(batch);
    const heapBytes = heapBytesOf(batch.size, batch.bytes);
    if (!isTakenOver) {
      this.#memory.hold(heapBytes);
      this.watchLease();
      return;
    }
    this.#memory.give(heapBytes);
    this.#owner.onRoom();
  }

  onSettled(batch: HeldBatch<T>, tally: Tally): void {
    this.#reporter.account.settle(batch.size, tally);
    this.#owner.onOutcome(batch, tally);
    this.#remove(batch);
    this.#owner.onRoom();
  }

  #remove(batch: HeldBatch<T>): void {
    const isTakenOver = this.#takenOver.delete(batch);
    this.#batches.delete(batch);
    if (this.#batches.size === 0) {
      this.#leaseTimer?.unsubscribe();
      this.#leaseTimer = undefined;
    }
    this.#owner.onGone();
    if (!isTakenOver) this.#memory.give(heapBytesOf(batch.size, batch.bytes));
    if (this.#stopped) this.stop();
  }

  #expire(): void {
    const untilMillis = this.#scheduler.now() - this.#settings.holdLeaseMillis;
    for (const batch of [...this.#batches]) {
      if (batch.emittedAtMillis > untilMillis) continue;
      const loss = { count: batch.items.length, reason: 'leaseExpired', stage: this.#reporter.account.stage } as const;
      this.#reporter.report(loss, batch.items);
      batch.expire(lostTally(batch.size, 'leaseExpired', loss.stage));
    }
  }
}
