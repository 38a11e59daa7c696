import { Observable, Subscription } from 'rxjs';
import { Ring } from '../../flow/ring.ts';
import { DueTurn, outsideAnyContext } from '../../internal/timers.ts';
import { millis, type Rule, settingsOf, signalOf } from '../../internal/validation.ts';
import { flushWithin } from '../../internal/withinTime.ts';
import type { Account } from '../../ledger/account.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import type { FlushUrgency } from '../../model/batch.ts';
import { DeferredLosses } from '../shared/deferredLosses.ts';
import { FlushRequests, outsideCaller } from '../shared/flushRequests.ts';
import { untilOpen } from '../shared/gateWait.ts';
import { Multicast } from '../shared/multicast.ts';
import { Unsubscribed } from '../shared/unsubscribed.ts';
import { AdmissionQueue, type EntryResult } from './admissionQueue.ts';
import { type Channel, type ChannelSettings, type Offered, type SendOptions, STAGE } from './options.ts';
import { refusalError } from './refusalError.ts';

/** Items that leave before the event loop has its next turn. */
const ITEMS_PER_TURN = 4_096;

const anything: Rule = () => {};
const CLOSE_RULES = { error: anything };
const FORCE_FLUSH_RULES = { timeoutMillis: millis(0, 'orInfinity') };

/** The consumers' side of a channel: it empties the queue, a slice in each turn of the event loop. */
export class BoundedChannel<T> implements Channel<T> {
  readonly #settings: ChannelSettings<T>;
  readonly #account: Account;
  readonly #reporter: StageReporter<never>;
  readonly #queue: AdmissionQueue<T>;
  readonly #items = new Multicast<T>();
  readonly #next = (item: T) => this.#items.next(item);
  readonly #flushes = new FlushRequests();
  readonly #marks = new Ring<{ readonly upTo: number; readonly onDone: () => void; readonly urgency: FlushUrgency }>(); // flushes that wait for what is before them to leave
  readonly #refused: DeferredLosses;
  #left = 0; // items that have
  readonly #turn: DueTurn;
  readonly #unsubscribed: Unsubscribed;
  #draining = false;
  #gateWait: Subscription | undefined; // while it waits for the gate; given up with the last subscriber
  #failure: { readonly error: unknown } | undefined; // how the stream ends, unless it completes
  #ended = false; // the stream has
  #whenSettled: (() => void)[] | undefined = []; // flushes that came after the end; gone when that has settled

  readonly items$ = new Observable<T>((subscriber) => {
    subscriber.add(this.#items.values$.subscribe(subscriber));
    subscriber.add(() => {
      if (!this.#items.observed) this.#gateWait?.unsubscribe();
    });
    this.#drainSoon();
  });
  readonly flush$ = this.#flushes.requests$;
  readonly saturated$: Observable<boolean>;

  constructor(settings: ChannelSettings<T>, account: Account) {
    this.#settings = settings;
    this.#account = account;
    this.#unsubscribed = new Unsubscribed(settings.scheduler, {
      what: `${account.stage}: items were sent`,
      stream: 'items$',
      isObserved: () => this.#items.observed,
    });
    this.#turn = new DueTurn(settings.scheduler, () => {
      this.#refused.report();
      this.#drain();
    });
    this.#reporter = new StageReporter(account, settings);
    this.#refused = new DeferredLosses(this.#reporter);
    this.#queue = new AdmissionQueue(settings, this.#reporter, {
      onAccepted: () => this.#drainSoon(),
      onRefused: (reason) => {
        this.#refused.add(1, reason);
        this.#drainSoon();
      },
    });
    this.saturated$ = this.#queue.saturated$;
  }

  send(item: T, options?: SendOptions): Promise<void> {
    const signal = options && signalOf(`${STAGE}.send`, options);
    const entered = this.admit(item, signal);
    if (entered === 'accepted') return Promise.resolve();
    const sent = Promise.resolve(entered).then((result) => {
      if (result === 'aborted') throw signal?.reason;
      if (result !== 'accepted') throw refusalError(result, this.#settings);
    });
    // A rejection that the producer ignores must not end the process.
    sent.catch(() => {});
    return sent;
  }

  trySend(item: T): Offered {
    const result = this.#queue.offer(item);
    if (result === 'accepted') return result;
    return result === 'alreadyShutdown' ? 'closed' : 'dropped';
  }

  /** What `send` does, but the answer is a promise only if the item has to wait, and it never rejects. */
  admit(item: T, signal?: AbortSignal): EntryResult | Promise<EntryResult> {
    return this.#queue.admit(item, signal);
  }

  close(options: { error?: unknown } = {}): void {
    const { error } = settingsOf<{ error?: unknown }>(`${STAGE}.close`, {}, CLOSE_RULES, options);
    if (this.#queue.closed) return;
    if (error !== undefined) this.#failure = { error };
    this.#queue.close();
    this.#drainSoon();
  }

  forceFlush(options: { timeoutMillis?: number } = {}): Promise<void> {
    const { scheduler, flushTimeoutMillis } = this.#settings;
    const defaults = { timeoutMillis: flushTimeoutMillis };
    const { timeoutMillis } = settingsOf(`${STAGE}.forceFlush`, defaults, FORCE_FLUSH_RULES, options);
    return flushWithin(scheduler, timeoutMillis, 'forceFlush', () => this.flush({ timeoutMillis, isEnding: false }));
  }

  /** Resolves when everything that was accepted before has left and has an outcome, however long that takes. */
  flush(urgency: FlushUrgency): Promise<void> {
    return outsideCaller((onDone) => this.#flush(onDone, urgency));
  }

  /** Loses what is queued, and refuses the producers that wait for room. Returns what was queued. What comes later is accepted again. */
  giveUp(): T[] {
    const queued = this.#queue.giveUp();
    this.#left += queued.length;
    if (queued.length > 0) this.#account.lose(queued.length, 'shutdown');
    this.#sendFlushes();
    return queued;
  }

  #drainSoon(): void {
    if (this.#hasWork()) this.#turn.arm();
    if (this.#queue.length > 0) this.#unsubscribed.check();
  }

  #hasWork(): boolean {
    if (!this.#refused.isEmpty) return true;
    if (this.#queue.length === 0) return this.#queue.closed && !this.#ended;
    return this.#items.observed && this.#gateIsOpen();
  }

  /** Where it is closed, its opening brings the next turn. */
  #gateIsOpen(): boolean {
    const { gate } = this.#settings;
    if (gate === undefined || gate.open) return true;
    if (this.#gateWait === undefined) {
      const wait = new Subscription();
      this.#gateWait = wait;
      const over = (then: () => void) => {
        this.#gateWait = undefined;
        then();
      };
      const goOn = () => over(() => this.#drainSoon());
      // What waits goes on when the next item comes, if the gate is open then.
      const fail = (thrown: unknown) => over(() => this.#reporter.callbackFailed(thrown));
      outsideAnyContext(() => untilOpen(gate, wait).then(goOn, fail));
    }
    return false;
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (let count = 0; count < ITEMS_PER_TURN && this.#mayEmit(); count += 1) this.#emit();
    this.#draining = false;
    if (this.#queue.closed && this.#queue.length === 0) this.#end();
    this.#drainSoon();
  }

  #mayEmit(): boolean {
    return this.#queue.length > 0 && this.#items.observed && this.#settings.gate?.open !== false;
  }

  #emit(): void {
    const item = this.#queue.shift();
    this.#left += 1;
    this.#account.handOn(1);
    this.#reporter.guard(() => this.#account.passOn(this.#next, item));
    this.#queue.left();
    this.#sendFlushes();
  }

  #flush(onDone: () => void, urgency: FlushUrgency): void {
    if (this.#ended) {
      if (this.#whenSettled === undefined) onDone();
      else this.#whenSettled.push(onDone);
    } else {
      this.#marks.push({ upTo: this.#left + this.#queue.length, onDone, urgency });
      if (!this.#draining) this.#sendFlushes();
    }
  }

  #sendFlushes(): void {
    for (let mark = this.#marks.peek(); mark !== undefined && mark.upTo <= this.#left; mark = this.#marks.peek()) {
      this.#marks.shift();
      this.#flushes.send(mark.onDone, mark.urgency);
    }
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#failure === undefined) this.#items.complete();
    else this.#items.error(this.#failure.error);
    // A batcher that still has batches out settles this request, which answers all later ones as well.
    this.#flushes.send(
      () => {
        for (const onDone of this.#whenSettled ?? []) onDone();
        this.#whenSettled = undefined;
      },
      { timeoutMillis: Number.POSITIVE_INFINITY, isEnding: false },
    );
    this.#flushes.complete();
    this.#queue.end();
  }
}
