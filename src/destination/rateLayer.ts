import type { Observable, SchedulerLike, Subscription } from 'rxjs';
import { after } from '../internal/timers.ts';
import { MAX_TIMER_MILLIS } from '../internal/validation.ts';
import type { Rate, RatesPerSecond } from '../strategies/rate.ts';
import { type AttemptSize, type EndAttempt, type Layer, Waiters } from './layer.ts';
import { LiveState } from './liveState.ts';

/** What a rate limit is doing. */
export interface RateLimitState {
  /** Exports and subscriptions that wait for their turn. An export counts as one, however many batches stand in its line. */
  readonly waiting: number;
  /** What may pass at once, of each unit that is limited; negative while something that was larger than the burst is paid back. */
  readonly available: RatesPerSecond;
}

const NOTHING_TO_END: EndAttempt = () => {};

/** Lets attempts pass at a rate. Those that wait pass in the order in which they came, so that a large one is not overtaken by small ones for ever. */
export class RateLayer implements Layer {
  readonly #rate: Rate;
  readonly #scheduler: SchedulerLike;
  readonly #waiters = new Waiters();
  readonly #live: LiveState<RateLimitState>;
  #timer: Subscription | undefined; // while something waits

  constructor(rate: Rate, scheduler: SchedulerLike) {
    this.#rate = rate;
    this.#scheduler = scheduler;
    this.#live = new LiveState(() => ({ waiting: this.#waiters.length, available: rate.available(scheduler.now()) }));
  }

  get state$(): Observable<RateLimitState> {
    return this.#live.state$;
  }

  admits(size: AttemptSize): boolean {
    const isItsTurn = this.#waiters.length === 0 || this.#waiters.isWaking;
    return isItsTurn && this.#rate.admits(size, this.#scheduler.now());
  }

  /** What an attempt took is spent, however it ends: the backend had the work, or may have had it. */
  begin(size: AttemptSize): EndAttempt {
    this.#rate.take(size, this.#scheduler.now());
    this.#live.changed();
    return NOTHING_TO_END;
  }

  whenReady(size: AttemptSize, wake: () => void): () => void {
    const takeBack = this.#waiters.add(size, wake);
    this.#startTimer();
    this.#live.changed();
    return () => {
      const { first } = this.#waiters;
      takeBack();
      if (first === size) this.#restartTimer();
      this.#live.changed();
    };
  }

  #restartTimer(): void {
    this.#timer?.unsubscribe();
    this.#timer = undefined;
    this.#startTimer();
  }

  /** For the one that waits longest. */
  #startTimer(): void {
    const { first } = this.#waiters;
    if (first === undefined || this.#waiters.isWaking) return;
    const millis = Math.min(MAX_TIMER_MILLIS, this.#rate.millisUntil(first, this.#scheduler.now()));
    this.#timer ??= after(this.#scheduler, millis, () => {
      this.#timer = undefined;
      this.#waiters.wake(this);
      this.#startTimer();
      this.#live.changed();
    });
  }
}
