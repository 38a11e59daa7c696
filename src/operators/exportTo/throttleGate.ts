import type { SchedulerLike, Subscription } from 'rxjs';
import { LinkedQueue } from '../../flow/linkedQueue.ts';
import { after } from '../../internal/timers.ts';

/** An attempt that was let through. */
export interface Pass {
  /** To be called once. `isFine`: the backend accepted what was sent. */
  end(isFine: boolean): void;
}

/** Work that waits for the gate. */
interface Waiting {
  start: ((pass: Pass) => void) | undefined; // gone once it has started or was given up
}

const FREE_PASS: Pass = Object.freeze({ end() {} });
const NOTHING_TO_GIVE_UP = (): void => {};

/**
 * Holds back all attempts at a backend that has said when to come back (`Retry-After`).
 *
 * Afterwards the attempts do not come in one burst: one goes first, and each attempt that the backend accepts lets one more in flight, until none waits. After an attempt that fails
 * it is one at a time again.
 */
export class ThrottleGate {
  readonly #scheduler: SchedulerLike;
  readonly #line = new LinkedQueue<Waiting>();
  #openAtMillis = Number.NEGATIVE_INFINITY;
  #timer: Subscription | undefined; // while it is closed and something waits
  #isRamping = false; // from the closing on, until nothing waits and the backend takes what is sent
  #permits = 1; // attempts in flight while ramping, at most
  #inFlight = 0; // let through while ramping, and not ended
  #draining = false;

  constructor(scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
  }

  get isClosed(): boolean {
    return this.#isRamping && this.#scheduler.now() < this.#openAtMillis;
  }

  /** Holds back everything for this long, from now on. */
  close(millis: number): void {
    this.#openAtMillis = Math.max(this.#openAtMillis, this.#scheduler.now() + millis);
    this.#isRamping = true;
    this.#permits = 1;
    this.#stopTimer();
    this.#letThrough();
  }

  /** Starts the work when the gate lets it through, at once or later. The returned function gives up the wait; after the start it does nothing. */
  enter(start: (pass: Pass) => void): () => void {
    if (!this.#isRamping) {
      start(FREE_PASS);
      return NOTHING_TO_GIVE_UP;
    }
    const waiting: Waiting = { start };
    const place = this.#line.push(waiting);
    this.#letThrough();
    return () => {
      if (waiting.start === undefined) return;
      waiting.start = undefined;
      this.#line.remove(place);
      if (this.#line.length === 0) this.#stopTimer();
    };
  }

  #letThrough(): void {
    if (this.#draining) return;
    this.#draining = true;
    try {
      while (this.#line.length > 0 && this.#inFlight < this.#permits && !this.isClosed) this.#startNext();
    } finally {
      this.#draining = false;
    }
    if (this.#line.length > 0 && this.isClosed) this.#startTimer();
  }

  #startNext(): void {
    const waiting = this.#line.shift() as Waiting;
    const start = waiting.start as (pass: Pass) => void;
    waiting.start = undefined;
    this.#inFlight += 1;
    start({ end: (isFine) => this.#ended(isFine) });
  }

  #ended(isFine: boolean): void {
    this.#inFlight -= 1;
    this.#permits = isFine ? this.#permits + 1 : 1;
    if (isFine && this.#line.length === 0 && !this.isClosed) this.#isRamping = false;
    this.#letThrough();
  }

  #startTimer(): void {
    this.#timer ??= after(this.#scheduler, this.#openAtMillis - this.#scheduler.now(), () => {
      this.#timer = undefined;
      this.#letThrough();
    });
  }

  #stopTimer(): void {
    this.#timer?.unsubscribe();
    this.#timer = undefined;
  }
}
