import { BehaviorSubject, type Observable, type SchedulerLike } from 'rxjs';
import type { Breaker, BreakerState } from '../strategies/breaker.ts';
import type { AttemptSize, EndAttempt, Layer } from './layer.ts';
import { TimedWaiters } from './timedWaiters.ts';

/** Lets attempts pass as a breaker decides. What it does not let pass waits. */
export class BreakerLayer implements Layer {
  readonly #breaker: Breaker;
  readonly #scheduler: SchedulerLike;
  readonly #waiters: TimedWaiters;
  readonly #state: BehaviorSubject<BreakerState>;
  readonly state$: Observable<BreakerState>;

  constructor(breaker: Breaker, scheduler: SchedulerLike) {
    this.#breaker = breaker;
    this.#scheduler = scheduler;
    const millisUntil = () => this.#millisUntilProbe;
    this.#waiters = new TimedWaiters({ layer: this, scheduler, millisUntil, onDue: () => this.#elapse() });
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
      this.#show();
      this.#waiters.wake();
    };
  }

  whenReady(size: AttemptSize, wake: () => void): () => void {
    return this.#waiters.add(size, wake);
  }

  get #millisUntilProbe(): number {
    const { state, openUntilMillis } = this.#breaker;
    return state === 'open' ? openUntilMillis - this.#scheduler.now() : Number.POSITIVE_INFINITY;
  }

  #elapse(): void {
    this.#breaker.elapse(this.#scheduler.now());
    this.#show();
  }

  #show(): void {
    const { state } = this.#breaker;
    if (state !== this.#state.value) this.#state.next(state);
  }
}
