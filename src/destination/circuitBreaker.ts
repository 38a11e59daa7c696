import { defer, type MonoTypeOperatorFunction, type Observable, type SchedulerLike, throwError } from 'rxjs';
import { monotonicScheduler } from '../internal/scheduler.ts';
import { aProcessHold, type ProcessHold } from '../internal/timers.ts';
import {
  aFunction,
  aScheduler,
  limit,
  millis,
  must,
  numberFrom,
  oneOf,
  settingsOf,
  whole,
} from '../internal/validation.ts';
import { BreakerOpenError } from '../model/breakerOpenError.ts';
import { aBackoff, type Backoff, exponentialBackoff } from '../strategies/backoff.ts';
import { BackoffWaits } from '../strategies/backoffWaits.ts';
import { Breaker, type BreakerState } from '../strategies/breaker.ts';
import { BreakerLayer } from './breakerLayer.ts';
import type { Layer } from './layer.ts';
import { protecting } from './protecting.ts';

/** The options of {@link circuitBreaker}. */
export interface CircuitBreakerOptions {
  /** It opens after this many failures in a row: 1 or more, or `Infinity` for never. Default 5. Less opens it for a hiccup, more lets a dead backend be asked longer. */
  consecutiveFailures?: number;
  /** It opens when this share of the calls within `windowMillis` has failed: 0.01 to 1, default 0.5. */
  failureRatio?: number;
  /** A call that takes longer is slow, in milliseconds: 1 or more, or `Infinity` (the default: what is slow depends on the backend). A slow probe has failed. */
  slowCallMillis?: number;
  /** It opens when this share of the calls within `windowMillis` was slow: 0.01 to 1, default 1. */
  slowRatio?: number;
  /** The two shares count from this many calls within `windowMillis` on: 1 or more, default 20, or `Infinity` for never. Fewer calls make a share of chance. */
  minCalls?: number;
  /** What is older does not count, to a tenth of it, in milliseconds: 100 or more, default 10,000. */
  windowMillis?: number;
  /**
   * How long it stays open: the first wait after `closed`, the next one after each failed probe. Default {@link exponentialBackoff} from 1 s to 30 s with `equal` jitter, so that many processes do not
   * probe together, and none does at once.
   */
  backoff?: Backoff;
  /** Probes in flight while it is half open, and how many have to succeed before it closes: 1 or more, default 1. */
  maxProbes?: number;
  /** Called when `backoff` or `random` throws, or returns an invalid number. A second, and the middle of the jitter, stand in for it. */
  onCallbackError?: (thrown: unknown) => void;
  /** Numbers from 0 (included) to 1 (excluded), for the jitter. Default `Math.random`. */
  random?: () => number;
  /** Where time comes from. Default {@link monotonicScheduler}. With another scheduler, it has to be that of `exportTo`. */
  scheduler?: SchedulerLike;
}

export const CIRCUIT_BREAKER_DEFAULTS: Readonly<Required<CircuitBreakerOptions>> = Object.freeze({
  consecutiveFailures: 5,
  failureRatio: 0.5,
  slowCallMillis: Number.POSITIVE_INFINITY,
  slowRatio: 1,
  minCalls: 20,
  windowMillis: 10_000,
  backoff: exponentialBackoff({ initialMillis: 1_000, maxMillis: 30_000, jitter: 'equal' }),
  maxProbes: 1,
  onCallbackError: () => {},
  random: Math.random,
  scheduler: monotonicScheduler,
});

const CIRCUIT_BREAKER_RULES = {
  consecutiveFailures: limit(1),
  failureRatio: numberFrom(0.01, 1),
  slowCallMillis: millis(1, 'orInfinity'),
  slowRatio: numberFrom(0.01, 1),
  minCalls: limit(1),
  windowMillis: millis(100),
  backoff: aBackoff,
  maxProbes: whole(1),
  onCallbackError: aFunction,
  random: aFunction,
  scheduler: aScheduler,
};

/** How a breaker protects one source: the options of {@link CircuitBreaker.protect}. */
export interface BreakerProtectOptions {
  /**
   * What a subscription does while the breaker is open, or half open with all of its probes in flight: it fails at once with a {@link BreakerOpenError}, which counts as `retryable`, so that `retryWithBackoff` around it
   * tries again (`fail`, the default: a caller that has an alternative can use it at once); or it waits for its turn (`wait`), and nothing bounds how many wait. One that waits takes part in the ramp after the outage; with `fail`, everything passes once the breaker is closed.
   */
  whenOpen?: 'wait' | 'fail';
  /** Whether the process is kept alive while a subscription waits: `whileWaiting` (the default), or `never`. */
  processHold?: ProcessHold;
}

const PROTECT_DEFAULTS: Readonly<Required<BreakerProtectOptions>> = Object.freeze({
  whenOpen: 'fail',
  processHold: 'whileWaiting',
});

const PROTECT_RULES = { whenOpen: oneOf('wait', 'fail'), processHold: aProcessHold };

/** A circuit breaker. Given to several exports or sources, it guards them together. */
export interface CircuitBreaker {
  /** The present state, and then each change. Once its time is over, an open breaker becomes half open when something waits or comes. */
  readonly state$: Observable<BreakerState>;
  /**
   * An operator for a cold source that asks a backend, one call for each subscription.
   *
   * A source that completes, or has emitted before it is unsubscribed, has succeeded; its error counts as that of an export (see {@link ExportError}: an error without a `failure` is a failed call). One that is
   * unsubscribed before says nothing. A source that never ends holds its probe: put `raceTimeout` between the two.
   */
  protect<T>(options?: BreakerProtectOptions): MonoTypeOperatorFunction<T>;
}

const layers = new WeakMap<CircuitBreaker, Layer>();

export const aBreaker = must('a circuit breaker, as of circuitBreaker()', (value) =>
  layers.has(value as CircuitBreaker),
);

/** What attempts pass: the same for everything that the breaker was given to. */
export function layerOfBreaker(breaker: CircuitBreaker): Layer {
  return layers.get(breaker) as Layer;
}

/**
 * Stops asking a backend that fails, and finds out with a few probes when it is back. It is given to `exportTo` and the pipelines as `breaker`, or its `protect()` is piped behind a source.
 *
 * ```text
 * source      ([a][b][c][d]|)
 * subscribed  (^!)
 *             circuitBreaker: a failure opens it for 5 ms, c is the probe
 * attempts    ^!                        [a]
 *             ^!                        [b]
 *             ------^---!               [c]
 *             ----------^---!           [d]
 *             ----------^---!           [a]
 *             --------------^---!       [b]
 * outcomes    ----------o---(oo)(o|)
 * state$      co----h---c
 * ```
 *
 * It opens after `consecutiveFailures`, or when the share of failed or of slow calls within `windowMillis` is too high. While it is open, nothing passes. Then it is half open: up to `maxProbes` calls pass. When they have
 * all succeeded, it closes; when one fails, it opens again, for longer. After it has closed, what has waited is **ramped up**: `maxProbes` + 1 calls in flight, one more for each that succeeds, and one
 * at a time after one that fails, until nothing waits for the breaker any more (the concurrency or the offer is what limits).
 *
 * **Failures** are `retryable`, `throttled`, `unknownOutcome` and timeouts. `permanent` and `tooLarge` are answers of a backend that works. What was cancelled says nothing, nor does a call that began before the
 * present state.
 *
 * **Emits**, **completes** and **errors**, as `protect()`, like the source; **errors** with `BREAKER_OPEN` while it is open, unless `whenOpen` is `wait`. **Unsubscribed**, it unsubscribes the source, or gives up its place.
 *
 * **Order**: for an export it stands between the throttle gate and the rate, inside the retry: `retry( gate → breaker → rate → slot( timeout( sink ) ) )`. So it hears of every attempt, and one that waits for it has used up no
 * attempt, no token and no slot. What was in flight when it opened goes on to its end. A `Retry-After` may keep the gate closed for longer, and a probe waits for both.
 *
 * The arithmetic: with the default backoff it stays open for up to 1, 2, 4, 8, 16 and then 30 s, of which the jitter takes up to a half. So one exporter asks a backend that is down for a minute 5 times (or as often as was in flight), and then 5 to 7 times; with 50 ms for a
 * request and four batches a second, 11 times in all instead of 288. The price: a backend that is back is noticed with the next probe, after up to 30 s, or about as long as it was down, whichever is less. Then the concurrency of 8 is reached in three round trips: 2, 4 and 8 in
 * flight, which makes 150 requests in the first second instead of 160.
 *
 * **Loss**: none of its own. While it is open, batches of an export wait in the line, and spans in the bounded queue in front of it: they are lost as `queueFull` when that is full, as `expired` or `retriesExhausted` when
 * `retry.maxElapsedMillis` is over, as `shutdown` when a shutdown's deadline is. A flush and a shutdown do not get past it: a shutdown within less time than the breaker stays open sends nothing.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const breaker = circuitBreaker({ slowCallMillis: 2_000, slowRatio: 0.8 });
 * breaker.state$.subscribe((state) => console.log('the backend is', state));
 * const outcomes$ = spans$.pipe(adaptiveBatch(), exportTo(otlpHttp(), { breaker }));
 * const answer$ = defer(() => sink.export(batch)).pipe(breaker.protect(), retryWithBackoff());
 * ```
 *
 * @see retryBudget, rateLimit, exportTo
 */
export function circuitBreaker(options: CircuitBreakerOptions = {}): CircuitBreaker {
  const settings = settingsOf('circuitBreaker', CIRCUIT_BREAKER_DEFAULTS, CIRCUIT_BREAKER_RULES, options);
  const { scheduler } = settings;
  const waits = new BackoffWaits({ ...settings, owner: 'circuitBreaker' });
  /** It begins anew unless the last time was not long enough. */
  const openMillis = (afterProbe: boolean) => {
    if (!afterProbe) waits.restart();
    return waits.nextMillis();
  };
  const strategy = new Breaker({ ...settings, openMillis });
  const layer = new BreakerLayer(strategy, scheduler);
  const breaker: CircuitBreaker = {
    state$: layer.state$,
    protect: (protectOptions = {}) => {
      const plan = settingsOf('circuitBreaker.protect', PROTECT_DEFAULTS, PROTECT_RULES, protectOptions);
      return protectedBy(layer, plan, scheduler);
    },
  };
  layers.set(breaker, layer);
  return breaker;
}

/** The least that a call may be: a breaker counts calls, whatever their size. */
const ONE_CALL = Object.freeze({ items: 1, bytes: 1 });

function protectedBy<T>(
  layer: BreakerLayer,
  { whenOpen, processHold }: Required<BreakerProtectOptions>,
  scheduler: SchedulerLike,
): MonoTypeOperatorFunction<T> {
  const plan = { size: ONE_CALL, processHold, scheduler };
  if (whenOpen === 'wait') return protecting(layer, plan);
  const through = protecting<T>(withoutRamp(layer), plan);
  return (source) => defer(() => (layer.isAvailable ? source.pipe(through) : throwError(() => new BreakerOpenError())));
}

/** What does not wait is not ramped up, either. */
function withoutRamp(layer: BreakerLayer): Layer {
  return {
    admits: () => layer.isAvailable,
    begin: () => layer.begin(),
    whenReady: (size, wake) => layer.whenReady(size, wake),
  };
}
