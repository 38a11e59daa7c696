import type { Observable, SchedulerLike } from 'rxjs';
import type { RetryBudget } from '../../destination/budgetedRetries.ts';
import { aBreaker, type CircuitBreaker } from '../../destination/circuitBreaker.ts';
import { aConcurrency, type Concurrency } from '../../destination/concurrency.ts';
import { aRateLimit, type RateLimit } from '../../destination/rateLimit.ts';
import { aRetryBudget } from '../../destination/retryBudget.ts';
import { aSink } from '../../destination/sinkRule.ts';
import { pick } from '../../internal/pick.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { aProcessHold, type ProcessHold } from '../../internal/timers.ts';
import {
  aFunction,
  anObservable,
  aScheduler,
  limit,
  MAX_TIMER_MILLIS,
  millis,
  must,
  optional,
  overDefaults,
  type Rules,
  record,
  settingsOf,
  whole,
} from '../../internal/validation.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { RunParts } from '../../ledger/run.ts';
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

/** What may change while it runs. */
const CHANGES = ['concurrency', 'attemptTimeoutMillis', 'retry'] as const;

/** New values for some of the options of {@link exportTo}. What is left out stays as it is, within `retry`, too. `concurrency` only where it was given as a number: an Observable or a limiter, the default one too, changes by itself. */
export interface ExportToChanges extends Pick<ExportToOptions<unknown>, 'attemptTimeoutMillis' | 'retry'> {
  /** How many attempts are in flight: a whole number, 1 or more. Default: what it was. It holds at once. */
  concurrency?: number;
}

/** The options of {@link exportTo}. */
export interface ExportToOptions<T> {
  /** What the stage is called in losses and statistics. Default `exportTo(…)`, with the name of the sink. */
  name?: string;
  /**
   * Who decides how many attempts are in flight. Default: one {@link adaptiveConcurrency} for each sink, which several `exportTo` to that sink share: it begins at 12, and finds out what the backend can take.
   * Another limiter may be given, and shared; a number, 1 or more, for a limit that never changes; or an Observable of the limit, of which 0 pauses: until its first value the limit is 1, an invalid value is counted as a
   * callback error and ignored, and when it ends or fails the last limit stays. A lower `maxConcurrency` of the sink wins. A batch that waits between two attempts is not in flight.
   */
  concurrency?: Concurrency;
  /**
   * How long one attempt may take, connecting and answering included, in milliseconds: 1 or more, or `Infinity`. An attempt that takes longer is aborted; whether it arrived is
   * unknown. Default: what the sink says, else 10,000.
   */
  attemptTimeoutMillis?: number;
  /** How often and how long a batch is tried. Default: without a limit of attempts, for 300,000 milliseconds in all, with the waits of {@link exponentialBackoff}. */
  retry?: RetryOptions;
  /** Stops asking a sink that fails, see {@link circuitBreaker}. The same object given to several exports is shared. Default: none. */
  breaker?: CircuitBreaker;
  /** Keeps what is sent within a rate, see {@link rateLimit}. The same object given to several exports is shared. Default: none. */
  rateLimit?: RateLimit;
  /** Keeps retries below a share of the first attempts, see {@link retryBudget}. The same object given to several exports is shared. Default: none. */
  retryBudget?: RetryBudget;
  /**
   * While its last value is `true`, no attempt begins; attempts in flight go on. One batch waits here, and the others in the queue in front, the one of {@link adaptiveBatch} for example. The time for a batch (`retry.maxElapsedMillis`) goes on: in a pause that
   * is longer than that, one batch is lost as `expired` each time that it is over. When the Observable ends or fails, the last state stays. Default: none.
   */
  pauseWhen?: Observable<boolean>;
  /** Items that are taken and have no outcome, at most: 1 or more, or `Infinity`. Default 100,000. A batch that would exceed this is lost as `queueFull`; a batch that is alone always has
   * room. Behind {@link adaptiveBatch} it has to be at least `maxUnsettledBatches` × `maxExportBatchSize` there. */
  maxPendingItems?: number;
  /** The estimated bytes of their batches, at most: 1 or more, or `Infinity`. Default 256 MiB. */
  maxPendingBytes?: number;
  /**
   * Changes while it runs: at each emission the options that it names get new values, all of them or none. A change that breaks a rule, or names anything else, is reported to `onCallbackError` and changes nothing. The concurrency holds at once, the timeout from
   * the next attempt on; a batch keeps the retry policy with which it was taken. When the Observable ends or fails, the last values stay. Default: none.
   */
  settings$?: Observable<ExportToChanges>;
  /**
   * At its first emission (or error) whatever has no outcome yet is given up, as `shutdown` or, if it was sent, as `unconfirmed`; so is what comes later. The
   * outcomes are still emitted. Default: none.
   */
  stopWhen?: Observable<unknown>;
  /** At each emission whatever has no outcome is given up, as with `stopWhen`; what comes later is exported again. For a deadline that is not the end. Default: none. */
  giveUpWhen?: Observable<unknown>;
  /** Called for each failed attempt that will be followed by another one, before the wait. */
  onRetry?: (retry: Retry) => void;
  /** Called for each loss at this stage. */
  onLoss?: (loss: Loss, items: readonly T[]) => void;
  /**
   * Called when `onLoss`, `onRetry`, `random`, the backoff, an abort of the sink or the teardown of an input throws, when `random` or the backoff returns an invalid value, and when `concurrency`, `pauseWhen` or `settings$`
   * fails or emits an invalid value. Default: these are only counted, in the ledger.
   */
  onCallbackError?: (thrown: unknown) => void;
  /** Counts what comes and what becomes of it. Default: that of the run ({@link runPipeline}), or else one of its own, which is not shown anywhere. */
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

/** What attempts may pass besides, and share with other exports. */
export const SHARED_LAYERS = ['breaker', 'rateLimit', 'retryBudget'] as const;

export type SharedLayer = (typeof SHARED_LAYERS)[number];

type Optional =
  | 'name'
  | 'concurrency'
  | SharedLayer
  | 'pauseWhen'
  | 'settings$'
  | 'stopWhen'
  | 'giveUpWhen'
  | 'onRetry'
  | 'onLoss'
  | 'onCallbackError'
  | 'ledger';

/** Every option with its value. */
export type ExportToSettings<T> = Required<Omit<ExportToOptions<T>, Optional | 'retry'>> & {
  [K in Optional]: ExportToOptions<T>[K] | undefined;
} & { retry: Required<RetryOptions> };

export const EXPORT_TO_DEFAULTS: Readonly<ExportToSettings<unknown>> = Object.freeze({
  name: undefined,
  concurrency: undefined,
  attemptTimeoutMillis: 10_000,
  retry: RETRY_DEFAULTS,
  breaker: undefined,
  rateLimit: undefined,
  retryBudget: undefined,
  maxPendingItems: 100_000,
  maxPendingBytes: 256 * 1024 * 1024,
  pauseWhen: undefined,
  settings$: undefined,
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
  concurrency: optional(aConcurrency),
  attemptTimeoutMillis: millis(1, 'orInfinity'),
  retry: record({
    backoff: aBackoff,
    maxAttempts: limit(1),
    maxElapsedMillis: millis(1, 'orInfinity'),
    maxRetryAfterMillis: millis(0),
  }),
  breaker: optional(aBreaker),
  rateLimit: optional(aRateLimit),
  retryBudget: optional(aRetryBudget),
  maxPendingItems: limit(1),
  maxPendingBytes: limit(1),
  pauseWhen: optional(anObservable),
  settings$: optional(anObservable),
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

/** What a run gives the exports that are subscribed within it, unless they were given their own. */
type GivenByRun = Pick<RunParts, 'pauseWhen' | 'stopWhen' | 'giveUpWhen' | 'onRetry'>;

/** In a run, its pause and its deadlines hold here, and its drain is what keeps the process alive. */
export function settingsInRun<T>(
  settings: ExportToSettings<T>,
  { processHold = 'never' }: Pick<ExportToOptions<T>, 'processHold'>,
  run: GivenByRun,
): ExportToSettings<T> {
  const { name: stage, pauseWhen, stopWhen, giveUpWhen, onRetry } = settings;
  return {
    ...settings,
    pauseWhen: pauseWhen ?? run.pauseWhen,
    stopWhen: stopWhen ?? run.stopWhen,
    giveUpWhen: giveUpWhen ?? run.giveUpWhen,
    onRetry: onRetry ?? (stage === undefined ? run.onRetry : ({ error }) => run.onRetry({ error, stage })),
    processHold,
  };
}

const leftOut = must('left out, because concurrency is no number and changes by itself', () => false);

/** The rules of what may change. */
export function exportChangeRules(concurrency: Concurrency | undefined) {
  const ofConcurrency = typeof concurrency === 'number' ? whole(1) : optional(leftOut);
  return { ...pick(EXPORT_TO_RULES, CHANGES), concurrency: ofConcurrency };
}

/** The settings that a change leads to, as far as they may change. */
export function changedExportSettings(settings: ExportToSettings<never>, change: ExportToChanges): ExportToChanges {
  const { concurrency, attemptTimeoutMillis, retry } = settings;
  const present = { attemptTimeoutMillis, retry, ...(typeof concurrency === 'number' && { concurrency }) };
  const changed = settingsOf<ExportToChanges>('exportTo.settings$', present, exportChangeRules(concurrency), change);
  return { ...changed, retry: overDefaults(retry, changed.retry ?? {}) };
}

/** A batch that is still held a minute after all attempts must be over has been forgotten. */
export function leaseMillis(maxElapsedMillis: number = RETRY_DEFAULTS.maxElapsedMillis): number {
  return Math.min(MAX_TIMER_MILLIS, maxElapsedMillis + 60_000);
}
