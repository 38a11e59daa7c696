import { numberFrom, settingsOf, whole } from '../internal/validation.ts';
import { AimdLimit } from '../strategies/aimdLimit.ts';
import { type ConcurrencyLimiter, INITIAL_LIMIT, initialWithin, StrategyLimiter } from './limiter.ts';

/** The options of {@link aimdConcurrency}. */
export interface AimdConcurrencyOptions {
  /** Attempts in flight at the beginning: 1 to `maxLimit`, default 12 (or `maxLimit`, if that is less). */
  initialLimit?: number;
  /** Attempts in flight, at most: 1 or more, default 200. */
  maxLimit?: number;
  /** What is left of the limit after a refusal: 0.1 to 0.99, default 0.9. */
  decreaseRatio?: number;
}

export const AIMD_CONCURRENCY_DEFAULTS: Readonly<Required<AimdConcurrencyOptions>> = Object.freeze({
  initialLimit: INITIAL_LIMIT,
  maxLimit: 200,
  decreaseRatio: 0.9,
});

const AIMD_CONCURRENCY_RULES = {
  initialLimit: whole(1, 'maxLimit'),
  maxLimit: whole(1),
  decreaseRatio: numberFrom(0.1, 0.99),
};

/**
 * A limiter that hears refusals and timeouts only: it grows by one with each success while it is in use, and shrinks after a refusal. For a backend that refuses what it has no room for; with one that queues
 * everything, the queue there grows with the limit, up to `maxLimit` (see {@link adaptiveConcurrency}, which looks at round trips as well).
 *
 * **Order**: the innermost layer of an export, within throttle gate, rate and retry, so that it hears of every attempt. While all of it is used, each round trip about doubles it, and `decreaseRatio` shrinks it once for all attempts that were in flight
 * together: on a backend with room for 20, it falls from 21 to 18 at each refusal (`⌊21 × 0.9⌋`), and is back after three successes. An attempt that waits for a slot uses no time of its attempt's timeout, and one that backs off has no slot.
 *
 * **Loss**: none of its own; what waits for a slot is in the bounded queue. Refused attempts cost a retry each.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * spans$.pipe(adaptiveBatch(), exportTo(otlpHttp(), { concurrency: aimdConcurrency({ maxLimit: 32 }) }));
 * ```
 *
 * @see adaptiveConcurrency, fixedConcurrency
 */
export function aimdConcurrency(options: AimdConcurrencyOptions = {}): ConcurrencyLimiter {
  const defaults = { ...AIMD_CONCURRENCY_DEFAULTS, initialLimit: initialWithin(options) };
  const settings = settingsOf('aimdConcurrency', defaults, AIMD_CONCURRENCY_RULES, options);
  return new StrategyLimiter(new AimdLimit(settings));
}
