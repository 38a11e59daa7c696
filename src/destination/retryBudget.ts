import type { SchedulerLike } from 'rxjs';
import { monotonicScheduler } from '../internal/scheduler.ts';
import { aScheduler, must, numberFrom, settingsOf, whole } from '../internal/validation.ts';
import { TokenBucket } from '../strategies/tokenBucket.ts';
import { BudgetedRetries, type RetryBudget } from './budgetedRetries.ts';

/** The options of {@link retryBudget}. */
export interface RetryBudgetOptions {
  /** Retries for each first attempt: 0 to 10, default 0.2. */
  ratio?: number;
  /** Retries a second that are possible whatever the first attempts are: 0 to 1,000,000, default 10. So a quiet pipeline can still retry. With 0 and few first attempts, a retry may wait until its deadline. */
  minRetriesPerSecond?: number;
  /** Retries that are saved up while few are needed, at most: 1 or more, default 100 (ten seconds of the least rate). More lets a short hiccup of many batches pass sooner. */
  maxSavedRetries?: number;
  /** Where time comes from. Default {@link monotonicScheduler}. With another scheduler, it has to be that of `exportTo`. */
  scheduler?: SchedulerLike;
}

export const RETRY_BUDGET_DEFAULTS: Readonly<Required<RetryBudgetOptions>> = Object.freeze({
  ratio: 0.2,
  minRetriesPerSecond: 10,
  maxSavedRetries: 100,
  scheduler: monotonicScheduler,
});

const RETRY_BUDGET_RULES = {
  ratio: numberFrom(0, 10),
  minRetriesPerSecond: numberFrom(0, 1_000_000),
  maxSavedRetries: whole(1),
  scheduler: aScheduler,
};

export const aRetryBudget = must('a retry budget, as of retryBudget()', (value) => value instanceof BudgetedRetries);

/**
 * Keeps retries below a share of the first attempts, plus a floor. It is given to `exportTo` and the pipelines as `retryBudget`, or to `retryWithBackoff` as `budget`. A retry that finds it used up waits, and is not lost.
 *
 * ```text
 * source      -#
 * subscribed  ^!
 *             --^!
 *             -------^!
 *             retryBudget: a retry at once, and one every 5 ms; backoffs of 1 ms
 * result      --------#
 * ```
 *
 * Why a budget, and not fewer attempts? A limit of attempts is for each batch, and multiplies the load when all of them fail: with five attempts, an overloaded backend gets up to five times the traffic that it could not take. A budget is for the
 * destination. The attempts of a few unlucky batches are cheap, so they may be many; when everything fails, the traffic grows by a fifth.
 *
 * The arithmetic: within any T seconds with F first attempts there are at most `maxSavedRetries + ratio × F + minRetriesPerSecond × T` retries. At 100 batches a second, a backend that is down gets 100 + 20 + 10 attempts a second.
 * If a share p of the answers are failures, a batch needs 1 / (1 − p) attempts, and the budget keeps up with that while p / (1 − p) is at most `ratio` + the floor for each batch. At p = 1/2 and 100 batches a second, 100 retries a second would be
 * needed and 30 are allowed: the others wait, until fewer first attempts come. (In virtual time, 1,000 batches in
 * ten seconds: 393 retries meanwhile instead of 919, all delivered after 93 s, with 1.97 attempts for each.)
 *
 * (Like the `TpsBudget` of tower and Finagle's `RetryBudget`, with their numbers. Those count within a window of ten seconds, so that a hundred retries at once may come again ten seconds later; a bucket fills evenly.)
 *
 * **Order**: it acts between the backoff and the line of attempts, `retry( backoff → budget → ( gate → breaker → rate → slot ( … ) ) )`. So a retry that waits for the budget holds back no first attempt. A retry is counted when it enters the line: while a
 * breaker or a gate is closed, the retries of that time gather behind it, at most as many as the budget gives, and it lets them go one by one. A retry that a `Retry-After` has set begins after both. A flush ends a backoff, but does not get past the
 * budget.
 *
 * **Loss**: none of its own. A retry that still waits at its deadline fails as it would after its last attempt: with `exportTo` its items are lost as `retriesExhausted`.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const budget = retryBudget({ ratio: 0.1 });
 * const outcomes$ = spans$.pipe(adaptiveBatch(), exportTo(otlpHttp(), { retryBudget: budget }));
 * const answer$ = defer(() => sink.export(batch)).pipe(retryWithBackoff({ budget }));
 * ```
 *
 * @see retryWithBackoff, circuitBreaker, exportTo
 */
export function retryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  const settings = settingsOf('retryBudget', RETRY_BUDGET_DEFAULTS, RETRY_BUDGET_RULES, options);
  const { ratio, minRetriesPerSecond, maxSavedRetries, scheduler } = settings;
  return new BudgetedRetries({ bucket: new TokenBucket(maxSavedRetries, minRetriesPerSecond), ratio, scheduler });
}
