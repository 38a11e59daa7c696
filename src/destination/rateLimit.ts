import type { MonoTypeOperatorFunction, Observable, SchedulerLike } from 'rxjs';
import { monotonicScheduler } from '../internal/scheduler.ts';
import { aProcessHold, type ProcessHold } from '../internal/timers.ts';
import {
  aScheduler,
  millis,
  must,
  numberFrom,
  optional,
  type Rule,
  settingsOf,
  withoutUndefined,
} from '../internal/validation.ts';
import { Rate } from '../strategies/rate.ts';
import type { Layer } from './layer.ts';
import { protecting } from './protecting.ts';
import { RateLayer, type RateLimitState } from './rateLayer.ts';

/** The options of {@link rateLimit}. */
export interface RateLimitOptions {
  /** Items a second: 0.001 or more. Left out: unlimited. At least one of the three is given. */
  itemsPerSecond?: number;
  /** Bytes a second, as estimated for the batches (not those of the request): 0.001 or more. Left out: unlimited. */
  bytesPerSecond?: number;
  /** Attempts a second, retries included: 0.001 or more. Left out: unlimited. */
  requestsPerSecond?: number;
  /**
   * How much may pass at once after a pause: what the rates give within this time, in milliseconds. 1 or more, default 1,000. Less is smoother; with a batch that is larger than the burst, each passes when the bucket is full.
   */
  burstMillis?: number;
  /** Where time comes from. Default {@link monotonicScheduler}. With another scheduler, it has to be that of `exportTo`. */
  scheduler?: SchedulerLike;
}

type Unlimited = 'itemsPerSecond' | 'bytesPerSecond' | 'requestsPerSecond';

export const RATE_LIMIT_DEFAULTS: Readonly<Required<Omit<RateLimitOptions, Unlimited>>> = Object.freeze({
  burstMillis: 1_000,
  scheduler: monotonicScheduler,
});

type RateLimitSettings = typeof RATE_LIMIT_DEFAULTS & { readonly [K in Unlimited]: number | undefined };

const aRate = numberFrom(0.001, Number.MAX_SAFE_INTEGER);

/** It is missing only if the other two are. */
const aRateOrAnother: Rule = (value, option, call) => {
  const isLimited = value !== undefined || call.hasValue('bytesPerSecond') || call.hasValue('requestsPerSecond');
  if (!isLimited) call.add(option, 'given, or else bytesPerSecond or requestsPerSecond', value);
  optional(aRate)(value, option, call);
};

const RATE_LIMIT_RULES = {
  itemsPerSecond: aRateOrAnother,
  bytesPerSecond: optional(aRate),
  requestsPerSecond: optional(aRate),
  burstMillis: millis(1),
  scheduler: aScheduler,
};

/** What one subscription of a source takes of a rate: the options of {@link RateLimit.protect}. */
export interface RateProtectOptions {
  /** How many items each subscription stands for: 0 or more, default 1. */
  items?: number;
  /** How many bytes: 0 or more. To be given when `bytesPerSecond` is. Left out without it: bytes do not count. */
  bytes?: number;
  /** Whether the process is kept alive while a subscription waits: `whileWaiting` (the default), or `never`. */
  processHold?: ProcessHold;
}

const PROTECT_DEFAULTS = Object.freeze({ items: 1, processHold: 'whileWaiting' as const });
const PROTECT_UNLIMITED = Object.freeze({ ...PROTECT_DEFAULTS, bytes: 0 });
const aSize = numberFrom(0, Number.MAX_SAFE_INTEGER);
const PROTECT_RULES = { items: aSize, bytes: aSize, processHold: aProcessHold };

/** A rate. Given to several exports or sources, it limits them together. */
export interface RateLimit {
  /** The present state, and then the state after each change that is not that of time alone. */
  readonly state$: Observable<RateLimitState>;
  /** An operator for a cold source of a stated size: each subscription waits for its turn, in no bounded queue. */
  protect<T>(options?: RateProtectOptions): MonoTypeOperatorFunction<T>;
}

const layers = new WeakMap<RateLimit, Layer>();

export const aRateLimit = must('a rate limit, as of rateLimit()', (value) => layers.has(value as RateLimit));

/** What attempts pass: the same for everything that the rate was given to. */
export function layerOfRate(rate: RateLimit): Layer {
  return layers.get(rate) as Layer;
}

/**
 * Keeps what is sent within a rate of items, bytes or requests (a token bucket for each). It delays, and drops nothing. It is given to `exportTo` and the pipelines as `rateLimit`, or its `protect()` is piped behind a source.
 *
 * ```text
 * source      ([ab][cdefg][h]|)
 * subscribed  (^!)
 *             rateLimit: an item a millisecond, 3 at once
 * attempts    ^!                   [ab]
 *             --^!                 [cdefg]
 *             -----^!              [h]
 * result      -o-o--(o|)
 * ```
 *
 * Within any T seconds no more passes than `rate × (T + burstMillis / 1000)`, plus what a single batch is larger than the burst: such a batch passes alone, when the bucket is full, and the next one waits until it is paid back.
 *
 * For a stream of items there is no operator of its own, because what waits needs a bounded queue, and that is {@link boundedMergeMap} (see the example).
 *
 * **Emits**, **completes** and **errors**, as `protect()`, like the source. **Unsubscribed**, it unsubscribes the source, or gives up its place.
 *
 * **Order**: in the order in which they came, whatever their sizes. For an export it stands between the breaker and the slots, inside the retry: `retry( gate → breaker → rate → slot( timeout( sink ) ) )`; a token is taken when all of
 * them admit the attempt at the same moment. So a batch that waits for a slot has used up no token, and retries take tokens, too: at 100 requests a second and one failure in five, 80 batches a second arrive. A rate below
 * `concurrency × 1000 / round trip in milliseconds` is what limits the flow: 8 slots and 50 ms are 160 requests a second. With fewer requests, the batches grow meanwhile; they wait for the rate, not the items. The tokens of an attempt that
 * was cancelled are spent.
 *
 * **Loss**: none of its own. What comes faster than the rate for long fills the bounded queue in front of it, and is lost there as `queueFull`; a batch whose deadline comes first is lost as `expired` or `retriesExhausted`, at a shutdown as
 * `shutdown`. A flush and a shutdown do not get past it: 10 s at 1,000 items a second are 10,000 items.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown, or no rate is given
 *
 * @example
 * ```ts
 * const limit = rateLimit({ itemsPerSecond: 5_000, bytesPerSecond: 4 * 1024 * 1024 });
 * const outcomes$ = spans$.pipe(adaptiveBatch(), exportTo(otlpHttp(), { rateLimit: limit }));
 * const answer$ = defer(() => sink.export(batch)).pipe(limit.protect({ items: batch.items.length, bytes: batch.bytes }));
 * const slowly = rateLimit({ itemsPerSecond: 10 });
 * const slow$ = spans$.pipe(boundedMergeMap((span) => of(span).pipe(slowly.protect()), { concurrency: 1, maxQueueSize: 1_000 }));
 * ```
 *
 * @see circuitBreaker, exportTo
 */
export function rateLimit(options: RateLimitOptions): RateLimit {
  const settings = settingsOf<RateLimitSettings>('rateLimit', RATE_LIMIT_DEFAULTS, RATE_LIMIT_RULES, options);
  const { itemsPerSecond: items, bytesPerSecond: bytes, requestsPerSecond: requests, scheduler } = settings;
  const rates = withoutUndefined({ items, bytes, requests });
  const layer = new RateLayer(new Rate(rates, settings.burstMillis), scheduler);
  const defaults = bytes === undefined ? PROTECT_UNLIMITED : PROTECT_DEFAULTS;
  const limit: RateLimit = {
    state$: layer.state$,
    protect: (protectOptions = {}) => {
      const size = settingsOf<Required<RateProtectOptions>>(
        'rateLimit.protect',
        defaults,
        PROTECT_RULES,
        protectOptions,
      );
      return protecting(layer, { size, processHold: size.processHold, scheduler });
    },
  };
  layers.set(limit, layer);
  return limit;
}
