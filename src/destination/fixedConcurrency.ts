import { requireRule, whole } from '../internal/validation.ts';
import { type ConcurrencyLimiter, StrategyLimiter } from './limiter.ts';

/**
 * A limiter that never changes. Given to several operators, it limits them together; a plain number limits each by itself.
 *
 * **Order**: the innermost layer of an export, within throttle gate, rate and retry: an attempt that waits for a slot uses no time of its attempt's timeout, and one that backs off has no slot. So at most `limit × 1000 ÷ round trip in milliseconds`
 * attempts begin in a second, those of all operators that it was given to together: 8 and 50 ms are 160, 8 and 200 ms are 40. A lower `maxConcurrency` of the sink wins.
 *
 * **Loss**: none of its own; what waits for a slot is in the bounded queue.
 *
 * @param limit attempts in flight, at most: 1 or more
 *
 * @throws InvalidOptionError when the limit is out of its range
 *
 * @example
 * ```ts
 * const concurrency = fixedConcurrency(8);
 * const [traces, audits] = [otlpHttp(), otlpHttp({ url: 'http://localhost:4318/audits' })].map((sink) => exportTo(sink, { concurrency }));
 * ```
 *
 * @see adaptiveConcurrency, aimdConcurrency
 */
export function fixedConcurrency(limit: number): ConcurrencyLimiter {
  requireRule('fixedConcurrency.limit', limit, whole(1));
  return new StrategyLimiter({ limit, ended() {} });
}
