import { BehaviorSubject, type Observable } from 'rxjs';
import type { ConcurrencyStrategy, LimitedAttempt } from '../strategies/concurrency.ts';

/**
 * Decides how many attempts may be in flight. Given to several operators, it limits them together.
 *
 * For one of your own: `limit$` has to emit when it is subscribed to, and `attemptEnded` is called at the end of each attempt.
 */
export interface ConcurrencyLimiter {
  /** The present limit, and then each change: a whole number from 0; 0 pauses. */
  readonly limit$: Observable<number>;
  /** An attempt is over. */
  attemptEnded(attempt: LimitedAttempt): void;
}

/** A limiter that does what a strategy decides. */
export class StrategyLimiter implements ConcurrencyLimiter {
  readonly #strategy: ConcurrencyStrategy;
  readonly #limit: BehaviorSubject<number>;
  readonly limit$: Observable<number>;

  constructor(strategy: ConcurrencyStrategy) {
    this.#strategy = strategy;
    this.#limit = new BehaviorSubject(strategy.limit);
    this.limit$ = this.#limit.asObservable();
  }

  attemptEnded(attempt: LimitedAttempt): void {
    this.#strategy.ended(attempt);
    if (this.#strategy.limit !== this.#limit.value) this.#limit.next(this.#strategy.limit);
  }
}

/** The default of `initialLimit`. */
export const INITIAL_LIMIT = 12;

/** The same, as far as a maximum that is given leaves room for it. */
export function initialWithin(given: { readonly maxLimit?: number } | undefined): number {
  const { maxLimit = INITIAL_LIMIT } = given ?? {};
  return maxLimit >= 1 ? Math.min(INITIAL_LIMIT, maxLimit) : INITIAL_LIMIT;
}

/** Whether a value is a limiter, by its shape. */
export function isLimiter(value: unknown): value is ConcurrencyLimiter {
  const { attemptEnded, limit$ } = (value ?? {}) as Partial<ConcurrencyLimiter>;
  return typeof attemptEnded === 'function' && typeof limit$?.subscribe === 'function';
}
