import { settingsOf, whole } from '../internal/validation.ts';
import { AdaptiveLimit } from '../strategies/adaptiveLimit.ts';
import { type ConcurrencyLimiter, INITIAL_LIMIT, initialWithin, StrategyLimiter } from './limiter.ts';

/** The options of {@link adaptiveConcurrency}. */
export interface AdaptiveConcurrencyOptions {
  /** Attempts in flight at the beginning: 1 to `maxLimit`, default 12 (or `maxLimit`, if that is less): enough for 100,000 spans a second at a round trip of 200 ms. More reaches the right number sooner on a backend that is far away; less is gentler with one that is small. */
  initialLimit?: number;
  /** Attempts in flight, at most: 1 or more, default 200. A bound for what a program holds and for the sockets that it opens; the limit stays far below it unless the backend keeps up. */
  maxLimit?: number;
}

export const ADAPTIVE_CONCURRENCY_DEFAULTS: Readonly<Required<AdaptiveConcurrencyOptions>> = Object.freeze({
  initialLimit: INITIAL_LIMIT,
  maxLimit: 200,
});

const ADAPTIVE_CONCURRENCY_RULES = {
  initialLimit: whole(1, 'maxLimit'),
  maxLimit: whole(1),
};

/**
 * A limiter that finds out how many attempts a backend can take at a time, from round trips and refusals.
 *
 * **Grows** by one with each round trip, while the limit is really used, the backend answers what it is given, and next to nothing of ours waits there. How much waits follows from the shortest round trip that was ever seen:
 * of 10 in flight that take 120 ms instead of 100, `10 × (1 - 100 ÷ 120)` = 1.7 wait.
 * **Shrinks** by one when more than two wait (by a quarter of what waits, if that is far more), and to 0.7 of itself after a refusal for the time being (unless as many are refused whatever the limit) or a timeout; each once in a round trip, because attempts that were
 * already under way say nothing new. It never goes below 1. What was refused for good and what was cancelled is no signal.
 *
 * **Why round trips, and not refusals only?** A backend that queues what it cannot serve refuses nothing until it breaks: with {@link aimdConcurrency} the limit rises to its maximum there, and each request waits for seconds.
 *
 * **Why the shortest round trip, and not the last ones?** Compared with the last ones, a queue that grows slowly is never seen: the limit drifts. A size of batches that comes for the first time is compared with what is known of others: a
 * larger batch may take proportionally longer. When the limit is used and could not grow for 30 seconds (and a hundred round trips), the shortest round trip is measured anew, with one attempt at a time, for three round
 * trips: a backend that has become slower for good is not taken for one that is full.
 *
 * **Why a memory of refusals?** On a backend with room for five, a limit that goes to six again and again gets a third of all attempts refused. So the step to what was refused waits for 4 round trips, and up to 32 when it is refused again.
 *
 * **What if refusals do not depend on the limit?** One sick pod of two refuses half of all, and a limit that each refusal cuts stays at 1. Then an attempt that is alone is refused as often. So the share of those is learnt (0.6 at most), and
 * only clearly more refusals than that are congestion: by three standard errors. While none are known, one is. It is lowered as soon as less is refused, and forgotten after more than ten refusals in a row. Timeouts and refusals with a `Retry-After` always count. A large limit is not reached in full: with half of
 * all refused and room for 40, about 15.
 *
 * Its ancestors: TCP Vegas (the estimate of what waits), BBR (the search for the shortest round trip), Envoy's gradient controller (the same, for requests), Vector's adaptive request concurrency (a limit of requests, and the
 * scenarios that this one is tested with), AIMD and CUBIC (refusals). Unlike Vector's, it is inside the retry: each attempt counts, not only each request's last one, and no backoff is taken for a slow answer.
 *
 * **Order**: the innermost layer of an export, within throttle gate, timeout and retry. An attempt that waits for a slot uses no time of its attempt's timeout, and one that backs off has no slot.
 *
 * **Loss**: none of its own; what waits for a slot is in the bounded queue.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const concurrency = adaptiveConcurrency({ maxLimit: 64 });
 * concurrency.limit$.subscribe((limit) => console.log(`up to ${limit} requests at a time`));
 * spans$.pipe(adaptiveBatch(), exportTo(otlpHttp(), { concurrency }));
 * ```
 *
 * @see fixedConcurrency, aimdConcurrency
 */
export function adaptiveConcurrency(options: AdaptiveConcurrencyOptions = {}): ConcurrencyLimiter {
  const defaults = { ...ADAPTIVE_CONCURRENCY_DEFAULTS, initialLimit: initialWithin(options) };
  const settings = settingsOf('adaptiveConcurrency', defaults, ADAPTIVE_CONCURRENCY_RULES, options);
  return new StrategyLimiter(new AdaptiveLimit(settings));
}
