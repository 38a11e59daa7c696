import { millis, numberFrom, oneOf, settingsOf, shape } from '../internal/validation.ts';

/** One wait, and the one after it. Immutable: the same step gives the same sequence, as far as `random` does. */
export interface BackoffStep {
  /** How long this wait is, in milliseconds. */
  readonly delayMillis: number;
  /** The wait after it. */
  next(): BackoffStep;
}

/** A sequence of waits. */
export interface Backoff {
  /**
   * The first wait.
   *
   * @param random numbers from 0 (included) to 1 (excluded)
   */
  first(random: () => number): BackoffStep;
}

/**
 * How `random` spreads the waits, so that clients that failed together do not retry together. With `expo` = min(max, initial × multiplierⁿ):
 *
 * `none`: expo · `full`: 0 … expo · `equal`: expo/2 … expo · `decorrelated`: initial … 3 × the wait before, at most max.
 * (The formulas are those of "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.)
 */
export type Jitter = 'none' | 'full' | 'equal' | 'decorrelated';

/** The options of {@link exponentialBackoff}. */
export interface ExponentialBackoffOptions {
  /** The first wait before `jitter` spreads it, in milliseconds: 1 or more. Default 500. */
  initialMillis?: number;
  /** The longest wait, in milliseconds: `initialMillis` or more. Default 30,000, so that a backend that recovers is noticed within half a minute. */
  maxMillis?: number;
  /** The factor from each wait to the next: 1 to 10. Default 2. `decorrelated` does not use it. */
  multiplier?: number;
  /** How chance spreads the waits: `none`, `full`, `equal` or `decorrelated`, see {@link Jitter}. Default `full`: of the four it puts the least load on a backend that recovers. */
  jitter?: Jitter;
}

export const EXPONENTIAL_BACKOFF_DEFAULTS: Readonly<Required<ExponentialBackoffOptions>> = Object.freeze({
  initialMillis: 500,
  maxMillis: 30_000,
  multiplier: 2,
  jitter: 'full',
});

const EXPONENTIAL_BACKOFF_RULES = {
  initialMillis: millis(1),
  maxMillis: millis('initialMillis'),
  multiplier: numberFrom(1, 10),
  jitter: oneOf('none', 'full', 'equal', 'decorrelated'),
};

export const aBackoff = shape('a backoff, as of exponentialBackoff()', 'first');

/**
 * Waits that grow exponentially up to a maximum, spread by a random jitter.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * exportTo(otlpHttp(), { retry: { backoff: exponentialBackoff({ initialMillis: 200, jitter: 'decorrelated' }) } });
 * ```
 */
export function exponentialBackoff(options: ExponentialBackoffOptions = {}): Backoff {
  const settings = settingsOf('exponentialBackoff', EXPONENTIAL_BACKOFF_DEFAULTS, EXPONENTIAL_BACKOFF_RULES, options);
  const { initialMillis, maxMillis, multiplier, jitter } = settings;
  if (jitter === 'decorrelated') return decorrelated(initialMillis, maxMillis);

  const step = (expo: number, random: () => number): BackoffStep => ({
    delayMillis: spread(jitter, expo, random),
    next: () => step(Math.min(maxMillis, expo * multiplier), random),
  });
  return { first: (random) => step(initialMillis, random) };
}

function spread(jitter: Exclude<Jitter, 'decorrelated'>, expo: number, random: () => number): number {
  if (jitter === 'none') return expo;
  if (jitter === 'full') return random() * expo;
  return expo / 2 + (random() * expo) / 2;
}

function decorrelated(initialMillis: number, maxMillis: number): Backoff {
  const step = (previous: number, random: () => number): BackoffStep => {
    const delayMillis = Math.min(maxMillis, initialMillis + random() * (previous * 3 - initialMillis));
    return { delayMillis, next: () => step(delayMillis, random) };
  };
  return { first: (random) => step(initialMillis, random) };
}
