import type { Account } from '../../account.ts';
import type { LossReason } from '../../outcome.ts';
import type { Batcher } from '../../strategies/batcher.ts';
import { measure } from '../../strategies/measuredQueue.ts';
import { type AdaptiveBatchSettings, STAGE } from './options.ts';

/** What became of an item: it is in, it is not, or it is the one too many that ends the stream. */
export type Admission = 'accepted' | 'refused' | 'overflown';

/** What the way in has to know of what lies behind it. */
export interface QueueState {
  onEvicted(): void;
  isOpen(): boolean;
}

/** The way in: measures each item, makes room or refuses it, and says what was lost. */
export class Intake<T> {
  readonly #settings: AdaptiveBatchSettings<T>;
  readonly #account: Account;
  readonly #batcher: Batcher<T>;
  readonly #queue: QueueState;

  constructor(settings: AdaptiveBatchSettings<T>, account: Account, batcher: Batcher<T>, queue: QueueState) {
    this.#settings = settings;
    this.#account = account;
    this.#batcher = batcher;
    this.#queue = queue;
  }

  admit(item: T): Admission {
    const bytes = measure(item, this.#settings.sizeOf, this.#account);
    if (!this.#batcher.admits(bytes)) return this.#refuse(item, 'tooLarge');
    if (!this.#batcher.fits(bytes)) {
      if (this.#settings.overflow !== 'dropOldest') {
        this.#refuse(item, 'queueFull');
        return this.#settings.overflow === 'error' ? 'overflown' : 'refused';
      }
      while (this.#queue.isOpen() && this.#batcher.length > 0 && !this.#batcher.fits(bytes)) this.#evict();
    }
    // An empty queue takes what it admits, whatever fractions of a byte have not added up. A callback may have unsubscribed meanwhile: then there is none any more.
    if (!this.#queue.isOpen()) return this.#refuse(item, 'unsubscribed');
    this.#account.accept(1);
    this.#batcher.push(item, bytes);
    return 'accepted';
  }

  /** Tells whoever wants to know. What they throw is theirs; it is counted, and the stream goes on. */
  tell(reason: LossReason, items: readonly T[]): void {
    try {
      this.#settings.onLoss?.({ count: items.length, reason, stage: STAGE }, items);
    } catch {
      this.#account.callbackFailed();
    }
  }

  #refuse(item: T, reason: LossReason): 'refused' {
    this.#account.refuse(1, reason);
    this.tell(reason, [item]);
    return 'refused';
  }

  #evict(): void {
    const evicted = this.#batcher.evict() as T;
    this.#account.lose(1, 'queueFull');
    this.#queue.onEvicted();
    this.tell('queueFull', [evicted]);
  }
}
