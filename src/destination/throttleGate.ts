import type { SchedulerLike, Subscription } from 'rxjs';
import { after } from '../internal/timers.ts';
import { type AttemptSize, type EndAttempt, type Layer, Waiters } from './layer.ts';

/**
 * Holds back all attempts at a backend that has said when to come back (`Retry-After`).
 *
 * Afterwards the attempts do not come in one burst: one goes first, and each attempt that the backend accepts lets one more in flight, until none waits. After an attempt that fails
 * it is one at a time again.
 */
export class ThrottleGate implements Layer {
  readonly #scheduler: SchedulerLike;
  readonly #waiters = new Waiters();
  #openAtMillis = Number.NEGATIVE_INFINITY;
  #timer: Subscription | undefined; // while it is closed and something waits
  #isRamping = false; // from the closing on, until nothing waits and the backend takes what is sent
  #permits = 1; // attempts in flight while ramping, at most
  #inFlight = 0; // let through while ramping, and not ended

  constructor(scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
  }

  admits(): boolean {
    return !this.#isRamping || (!this.#isClosed && this.#inFlight < this.#permits);
  }

  begin(): EndAttempt {
    const isCounted = this.#isRamping;
    if (isCounted) this.#inFlight += 1;
    return ({ ending, retryAfterMillis = 0 }) => {
      if (retryAfterMillis > 0) this.#close(retryAfterMillis);
      if (isCounted) this.#ended(ending === 'accepted');
    };
  }

  whenReady(size: AttemptSize, wake: () => void): () => void {
    const takeBack = this.#waiters.add(size, wake);
    this.#startTimer();
    return () => {
      takeBack();
      if (this.#waiters.length === 0) this.#stopTimer();
    };
  }

  /** Holds back everything for this long, from now on. */
  #close(millis: number): void {
    this.#openAtMillis = Math.max(this.#openAtMillis, this.#scheduler.now() + millis);
    this.#isRamping = true;
    this.#permits = 1;
    this.#stopTimer();
    this.#startTimer();
  }

  get #isClosed(): boolean {
    return this.#scheduler.now() < this.#openAtMillis;
  }

  #ended(isFine: boolean): void {
    this.#inFlight -= 1;
    this.#permits = isFine ? this.#permits + 1 : 1;
    if (isFine && this.#waiters.length === 0 && !this.#isClosed) this.#isRamping = false;
    this.#waiters.wake(this);
  }

  #startTimer(): void {
    if (!this.#isClosed || this.#waiters.length === 0) return;
    this.#timer ??= after(this.#scheduler, this.#openAtMillis - this.#scheduler.now(), () => {
      this.#timer = undefined;
      this.#startTimer(); // the host's timers may be early by a fraction of a millisecond
      this.#waiters.wake(this);
    });
  }

  #stopTimer(): void {
    this.#timer?.unsubscribe();
    this.#timer = undefined;
  }
}
