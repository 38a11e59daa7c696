import type { Observable, SchedulerLike } from 'rxjs';
import type { Rate, RatesPerSecond } from '../strategies/rate.ts';
import type { AttemptSize, EndAttempt, Layer } from './layer.ts';
import { LiveState } from './liveState.ts';
import { TimedWaiters } from './timedWaiters.ts';

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
  readonly #waiters: TimedWaiters;
  readonly #live: LiveState<RateLimitState>;

  constructor(rate: Rate, scheduler: SchedulerLike) {
    this.#rate = rate;
    this.#scheduler = scheduler;
    const millisUntil = (size: AttemptSize) => rate.millisUntil(size, scheduler.now());
    this.#waiters = new TimedWaiters({ layer: this, scheduler, millisUntil });
    this.#live = new LiveState(() => ({ waiting: this.#waiters.attempts, available: rate.available(scheduler.now()) }));
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
    this.#live.changed();
    return () => {
      takeBack();
      this.#live.changed();
    };
  }
}
