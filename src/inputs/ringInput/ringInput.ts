import type { Observable } from 'rxjs';
import { millis, requireRule } from '../../internal/validation.ts';
import { flushWithin } from '../../internal/withinTime.ts';
import type { Account } from '../../ledger/account.ts';
import { createLedger } from '../../ledger/ledger.ts';
import type { FlushRequest, FlushUrgency } from '../../model/batch.ts';
import type { LossReason } from '../../model/tally.ts';
import { type InputBooks, registerInput } from '../runInput.ts';
import { FlushRequests, outsideCaller } from '../shared/flushRequests.ts';
import { DrainedRing, type LostItems } from './drainedRing.ts';
import { type RingInputOptions, type RingInputSettings, type RingKind, ringInputSettings } from './options.ts';

export type { LostItems } from './drainedRing.ts';

const TIMEOUT = millis(0, 'orInfinity');

/** An input that an SDK pushes into, whatever its signal: the processors of the SDKs are thin fronts of it. */
export class RingInput<T> {
  readonly #kind: RingKind<T>;
  readonly #settings: RingInputSettings;
  readonly #account: Account;
  readonly #ring: DrainedRing<T>;
  readonly #flushes = new FlushRequests();
  readonly #books: InputBooks;
  #whenEmpty: (() => void)[] = []; // flushes that wait for a subscriber
  #ending: { readonly onDone: () => void; readonly urgency: FlushUrgency } | undefined; // a shutdown that came from within the stream
  #shutdown: Promise<void> | undefined;
  #ended: Promise<void> | undefined; // resolves when everything has its outcome

  /** In the order in which items came. It completes at `shutdown`. */
  readonly items$: Observable<T>;
  readonly flush$: Observable<FlushRequest> = this.#flushes.requests$;
  readonly lost: Observable<LostItems<T>>;

  /** @throws InvalidOptionError when an option is out of its range, or unknown */
  constructor(kind: RingKind<T>, options: RingInputOptions) {
    const settings = ringInputSettings(kind.owner, options);
    const ledger = settings.ledger ?? createLedger();
    ledger.carries(kind.signal);
    this.#kind = kind;
    this.#settings = settings;
    this.#account = ledger.open('input', settings.name ?? kind.owner);
    this.#books = { ledger, isGiven: settings.ledger !== undefined, account: this.#account };
    this.#ring = new DrainedRing(kind, settings, this.#account, () => this.#drained());
    this.items$ = this.#ring.items$;
    this.lost = this.#ring.lost;
  }

  /** Its key in the ledger. */
  get stage(): string {
    return this.#account.stage;
  }

  /** Takes an item, and returns why it was refused, if it was. One that is left out is not counted as offered. It never throws. */
  offer(item: T): LossReason | undefined {
    return this.#ring.offer(item);
  }

  /** Makes it known to `runPipeline`. @param front what the user names it by, besides its stream */
  registerAs(front: object): void {
    registerInput([front, this.items$], {
      books: this.#books,
      flush$: this.flush$,
      flush: (urgency) => this.flush(urgency),
      end: (urgency) => void this.end(urgency),
    });
  }

  forceFlush({ timeoutMillis = this.#settings.flushTimeoutMillis } = {}): Promise<void> {
    requireRule(`${this.#kind.owner}.forceFlush.timeoutMillis`, timeoutMillis, TIMEOUT);
    const { scheduler } = this.#settings;
    return flushWithin(scheduler, timeoutMillis, 'forceFlush', () => this.flush({ timeoutMillis, isEnding: false }));
  }

  shutdown({ timeoutMillis = this.#settings.flushTimeoutMillis } = {}): Promise<void> {
    requireRule(`${this.#kind.owner}.shutdown.timeoutMillis`, timeoutMillis, TIMEOUT);
    const { scheduler } = this.#settings;
    this.#shutdown ??= flushWithin(scheduler, timeoutMillis, 'shutdown', () =>
      this.end({ timeoutMillis, isEnding: true }),
    );
    return this.#shutdown;
  }

  /** `forceFlush` without a timeout. */
  flush(urgency: FlushUrgency): Promise<void> {
    return this.#ended ?? outsideCaller((onDone) => this.#flush(onDone, urgency));
  }

  /** `shutdown` without a timeout. */
  end(urgency: FlushUrgency): Promise<void> {
    // Before the promise is there: what waits is sent on the way to it.
    this.#ring.close();
    this.#ended ??= outsideCaller((onDone) => this.#end(onDone, urgency));
    return this.#ended;
  }

  /** After each slice: a shutdown that came from within the stream goes on, then what is left, then what waits for the ring to be empty. */
  #drained(): void {
    const ending = this.#ending;
    this.#ending = undefined;
    if (ending !== undefined) this.#end(ending.onDone, ending.urgency);
    else if (!this.#ring.isEmpty) this.#ring.drainSoon();
    else this.#sendWaiting();
  }

  #sendWaiting(): void {
    for (const flush of this.#whenEmpty.splice(0)) flush();
  }

  /** Sends a flush request behind everything that has come so far. */
  #flush(onDone: () => void, urgency: FlushUrgency): void {
    this.#ring.drainAll();
    const send = () => this.#flushes.send(onDone, urgency);
    if (this.#ring.isEmpty && !this.#ring.isDraining) send();
    else this.#whenEmpty.push(send);
  }

  #end(onDone: () => void, urgency: FlushUrgency): void {
    // Called from within the stream, it ends when what is being drained has passed.
    if (this.#ring.isDraining) {
      this.#ending = { onDone, urgency };
      return;
    }
    this.#ring.drainAll();
    this.#ring.loseRest();
    this.#sendWaiting();
    this.#flushes.send(onDone, urgency);
    this.#ring.complete();
    this.#flushes.complete();
    this.#ring.reportLosses();
  }
}
