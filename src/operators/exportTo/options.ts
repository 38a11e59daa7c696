import type { Observable, SchedulerLike } from 'rxjs';
import { aConcurrency, type Concurrency } from '../../destination/concurrency.ts';
import { aSink } from '../../destination/sinkRule.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { aProcessHold, type ProcessHold } from '../../internal/timers.ts';
import {
  aFunction,
  anObservable,
  aScheduler,
  limit,
  MAX_TIMER_MILLIS,
  millis,
  optional,
  overDefaults,
  type Rules,
  record,
  settingsOf,
} from '../../internal/validation.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { STAGE_RULES } from '../../ledger/stageReporter.ts';
import type { Sink } from '../../model/sink.ts';
import type { Loss } from '../../model/tally.ts';
import { aBackoff, type Backoff, exponentialBackoff } from '../../strategies/backoff.ts';
import type { Retry } from '../retryWithBackoff.ts';

/** How often and how long a batch is tried. */
export interface RetryOptions {
  /** The waits between the attempts. Default {@link exponentialBackoff} with its defaults: full jitter, 500 ms to 30 s. */
  backoff?: Backoff;
  /** Attempts, the first one included: 1 or more, or `Infinity` (the default: time is what limits them). */
  maxAttempts?: number;
  /**
   * The time from the moment in which the batch is taken to its end, waits for a slot included, in milliseconds: 1 or more, or `Infinity`. Default 300,000,
   * so that an outage of a few minutes costs nothing.
   */
  maxElapsedMillis?: number;
  /** A server's own delay (`Retry-After`) is honoured up to this limit, in milliseconds: 0 or more, default 60,000. */
  maxRetryAfterMillis?: number;
}

export interface ExportToOptions<T> {
  /**
   * Up to this many attempts in flight: 1 or more, default 8; or an Observable of the limit, for one that changes. Until its first value the limit is 1, an invalid value is counted as a
   * callback error and ignored, and when it ends or fails the last limit stays. A lower `maxConcurrency` of the sink wins. More hides the
   * latency of a distant backend. A batch that waits between two attempts is not in flight.
   */
  concurrency?: Concurrency;
  /**
   * How long one attempt may take, connecting and answering included, in milliseconds: 1 or more, or `Infinity`. An attempt that takes longer is aborted; whether it arrived is
   * unknown. Default: what the sink says, else 10,000.
   */
  attemptTimeoutMillis?: number;
  retry?: RetryOptions;
  /** Items that are taken and have no outcome, at most: 1 or more, or `Infinity`. Default 100,000. A batch that would exceed this is lost as `queueFull`; a batch that is alone always has
   * room. Behind {@link adaptiveBatch} it has to be at least `maxUnsettledBatches` × `maxExportBatchSize` there. */
  maxPendingItems?: number;
  /** The estimated bytes of their batches, at most: 1 or more, or `Infinity`. Default 256 MiB. */
  maxPendingBytes?: number;
  /**
   * At its first emission (or error) whatever has no outcome yet is given up, as `shutdown` or, if it was sent, as `unconfirmed`; so is what comes later. The
   * outcomes are still emitted.
   */
  stopWhen?: Observable<unknown>;
  /** At each emission whatever has no outcome is given up, as with `stopWhen`; what comes later is exported again. For a deadline that is not the end. */
  giveUpWhen?: Observable<unknown>;
  /** Called for each failed attempt that will be followed by another one, before the wait. */
  onRetry?: (retry: Retry) => void;
  /** Called for each loss at this stage. */
  onLoss?: (loss: Loss, items: readonly T[]) => void;
  /**
   * Called when `onLoss`, `onRetry`, `random`, the backoff, an abort of the sink or the teardown of an input throws, when `random` or the backoff returns an invalid value, and when `concurrency`
   * fails or emits an invalid limit. Default: these are only counted, in the ledger.
   */
  onCallbackError?: (thrown: unknown) => void;
  /** Counts what comes and what becomes of it. Default: a ledger of its own, which is not shown anywhere. */
  ledger?: Ledger;
  /** Numbers from 0 (included) to 1 (excluded), for the jitter. Default `Math.random`. */
  random?: () => number;
  /** Whether the process is kept alive while an attempt or the wait for the next one goes on, and from the end of the source to the last outcome: `whileWaiting` (the default), or `never`. */
  processHold?: ProcessHold;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

export const RETRY_DEFAULTS: Readonly<Required<RetryOptions>> = Object.freeze({
  backoff: exponentialBackoff(),
  maxAttempts: Number.POSITIVE_INFINITY,
  maxElapsedMillis: 300_000,
  maxRetryAfterMillis: 60_000,
});

type Optional = 'stopWhen' | 'giveUpWhen' | 'onRetry' | 'onLoss' | 'onCallbackError' | 'ledger';

/** Every option with its value. */
export type ExportToSettings<T> = Required<Omit<ExportToOptions<T>, Optional | 'retry'>> & {
  [K in Optional]: ExportToOptions<T>[K] | undefined;
} & { retry: Required<RetryOptions> };

export const EXPORT_TO_DEFAULTS: Readonly<ExportToSettings<unknown>> = Object.freeze({
  concurrency: 8,
  attemptTimeoutMillis: 10_000,
  retry: RETRY_DEFAULTS,
  maxPendingItems: 100_000,
  maxPendingBytes: 256 * 1024 * 1024,
  stopWhen: undefined,
  giveUpWhen: undefined,
  onRetry: undefined,
  onLoss: undefined,
  onCallbackError: undefined,
  ledger: undefined,
  random: Math.random,
  processHold: 'whileWaiting',
  scheduler: monotonicScheduler,
});

export const EXPORT_TO_RULES: Rules<ExportToSettings<unknown>> = {
  ...STAGE_RULES,
  concurrency: aConcurrency,
  attemptTimeoutMillis: millis(1, 'orInfinity'),
  retry: record({
    backoff: aBackoff,
    maxAttempts: limit(1),
    maxElapsedMillis: millis(1, 'orInfinity'),
    maxRetryAfterMillis: millis(0),
  }),
  maxPendingItems: limit(1),
  maxPendingBytes: limit(1),
  stopWhen: optional(anObservable),
  giveUpWhen: optional(anObservable),
  onRetry: optional(aFunction),
  random: aFunction,
  processHold: aProcessHold,
  scheduler: aScheduler,
};

/** The defaults: a sink may say how long an attempt takes. */
export function exportDefaultsFor(sink: Sink<never>): ExportToSettings<unknown> {
  const attemptTimeoutMillis = sink?.attemptTimeoutMillis ?? EXPORT_TO_DEFAULTS.attemptTimeoutMillis;
  return { ...EXPORT_TO_DEFAULTS, attemptTimeoutMillis };
}

export function exportToSettings<T>(sink: Sink<T>, options: ExportToOptions<T>): ExportToSettings<T> {
  const args = { sink: [sink, aSink] } as const;
  const settings = settingsOf<ExportToSettings<T>>('exportTo', exportDefaultsFor(sink), EXPORT_TO_RULES, options, args);
  return { ...settings, retry: overDefaults(RETRY_DEFAULTS, settings.retry) };
}

/** A batch that is still held a minute after all attempts must be over has been forgotten. */
export function leaseMillis(maxElapsedMillis: number = RETRY_DEFAULTS.maxElapsedMillis): number {
  return Math.min(MAX_TIMER_MILLIS, maxElapsedMillis + 60_000);
}
