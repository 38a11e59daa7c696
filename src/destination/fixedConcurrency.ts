import { requireRule, whole } from '../internal/validation.ts';
import { type ConcurrencyLimiter, StrategyLimiter } from './limiter.ts';

/**
 * A limiter that never changes. Given to several operators, it limits them together; a plain number limits each by itself.
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
