import { measure } from '../../flow/boundedQueue.ts';
import { heapBytesOf, type MemoryAccount } from '../../flow/memory.ts';
import type { Account } from '../../ledger/account.ts';
import type { LossReason } from '../../model/tally.ts';
import type { Batcher } from './batcher.ts';
import type { AdaptiveBatchSettings } from './options.ts';

/** What became of an item: it is in, it is not, or it is the one too many that ends the stream. */
export type Admission = 'accepted' | 'refused' | 'overflown';

/** What the way in has to know of what lies behind it. */
export interface QueueState {
  onEvicted(): void;
  isOpen(): boolean;
  /** An item finds no room: what is queued has waited long enough, and may leave at once. */
  onFull(): void;
}

/** The way in: measures each item, makes room or refuses it, and says what was lost. */
export class Intake<T> {
  readonly #settings: AdaptiveBatchSettings<T>;
  readonly #account: Account;
  readonly #batcher: Batcher<T>;
  readonly #memory: MemoryAccount;
  readonly #queue: QueueState;

  constructor(
    settings: AdaptiveBatchSettings<T>,
    account: Account,
    batcher: Batcher<T>,
    memory: MemoryAccount,
    queue: QueueState,
  ) {
    this.#settings = settings;
    this.#account = account;
    this.#batcher = batcher;
    this.#memory = memory;
    this.#queue = queue;
  }

  admit(item: T): Admission {
    const bytes = measure(item, this.#settings.sizeOf, this.#account);
    const heapBytes = heapBytesOf(1, bytes);
    if (!this.#batcher.admits(bytes) || !this.#memory.admits(heapBytes)) return this.#refuse(item, 'tooLarge');
    const hasRoom = this.#queue.isOpen() && this.#makeRoom(bytes, heapBytes);
    // A callback may have unsubscribed meanwhile: then there is no queue any more.
    if (!this.#queue.isOpen()) return this.#refuse(item, 'unsubscribed');
    if (!hasRoom) {
      this.#refuse(item, 'queueFull');
      return this.#settings.overflow === 'error' ? 'overflown' : 'refused';
    }
    this.#account.accept(1);
    this.#batcher.push(item, bytes);
    return 'accepted';
  }

  /** Tells whoever wants to know. What they throw is theirs; it is counted, and the stream goes on. */
  tell(reason: LossReason, items: readonly T[]): void {
    try {
      this.#settings.onLoss?.({ count: items.length, reason, stage: this.#account.stage }, items);
    } catch {
      this.#account.callbackFailed();
    }
  }

  /** Takes the memory, and evicts others for it if that is what they chose. What is in batches already stays. */
  #makeRoom(bytes: number, heapBytes: number): boolean {
    if (this.#takeRoom(bytes, heapBytes)) return true;
    this.#queue.onFull();
    if (!this.#queue.isOpen()) return false;
    if (this.#takeRoom(bytes, heapBytes)) return true;
    if (this.#settings.overflow !== 'dropOldest' || !this.#isWorthEvicting(heapBytes)) return false;
    let taken = false;
    while (!taken && this.#batcher.length > 0) {
      this.#evict();
      if (!this.#queue.isOpen()) return false;
      taken = this.#takeRoom(bytes, heapBytes);
    }
    // Whoever else waits for memory hears of what is left of theirs.
    this.#memory.give(0);
    return taken;
  }

  /** Whether there would be memory for it if nothing were queued. */
  #isWorthEvicting(heapBytes: number): boolean {
    const ofQueue = heapBytesOf(this.#batcher.length, this.#batcher.bytes);
    return this.#memory.wouldHaveRoom(heapBytes, ofQueue);
  }

  #takeRoom(bytes: number, heapBytes: number): boolean {
    // An empty queue takes what it admits, whatever fractions of a byte have not added up.
    const fits = this.#batcher.length === 0 || this.#batcher.fits(bytes);
    return fits && this.#memory.take(heapBytes);
  }

  #refuse(item: T, reason: LossReason): 'refused' {
    this.#account.refuse(1, reason);
    this.tell(reason, [item]);
    return 'refused';
  }

  #evict(): void {
    const before = this.#batcher.bytes;
    const evicted = this.#batcher.evict() as T;
    this.#memory.swap(heapBytesOf(1, before - this.#batcher.bytes));
    this.#account.lose(1, 'queueFull');
    this.#queue.onEvicted();
    this.tell('queueFull', [evicted]);
  }
}
