import { measure } from '../../flow/boundedQueue.ts';
import { heapBytesOf, type MemoryAccount } from '../../flow/memory.ts';
import { evicts, rank } from '../../flow/priority.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import type { LossReason } from '../../model/tally.ts';
import type { Batcher } from './batcher.ts';
import type { AdaptiveBatchSettings } from './options.ts';

/** What the intake needs of the operator behind it. */
export interface IntakeOwner<T> {
  /** An item finds no room: what is queued may leave at once. */
  onFull(): void;
  /** An item has left the queue for a newer one. */
  onEvicted(): void;
  /** An item found no room, and `overflow` is `error`. */
  onOverflow(): void;
  /** Whether an item that finds no room needs none, but for its memory. */
  mayExceed(item: T): boolean;
}

interface Weight {
  readonly bytes: number;
  readonly heapBytes: number;
  readonly priority: number;
}

/** Lets items into the queue: measures each of them, takes its memory, and makes room for it or refuses it. */
export class Intake<T> {
  readonly #settings: AdaptiveBatchSettings<T>;
  readonly #reporter: StageReporter<T>;
  readonly #batcher: Batcher<T>;
  readonly #memory: MemoryAccount;
  readonly #owner: IntakeOwner<T>;
  #isOpen = true;

  constructor(
    settings: AdaptiveBatchSettings<T>,
    reporter: StageReporter<T>,
    batcher: Batcher<T>,
    memory: MemoryAccount,
    owner: IntakeOwner<T>,
  ) {
    this.#settings = settings;
    this.#reporter = reporter;
    this.#batcher = batcher;
    this.#memory = memory;
    this.#owner = owner;
  }

  /** Takes no more items: a callback may do this, too, by unsubscribing. */
  close(): void {
    this.#isOpen = false;
  }

  /** Whether the item was accepted. */
  offer(item: T): boolean {
    const bytes = measure(item, this.#settings.sizeOf, this.#reporter);
    const heapBytes = heapBytesOf(1, bytes);
    if (!this.#batcher.admits(bytes) || !this.#memory.admits(heapBytes)) return this.#refuse(item, 'tooLarge');
    const priority = rank(item, this.#settings, this.#reporter);
    const hasRoom = this.#isOpen && this.#makeRoom(item, { bytes, heapBytes, priority });
    // A callback may have unsubscribed meanwhile: then there is no queue any more.
    if (!this.#isOpen) return this.#refuse(item, 'unsubscribed');
    if (!hasRoom) return this.#overflow(item);
    this.#reporter.account.accept(1);
    this.#batcher.push(item, bytes, priority);
    return true;
  }

  /** Takes memory for the item. Where `overflow` says so, it evicts others from the queue to make room, but none that is in a batch already. */
  #makeRoom(item: T, { bytes, heapBytes, priority }: Weight): boolean {
    if (this.#takeRoom(bytes, heapBytes)) return true;
    this.#owner.onFull();
    if (!this.#isOpen) return false;
    if (this.#takeRoom(bytes, heapBytes)) return true;
    if (!this.#batcher.fits(bytes) && this.#owner.mayExceed(item) && this.#memory.take(heapBytes)) return true;
    if (!evicts(this.#settings.overflow) || !this.#isWorthEvicting(bytes, heapBytes, priority)) return false;
    let taken = false;
    while (!taken && this.#batcher.evictable(priority).items > 0) {
      this.#evict();
      if (!this.#isOpen) return false;
      taken = this.#takeRoom(bytes, heapBytes);
    }
    // Evicting freed more memory than this item took: accounts that wait for memory may take the rest.
    this.#memory.give(0);
    return taken;
  }

  /** Whether there would be room for the item if everything had left that it may evict. */
  #isWorthEvicting(bytes: number, heapBytes: number, priority: number): boolean {
    const evictable = this.#batcher.evictable(priority);
    const evictableBytes = heapBytesOf(evictable.items, evictable.bytes);
    return this.#batcher.wouldFit(bytes, evictable) && this.#memory.wouldHaveRoom(heapBytes, evictableBytes);
  }

  #takeRoom(bytes: number, heapBytes: number): boolean {
    return this.#batcher.fits(bytes) && this.#memory.take(heapBytes);
  }

  #overflow(item: T): false {
    this.#refuse(item, 'queueFull');
    if (this.#settings.overflow === 'error') this.#owner.onOverflow();
    return false;
  }

  #refuse(item: T, reason: LossReason): false {
    this.#reporter.refused(reason, [item]);
    return false;
  }

  #evict(): void {
    const before = this.#batcher.bytes;
    const evicted = this.#batcher.evict();
    this.#memory.swap(heapBytesOf(1, before - this.#batcher.bytes));
    this.#reporter.lost('queueFull', [evicted]);
    this.#owner.onEvicted();
  }
}
