import { BehaviorSubject, type Observable, type SchedulerLike, type Subscription } from 'rxjs';
import { after } from '../internal/timers.ts';
import type { Breaker, BreakerState } from '../strategies/breaker.ts';
import { type AttemptSize, type EndAttempt, type Layer, Waiters } from './layer.ts';

/** Lets attempts pass as a breaker decides. What it does not let pass waits. */
export class BreakerLayer implements Layer {
  readonly #breaker: Breaker;
  readonly #scheduler: SchedulerLike;
  readonly #waiters = new Waiters();
  readonly #state: BehaviorSubject<BreakerState>;
  #timer: Subscription | undefined; // while it is open and something waits
  readonly state$: Observable<BreakerState>;

  constructor(breaker: Breaker, scheduler: SchedulerLike) {
    this.#breaker = breaker;
    this.#scheduler = scheduler;
    this.#state = new BehaviorSubject(breaker.state);
    this.state$ = this.#state.asObservable();
  }

  admits(): boolean {
    return this.#breaker.admits(this.#scheduler.now());
  }

  /** Whether it is closed, or a probe may begin now. */
  get isAvailable(): boolean {
    return this.#breaker.isAvailable(this.#scheduler.now());
  }

  begin(): EndAttempt {
    const call = this.#breaker.begin(this.#scheduler.now());
    this.#show();
    return ({ ending, startedAtMillis, endedAtMillis }) => {
      const result = { ending, durationMillis: endedAtMillis - startedAtMillis };
      this.#breaker.ended(call, result, this.#scheduler.now(), this.#waiters.length > 0);
      this.#startTimer();
      this.#show();
      this.#waiters.wake(this);
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

  #show(): void {
    const { state } = this.#breaker;
    if (state !== this.#state.value) this.#state.next(state);
  }

  #startTimer(): void {
    const { state, openUntilMillis } = this.#breaker;
    if (state !== 'open' || this.#waiters.length === 0) return;
    this.#timer ??= after(this.#scheduler, openUntilMillis - this.#scheduler.now(), () => {
      this.#timer = undefined;
      this.#breaker.elapse(this.#scheduler.now());
      this.#startTimer(); // the host's timers may be early by a fraction of a millisecond
      this.#show();
      this.#waiters.wake(this);
    });
  }

  #stopTimer(): void {
    this.#timer?.unsubscribe();
    this.#timer = undefined;
  }
}
