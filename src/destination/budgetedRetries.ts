import type { Observable, SchedulerLike } from 'rxjs';
import type { TokenBucket } from '../strategies/tokenBucket.ts';
import { LiveState } from './liveState.ts';
import { TimedWaiters } from './timedWaiters.ts';

/** What a retry budget is doing. */
export interface RetryBudgetState {
  /** Retries that may begin at once. */
  readonly available: number;
  /** Retries whose backoff is over, and that wait for the budget. */
  readonly waiting: number;
}

/** Allows retries. Given to several exports or sources, it limits them together. */
export interface RetryBudget {
  /** The present state, and then the state after each change that is not that of time alone. */
  readonly state$: Observable<RetryBudgetState>;
  /** A first attempt was made. */
  firstAttempt(): void;
  /** Calls `retry` once, now or when there is a retry for it, in the order in which they came. The returned function takes that back; after the call it does nothing. */
  whenAllowed(retry: () => void): () => void;
}

interface BudgetedRetriesPlan {
  /** Each retry takes a token out of it. */
  readonly bucket: TokenBucket;
  /** What each first attempt adds to it. */
  readonly ratio: number;
  readonly scheduler: SchedulerLike;
}

const ONE_RETRY = Object.freeze({ items: 1, bytes: 1 });

/** Retries that begin when the bucket has a token for them. */
export class BudgetedRetries implements RetryBudget {
  readonly #plan: BudgetedRetriesPlan;
  readonly #waiters: TimedWaiters;
  readonly #live: LiveState<RetryBudgetState>;

  constructor(plan: BudgetedRetriesPlan) {
    const { bucket, scheduler } = plan;
    this.#plan = plan;
    const millisUntil = () => bucket.millisUntil(1, this.#now);
    this.#waiters = new TimedWaiters({ layer: this, scheduler, millisUntil });
    this.#live = new LiveState(() => ({
      available: Math.floor(bucket.available(this.#now)),
      waiting: this.#waiters.length,
    }));
  }

  get state$(): Observable<RetryBudgetState> {
    return this.#live.state$;
  }

  firstAttempt(): void {
    this.#plan.bucket.add(this.#plan.ratio, this.#now);
    this.#wake();
  }

  whenAllowed(retry: () => void): () => void {
    const takeBack = this.#waiters.add(ONE_RETRY, () => {
      this.#plan.bucket.take(1, this.#now);
      this.#live.changed();
      retry();
    });
    this.#wake();
    return () => {
      takeBack();
      this.#live.changed();
    };
  }

  /** Whether a retry may begin. */
  admits(): boolean {
    return this.#plan.bucket.has(1, this.#now);
  }

  get #now(): number {
    return this.#plan.scheduler.now();
  }

  #wake(): void {
    this.#waiters.wake();
    this.#live.changed();
  }
}
