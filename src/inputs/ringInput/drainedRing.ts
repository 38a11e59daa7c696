import { Observable, Subject } from 'rxjs';
import { fillsHeap, placesInHeap } from '../../flow/heapLimit.ts';
import { Ring } from '../../flow/ring.ts';
import { DueTurn } from '../../internal/timers.ts';
import type { Account } from '../../ledger/account.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import type { Loss, LossReason } from '../../model/tally.ts';
import { DeferredLosses } from '../shared/deferredLosses.ts';
import { Multicast } from '../shared/multicast.ts';
import { Unsubscribed } from '../shared/unsubscribed.ts';
import type { RingInputSettings, RingKind } from './options.ts';

/** Items that are drained before the event loop has its next turn. */
const ITEMS_PER_TURN = 4_096;

/** The default of `maxQueueSize` where the heap is large enough. */
const MAX_DEFAULT_QUEUE_SIZE = 32_768;

/** Items that were accepted and then lost. */
export interface LostItems<T> {
  readonly loss: Loss;
  readonly items: readonly T[];
}

/** A bounded ring that a turn of the event loop empties into a stream. */
export class DrainedRing<T> {
  readonly #leftOut: RingKind<T>['leftOut'];
  readonly #maxQueueSize: number | undefined;
  readonly #settings: RingInputSettings;
  readonly #account: Account;
  readonly #reporter: StageReporter<never>;
  readonly #ring = new Ring<T>();
  readonly #items = new Multicast<T>();
  #mayEmit = 0; // items that may still leave before the next turn
  readonly #emitAll = () => this.#account.passOn(this.#emit, this.#ring);
  readonly #emit = (ring: Ring<T>) => {
    while (this.#hasNext) {
      this.#mayEmit -= 1;
      this.#account.handOn(1);
      this.#items.next(ring.shift() as T);
    }
  };
  readonly #losses: DeferredLosses;
  readonly #turn: DueTurn;
  readonly #unsubscribed: Unsubscribed;
  readonly #onDrained: () => void;
  #draining = false;
  #isClosed = false;

  readonly items$ = new Observable<T>((subscriber) => {
    subscriber.add(this.#items.values$.subscribe(subscriber));
    if (this.#ring.length > 0) this.drainSoon();
  });
  readonly lost = new Subject<LostItems<T>>();

  /** @param onDrained called after each slice that was drained */
  constructor(kind: RingKind<T>, settings: RingInputSettings, account: Account, onDrained: () => void) {
    this.#leftOut = kind.leftOut;
    this.#maxQueueSize = settings.maxQueueSize;
    this.#settings = settings;
    this.#account = account;
    this.#onDrained = onDrained;
    this.#reporter = new StageReporter(account, settings);
    this.#unsubscribed = new Unsubscribed(settings.scheduler, {
      what: `${account.stage}: ${kind.event}`,
      stream: kind.stream,
      isObserved: () => this.#items.observed,
    });
    this.#turn = new DueTurn(settings.scheduler, () => {
      this.#losses.report();
      this.#drain(ITEMS_PER_TURN);
    });
    this.#losses = new DeferredLosses(this.#reporter);
    account.watch({ queueSize: () => this.#ring.length, queueCapacity: () => this.#capacity });
  }

  get isEmpty(): boolean {
    return this.#ring.length === 0;
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /** Takes an item, or returns why not. One that is left out, or that cannot be looked at, is not counted as offered. */
  offer(item: T): LossReason | undefined {
    try {
      return this.#leftOut?.(item) ?? this.#push(item);
    } catch {
      // Only an object of another kind gets here. It is counted: nothing throws into the program's own call, and no callback runs there.
      this.#account.callbackFailed();
      return 'unencodable';
    }
  }

  /** From now on everything is refused. */
  close(): void {
    this.#isClosed = true;
  }

  drainAll(): void {
    this.#drain(Number.POSITIVE_INFINITY);
  }

  /** In the next turn, if anybody is subscribed or a loss is to be told. */
  drainSoon(): void {
    if (this.#turn.isArmed) return;
    if (this.#items.observed || !this.#losses.isEmpty) this.#turn.arm();
    this.#unsubscribed.check();
  }

  /** What nobody has taken is lost. */
  loseRest(): void {
    const items = this.#ring.take(this.#ring.length);
    if (items.length === 0) return;
    const loss: Loss = { count: items.length, reason: 'noSubscriber', stage: this.#account.stage };
    this.#account.lose(loss.count, loss.reason);
    this.#losses.add(loss.count, loss.reason);
    this.lost.next({ loss, items });
  }

  complete(): void {
    this.#items.complete();
  }

  reportLosses(): void {
    this.#losses.report();
  }

  #push(item: T): LossReason | undefined {
    if (this.#isClosed) return this.#refuse('alreadyShutdown');
    if (this.#isFull()) {
      if (this.#settings.overflow === 'dropNewest') return this.#refuse('queueFull');
      this.#evict();
    }
    this.#account.accept(1);
    this.#ring.push(item);
    this.drainSoon();
    return undefined;
  }

  get #capacity(): number {
    return this.#maxQueueSize ?? placesInHeap(MAX_DEFAULT_QUEUE_SIZE);
  }

  #isFull(): boolean {
    const { length } = this.#ring;
    return this.#maxQueueSize === undefined ? fillsHeap(length, MAX_DEFAULT_QUEUE_SIZE) : length >= this.#maxQueueSize;
  }

  #evict(): void {
    const evicted = this.#ring.shift() as T;
    this.#account.lose(1, 'queueFull');
    this.#tellSoon('queueFull');
    this.lost.next({ loss: { count: 1, reason: 'queueFull', stage: this.#account.stage }, items: [evicted] });
  }

  #refuse(reason: LossReason): LossReason {
    this.#account.refuse(1, reason);
    this.#tellSoon(reason);
    return reason;
  }

  #tellSoon(reason: LossReason): void {
    this.#losses.add(1, reason);
    this.drainSoon();
  }

  #drain(atMost: number): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#mayEmit = atMost;
    // Once for many items. When a subscriber throws, it goes on with the next one.
    while (this.#hasNext) this.#reporter.guard(this.#emitAll);
    this.#draining = false;
    this.#onDrained();
  }

  get #hasNext(): boolean {
    return this.#mayEmit > 0 && this.#ring.length > 0 && this.#items.observed;
  }
}
