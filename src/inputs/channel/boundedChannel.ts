import { Observable, Subscription } from 'rxjs';
import { Ring } from '../../flow/ring.ts';
import { DueTurn, outsideAnyContext } from '../../internal/timers.ts';
import { requireMillis, requireShape, withDefaults } from '../../internal/validation.ts';
import type { Account } from '../../ledger/account.ts';
import type { FlushUrgency } from '../../model/batch.ts';
import { DeferredLosses } from '../shared/deferredLosses.ts';
import { doneWithin, Flushes } from '../shared/flushes.ts';
import { Multicast } from '../shared/multicast.ts';
import { untilOpen } from '../shared/pulling.ts';
import { type Admission, Entrance } from './entrance.ts';
import { type Channel, type ChannelSettings, type Offered, type SendOptions, STAGE } from './options.ts';
import { refusalError } from './refusalError.ts';

/** Items that leave before the event loop has its next turn. */
const ITEMS_PER_TURN = 4_096;

const SEND_DEFAULTS: Readonly<{ signal: AbortSignal | undefined }> = Object.freeze({ signal: undefined });
const CLOSE_DEFAULTS: Readonly<{ error: unknown }> = Object.freeze({ error: undefined });

/** The consumers' side of a channel: it empties the queue, a slice in each turn of the event loop. */
export class BoundedChannel<T> implements Channel<T> {
  readonly #settings: ChannelSettings<T>;
  readonly #account: Account;
  readonly #entrance: Entrance<T>;
  readonly #items = new Multicast<T>();
  readonly #flushes = new Flushes();
  readonly #marks = new Ring<{ readonly upTo: number; readonly onDone: () => void; readonly urgency: FlushUrgency }>(); // flushes that wait for what is before them to leave
  readonly #refused: DeferredLosses;
  #left = 0; // items that have
  readonly #turn: DueTurn;
  #draining = false;
  #gateWait: Subscription | undefined; // while it waits for the gate; given up when nobody listens any more
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
    this.#turn = new DueTurn(settings.scheduler, () => {
      this.#refused.tell();
      this.#drain();
    });
    this.#refused = new DeferredLosses(account, settings.onLoss);
    this.#entrance = new Entrance(settings, account, {
      onAccepted: () => this.#drainSoon(),
      onRefused: (reason) => {
        this.#refused.add(1, reason);
        this.#drainSoon();
      },
    });
    this.saturated$ = this.#entrance.saturated$;
  }

  send(item: T, options?: SendOptions): Promise<void> {
    const signal = options && withDefaults(`${STAGE}.send`, SEND_DEFAULTS, options).signal;
    if (signal !== undefined) requireShape(`${STAGE}.send.signal`, signal, 'an AbortSignal', 'addEventListener');
    const admitted = this.admit(item, signal);
    if (admitted === 'accepted') return Promise.resolve();
    const sent = Promise.resolve(admitted).then((admission) => {
      if (admission === 'aborted') throw signal?.reason;
      if (admission !== 'accepted') throw refusalError(admission, this.#settings);
    });
    // Whoever sends and does not look has decided so; the process that is observed does not end for it.
    sent.catch(() => {});
    return sent;
  }

  trySend(item: T): Offered {
    const admission = this.#entrance.offer(item);
    if (admission === 'accepted') return admission;
    return admission === 'alreadyShutdown' ? 'closed' : 'dropped';
  }

  /** What `send` does, without a promise where nobody has to wait, and without an error. */
  admit(item: T, signal?: AbortSignal): Admission | Promise<Admission> {
    return this.#entrance.admit(item, signal);
  }

  close(options: { error?: unknown } = {}): void {
    const { error } = withDefaults(`${STAGE}.close`, CLOSE_DEFAULTS, options);
    if (this.#entrance.closed) return;
    if (error !== undefined) this.#failure = { error };
    this.#entrance.close();
    this.#drainSoon();
  }

  /** @param isEnding whether the program is coming to its end */
  forceFlush({ timeoutMillis = this.#settings.flushTimeoutMillis } = {}, isEnding = false): Promise<void> {
    requireMillis(`${STAGE}.forceFlush.timeoutMillis`, timeoutMillis, 0, 'orInfinity');
    const { scheduler } = this.#settings;
    return doneWithin({ what: 'forceFlush', timeoutMillis, scheduler }, (onDone) =>
      this.#flush(onDone, { timeoutMillis, isEnding }),
    );
  }

  /** Loses what is queued, and refuses who waits for room. Returns what was queued; it goes on with what comes later. */
  giveUp(): T[] {
    const queued = this.#entrance.giveUp();
    this.#left += queued.length;
    if (queued.length > 0) this.#account.lose(queued.length, 'shutdown');
    this.#sendFlushes();
    return queued;
  }

  #drainSoon(): void {
    if (this.#hasWork()) this.#turn.arm();
  }

  #hasWork(): boolean {
    if (this.#refused.size > 0) return true;
    if (this.#entrance.length === 0) return this.#entrance.closed && !this.#ended;
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
      const fail = () => over(() => this.#account.callbackFailed());
      outsideAnyContext(() => untilOpen(gate, wait).then(goOn, fail));
    }
    return false;
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (let count = 0; count < ITEMS_PER_TURN && this.#mayEmit(); count += 1) this.#emit();
    this.#draining = false;
    if (this.#entrance.closed && this.#entrance.length === 0) this.#end();
    this.#drainSoon();
  }

  #mayEmit(): boolean {
    return this.#entrance.length > 0 && this.#items.observed && this.#settings.gate?.open !== false;
  }

  #emit(): void {
    const item = this.#entrance.shift();
    this.#left += 1;
    this.#account.handOn(1);
    try {
      this.#items.next(item);
    } catch {
      this.#account.callbackFailed();
    }
    this.#entrance.left();
    this.#sendFlushes();
  }

  #flush(onDone: () => void, urgency: FlushUrgency): void {
    if (this.#ended) {
      if (this.#whenSettled === undefined) onDone();
      else this.#whenSettled.push(onDone);
    } else {
      this.#marks.push({ upTo: this.#left + this.#entrance.length, onDone, urgency });
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
    // Whoever still has batches out answers this one, and so those that will be asked for from now on.
    this.#flushes.send(
      () => {
        for (const onDone of this.#whenSettled ?? []) onDone();
        this.#whenSettled = undefined;
      },
      { timeoutMillis: Number.POSITIVE_INFINITY, isEnding: false },
    );
    this.#flushes.complete();
    this.#entrance.end();
  }
}
