import type { SchedulerLike } from 'rxjs';
import { SlowStart } from '../strategies/slowStart.ts';
import { healthOf } from '../strategies/tripRule.ts';
import type { AttemptSize, EndAttempt, Layer } from './layer.ts';
import { TimedWaiters } from './timedWaiters.ts';

/**
 * Holds back all attempts at a backend that has said when to come back (`Retry-After`).
 *
 * Afterwards the attempts do not come in one burst, but as {@link SlowStart} lets them, the first one alone. Those that began before the last `Retry-After` say nothing of the time after it.
 */
export class ThrottleGate implements Layer {
  readonly #scheduler: SchedulerLike;
  readonly #waiters: TimedWaiters;
  readonly #slowStart = new SlowStart();
  #openAtMillis = Number.NEGATIVE_INFINITY;
  #closings = 0; // so far

  constructor(scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
    const millisUntil = () => this.#millisUntilOpen;
    this.#waiters = new TimedWaiters({ layer: this, scheduler, millisUntil });
  }

  /** How long it stays closed; 0 when it is open. */
  get closedForMillis(): number {
    return Math.max(0, this.#openAtMillis - this.#scheduler.now());
  }

  admits(): boolean {
    return this.#slowStart.admits && this.closedForMillis === 0;
  }

  begin(): EndAttempt {
    const closings = this.#closings;
    this.#slowStart.begin();
    return ({ ending, retryAfterMillis = 0 }) => {
      if (closings === this.#closings) this.#slowStart.ended(healthOf(ending), this.#waiters.length > 0);
      if (retryAfterMillis > 0) this.#close(retryAfterMillis);
      this.#waiters.wake();
    };
  }

  whenReady(size: AttemptSize, wake: () => void): () => void {
    return this.#waiters.add(size, wake);
  }

  /** An open gate that admits nothing waits for the end of an attempt; one that has opened since it was asked waits for nothing. */
  get #millisUntilOpen(): number {
    const { closedForMillis } = this;
    return closedForMillis > 0 || this.#slowStart.admits ? closedForMillis : Number.POSITIVE_INFINITY;
  }

  /** Holds back everything for this long, from now on. */
  #close(millis: number): void {
    this.#openAtMillis = Math.max(this.#openAtMillis, this.#scheduler.now() + millis);
    this.#closings += 1;
    this.#slowStart.start(1);
  }
}
