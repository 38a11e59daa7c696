import { BehaviorSubject, type Observable, type Subscription } from 'rxjs';
import { BoundedQueue, measure } from '../../flow/boundedQueue.ts';
import { LinkedQueue } from '../../flow/linkedQueue.ts';
import { heapBytesOf, type MemoryAccount, processMemory } from '../../flow/memory.ts';
import { after, outsideAnyContext } from '../../internal/timers.ts';
import type { Account } from '../../ledger/account.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import type { LossReason } from '../../model/tally.ts';
import type { ChannelSettings } from './options.ts';

/** Why an item was not let in. */
export type Refusal = Extract<LossReason, 'queueFull' | 'tooLarge' | 'alreadyShutdown'>;

/** Whether an item got into the queue. `aborted`: its producer took it back · `stalled`: nothing has left the queue for too long. */
export type EntryResult = 'accepted' | Refusal | 'aborted' | 'stalled';

/** A producer that waits for room. */
interface Waiter<T> {
  readonly item: T;
  readonly bytes: number;
  readonly sinceMillis: number;
  answer(result: EntryResult): void;
}

/** Called when an item gets in, or does not. */
interface AdmissionListener {
  onAccepted(): void;
  onRefused(reason: Refusal): void;
}

/** The producers' side of a channel: the bounded queue, and the bounded line of the producers that wait for room in it. */
export class AdmissionQueue<T> {
  readonly #settings: ChannelSettings<T>;
  readonly #account: Account;
  readonly #reporter: StageReporter<never>;
  readonly #listener: AdmissionListener;
  readonly #queue: BoundedQueue<T>;
  readonly #memory: MemoryAccount;
  readonly #line = new LinkedQueue<Waiter<T>>(); // first come, first served
  readonly #saturated = new BehaviorSubject(false);
  #leftAtMillis = Number.NEGATIVE_INFINITY; // an item, while producers waited
  #stall: Subscription | undefined; // while producers wait: the first of them may have waited for too long
  #closed = false;
  readonly saturated$: Observable<boolean> = this.#saturated.asObservable();

  constructor(settings: ChannelSettings<T>, reporter: StageReporter<never>, listener: AdmissionListener) {
    this.#settings = settings;
    this.#account = reporter.account;
    this.#reporter = reporter;
    this.#listener = listener;
    this.#queue = new BoundedQueue(settings);
    this.#memory = (settings.memory ?? processMemory()).open(this);
    reporter.account.watch({
      queueSize: () => this.#queue.length,
      queueCapacity: () => settings.maxQueueSize,
      queueBytes: () => this.#queue.bytes,
      memoryBytes: () => this.#memory.heldBytes,
    });
  }

  /** Items in the queue. */
  get length(): number {
    return this.#queue.length;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Lets the item in now, or not at all. */
  offer(item: T): 'accepted' | Refusal {
    const bytes = measure(item, this.#settings.sizeOf, this.#reporter);
    return this.#enact(this.#judge(bytes), item, bytes);
  }

  /** Lets the item in now, or when there is room: only then is the answer a promise, and it never rejects. */
  admit(item: T, signal?: AbortSignal): EntryResult | Promise<EntryResult> {
    if (signal?.aborted) return 'aborted';
    const bytes = measure(item, this.#settings.sizeOf, this.#reporter);
    const verdict = this.#judge(bytes);
    const waits = verdict === 'queueFull' && this.#line.length < this.#settings.maxWaitingSends;
    return waits ? this.#wait(item, bytes, signal) : this.#enact(verdict, item, bytes);
  }

  /** The oldest item, which leaves. There has to be one. Its memory is free for the stage that it goes to, and after {@link AdmissionQueue.left} for others. */
  shift(): T {
    const before = this.#queue.bytes;
    const item = this.#queue.shift();
    if (this.#line.length > 0) this.#leftAtMillis = this.#settings.scheduler.now();
    this.#memory.swap(heapBytesOf(1, before - this.#queue.bytes));
    this.#tellSaturation(false);
    return item;
  }

  /** The item that left has arrived at the next stage: there is room for another one. */
  left(): void {
    this.#letIn();
    this.#memory.give(0);
  }

  /** Accepts nothing any more, and refuses the producers that wait. */
  close(): void {
    this.#closed = true;
    this.#refuseLine('alreadyShutdown');
    this.#memory.stopWaiting();
    this.#tellSaturation(false);
  }

  /** Empties the queue and refuses the producers that wait; it stays open. Returns what was in the queue. */
  giveUp(): T[] {
    this.#refuseLine('queueFull');
    const { bytes } = this.#queue;
    const queued = this.#queue.clear();
    this.#memory.give(heapBytesOf(queued.length, bytes));
    this.#tellSaturation(false);
    return queued;
  }

  /** It is empty, and will stay so. */
  end(): void {
    this.#saturated.complete();
    this.#memory.close();
  }

  /** What is to become of an item of this size. If it is accepted, its memory has been taken. */
  #judge(bytes: number): 'accepted' | Refusal {
    if (this.#closed) return 'alreadyShutdown';
    if (!this.#queue.admits(bytes) || !this.#memory.admits(heapBytesOf(1, bytes))) return 'tooLarge';
    return this.#line.length === 0 && this.#takeRoom(bytes) ? 'accepted' : 'queueFull';
  }

  #takeRoom(bytes: number): boolean {
    return this.#queue.fits(bytes) && this.#memory.take(heapBytesOf(1, bytes));
  }

  #enact(verdict: 'accepted' | Refusal, item: T, bytes: number): 'accepted' | Refusal {
    if (verdict === 'accepted') this.#take(item, bytes);
    else this.#refuse(verdict);
    this.#tellSaturation(verdict === 'queueFull');
    return verdict;
  }

  #wait(item: T, bytes: number, signal?: AbortSignal): Promise<EntryResult> {
    return new Promise((resolve) => {
      const takeBack = () => {
        this.#line.remove(place);
        resolve('aborted');
        this.#letIn(); // there may be room for the next one, which is smaller
      };
      const answer = (result: EntryResult) => {
        signal?.removeEventListener('abort', takeBack);
        resolve(result);
      };
      const sinceMillis = this.#settings.scheduler.now();
      const place = this.#line.push({ item, bytes, sinceMillis, answer });
      signal?.addEventListener('abort', takeBack, { once: true });
      this.#watchLine();
      this.#awaitMemory();
      this.#tellSaturation(true);
    });
  }

  #refuseLine(reason: Refusal): void {
    for (let place = this.#line.first; place !== undefined; place = this.#line.first) {
      this.#line.remove(place);
      this.#refuse(reason);
      place.value.answer(reason);
    }
    this.#watchLine();
  }

  /** One timer for the whole line: who came later, or after whom an item left, waits at least as long. */
  #watchLine(): void {
    const first = this.#line.first?.value;
    if (first === undefined) {
      this.#stall?.unsubscribe();
      this.#stall = undefined;
    } else {
      this.#stall ??= after(this.#settings.scheduler, this.#patienceMillis(first), () => this.#refuseStalled());
    }
  }

  /** How much longer a producer waits if nothing leaves. */
  #patienceMillis({ sinceMillis }: Waiter<T>): number {
    const { scheduler, stallTimeoutMillis } = this.#settings;
    return Math.max(sinceMillis, this.#leftAtMillis) + stallTimeoutMillis - scheduler.now();
  }

  /** Rejects every send that has waited for `stallTimeoutMillis`: the consumer may be waiting for any of them. */
  #refuseStalled(): void {
    this.#stall = undefined;
    for (let place = this.#line.first; place !== undefined; place = this.#line.first) {
      if (this.#patienceMillis(place.value) > 0) break;
      this.#line.remove(place);
      this.#refuse('queueFull');
      place.value.answer('stalled');
    }
    this.#letIn(); // there may be room for the next one, which is smaller
  }

  #letIn(): void {
    for (let place = this.#line.first; place !== undefined; place = this.#line.first) {
      const { item, bytes, answer } = place.value;
      if (!this.#takeRoom(bytes)) break;
      this.#line.remove(place);
      this.#take(item, bytes);
      answer('accepted');
    }
    this.#watchLine();
    this.#awaitMemory();
    this.#tellSaturation(false);
  }

  /** The first producer in the line may wait for memory that others hold: it is let in when they give it back. */
  #awaitMemory(): void {
    const first = this.#line.first?.value;
    if (first === undefined) this.#memory.stopWaiting();
    else this.#memory.wait(heapBytesOf(1, first.bytes), () => this.#letIn());
  }

  #take(item: T, bytes: number): void {
    this.#account.accept(1);
    this.#queue.push(item, bytes);
    this.#listener.onAccepted();
  }

  #refuse(reason: Refusal): void {
    this.#account.refuse(1, reason);
    this.#listener.onRefused(reason);
  }

  /** Between full and half empty it stays as it is, so that it does not flutter. */
  #tellSaturation(isShort: boolean): void {
    const fillRatio = this.#queue.fillRatio;
    const short = isShort || this.#line.length > 0 || fillRatio >= 1;
    if (short === this.#saturated.value || (!short && fillRatio > 0.5)) return;
    outsideAnyContext(() => this.#saturated.next(short));
  }
}
