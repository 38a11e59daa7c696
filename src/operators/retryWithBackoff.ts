import {
  type MonoTypeOperatorFunction,
  NEVER,
  Observable,
  type SchedulerLike,
  type Subscriber,
  Subscription,
} from 'rxjs';
import type { RetryBudget } from '../destination/budgetedRetries.ts';
import { aRetryBudget } from '../destination/retryBudget.ts';
import { answerOf, runGuarded } from '../internal/runGuarded.ts';
import { monotonicScheduler } from '../internal/scheduler.ts';
import { subscribeInto } from '../internal/subscribeInto.ts';
import { after, aProcessHold, holdProcess, type ProcessHold, waiting } from '../internal/timers.ts';
import { aFunction, anObservable, aScheduler, limit, millis, optional, settingsOf } from '../internal/validation.ts';
import type { Failure } from '../model/sink.ts';
import { aBackoff, type Backoff, exponentialBackoff } from '../strategies/backoff.ts';
import { BackoffWaits } from '../strategies/backoffWaits.ts';
import { decideRetry, failureOf, soundFailure } from '../strategies/retry.ts';

/** An attempt that failed, and is followed by another one. */
export interface Retry {
  /** What the attempt failed with. */
  readonly error: unknown;
  /** Attempts so far, the first one included. */
  readonly attempts: number;
  /** How long the wait for the next one is, in milliseconds. */
  readonly delayMillis: number;
}

/** The options of {@link retryWithBackoff}. */
export interface RetryWithBackoffOptions {
  /** The waits between the attempts. Default {@link exponentialBackoff} with its defaults. */
  backoff?: Backoff;
  /** Attempts, the first one included: 1 or more, or `Infinity` (the default: time is what limits them). */
  maxAttempts?: number;
  /** No wait begins that would end later than this after the subscription, in milliseconds: 0 or more, default 300,000, or `Infinity`. */
  maxElapsedMillis?: number;
  /** A delay that the server asks for is kept up to this limit, in milliseconds: 0 or more, default 60,000. */
  maxRetryAfterMillis?: number;
  /** Allows the retries, when their backoff is over: see {@link retryBudget}. Default: all are allowed. */
  budget?: RetryBudget;
  /** At each emission the present wait ends, and the next attempt begins, if the `budget` allows it. Its error or end changes nothing. Default: none. */
  wakeWhen?: Observable<unknown>;
  /** What an error means. Default: the `failure` of the error (see {@link ExportError}), and `retryable` where it has none. */
  classify?: (error: unknown) => Failure;
  /** Called before each wait. */
  onRetry?: (retry: Retry) => void;
  /** Called when one of these callbacks or the teardown of an attempt throws, or when a callback returns an invalid value. A default stands in for it, and the retries go on. */
  onCallbackError?: (thrown: unknown) => void;
  /** Numbers from 0 (included) to 1 (excluded), for the jitter. Default `Math.random`. */
  random?: () => number;
  /** Whether a wait between two attempts keeps the process alive: `whileWaiting` (the default), or `never`. It says nothing about the attempts themselves. */
  processHold?: ProcessHold;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

type RetryWithBackoffSettings = Required<Omit<RetryWithBackoffOptions, 'budget'>> & {
  readonly budget: RetryBudget | undefined;
};

export const RETRY_WITH_BACKOFF_DEFAULTS: Readonly<RetryWithBackoffSettings> = Object.freeze({
  budget: undefined,
  wakeWhen: NEVER,
  backoff: exponentialBackoff(),
  maxAttempts: Number.POSITIVE_INFINITY,
  maxElapsedMillis: 300_000,
  maxRetryAfterMillis: 60_000,
  classify: failureOf,
  onRetry: () => {},
  onCallbackError: () => {},
  random: Math.random,
  processHold: 'whileWaiting',
  scheduler: monotonicScheduler,
});

const STAGE = 'retryWithBackoff';

const RETRY_WITH_BACKOFF_RULES = {
  backoff: aBackoff,
  maxAttempts: limit(1),
  maxElapsedMillis: millis(0, 'orInfinity'),
  maxRetryAfterMillis: millis(0),
  budget: optional(aRetryBudget),
  wakeWhen: anObservable,
  classify: aFunction,
  onRetry: aFunction,
  onCallbackError: aFunction,
  random: aFunction,
  processHold: aProcessHold,
  scheduler: aScheduler,
};

/**
 * Subscribes a cold source again when it fails, after waits that grow.
 *
 * ```text
 * source      -#
 * subscribed  ^!
 *             ----^!
 *             retryWithBackoff: maxAttempts 2, a wait of 3 ms
 * result      -----#
 * ```
 *
 * **Emits** and **completes** like the attempt that succeeds. **Errors** with the last attempt's error, as soon as that is `permanent` or `tooLarge`, the attempts
 * are used up, or the next one would begin too late, because of its wait or of the `budget`. **Unsubscribed**, it ends the attempt or the wait, and makes no further attempt.
 *
 * It is for **one cold source** whose attempts are independent. On a hot stream it would lose what the operators above it hold.
 *
 * **Order**: values of a failed attempt that were already emitted stay emitted. **Loss**: none of its own.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * defer(() => sink.export(batch)).pipe(retryWithBackoff({ maxAttempts: 5, backoff: exponentialBackoff({ jitter: 'equal' }) }));
 * ```
 *
 * @see raceTimeout, retryBudget
 */
export function retryWithBackoff<T>(options: RetryWithBackoffOptions = {}): MonoTypeOperatorFunction<T> {
  const settings = settingsOf(STAGE, RETRY_WITH_BACKOFF_DEFAULTS, RETRY_WITH_BACKOFF_RULES, options);
  return function retryWithBackoffOperator(source) {
    return new Observable((subscriber) => new Retrying(source, subscriber, settings).run());
  };
}

/** One subscription: an attempt, then a wait, then the next attempt. */
class Retrying<T> {
  readonly #source: Observable<T>;
  readonly #subscriber: Subscriber<T>;
  readonly #settings: RetryWithBackoffSettings;
  readonly #startedAtMillis: number;
  readonly #waits: BackoffWaits;
  #attempts = 0; // that were started
  #present = new Subscription(); // the attempt or the wait

  constructor(source: Observable<T>, subscriber: Subscriber<T>, settings: RetryWithBackoffSettings) {
    this.#source = source;
    this.#subscriber = subscriber;
    this.#settings = settings;
    this.#startedAtMillis = settings.scheduler.now();
    this.#waits = new BackoffWaits({ ...settings, owner: STAGE });
  }

  run(): void {
    this.#subscriber.add(() => this.#present.unsubscribe());
    this.#attempt();
  }

  #attempt(): void {
    this.#attempts += 1;
    const attempt = this.#begin();
    const next = (value: T) => this.#subscriber.next(value);
    const error = (thrown: unknown) => this.#failed(attempt, thrown);
    const complete = () => this.#subscriber.complete();
    subscribeInto(this.#source, { next, error, complete }, attempt);
    if (this.#attempts === 1) this.#settings.budget?.firstAttempt();
  }

  #failed(attempt: Subscription, error: unknown): void {
    const goOn = this.#decide(error);
    // The failed attempt is over, with whatever its teardown releases, before its wait begins.
    runGuarded(() => attempt.unsubscribe(), this.#settings.onCallbackError);
    if (!this.#subscriber.closed) goOn();
  }

  /** What is to be done: give up, or wait and try again. */
  #decide(error: unknown): () => void {
    const { classify, onRetry, onCallbackError, scheduler } = this.#settings;
    const failure = this.#guarded(() => soundFailure(classify(error), error), RETRYABLE);
    const backoffMillis = this.#waits.nextMillis();
    const elapsedMillis = scheduler.now() - this.#startedAtMillis;
    const attempts = this.#attempts;
    const decision = decideRetry(failure, { attempts, elapsedMillis, backoffMillis }, this.#settings);
    if (decision.kind === 'giveUp') return () => this.#subscriber.error(error);
    const { delayMillis } = decision;
    runGuarded(() => onRetry({ error, attempts, delayMillis }), onCallbackError);
    return () => this.#wait(delayMillis, error);
  }

  #wait(delayMillis: number, error: unknown): void {
    const { scheduler, processHold, wakeWhen } = this.#settings;
    const pause = this.#begin();
    const goOn = () => {
      pause.unsubscribe();
      this.#waitForBudget(error);
    };
    pause.add(waiting(scheduler, delayMillis, processHold, goOn));
    if (wakeWhen !== NEVER) subscribeInto(wakeWhen, { next: goOn }, pause);
  }

  /** Until the budget allows the next attempt, or it would begin too late. */
  #waitForBudget(error: unknown): void {
    const { budget, maxElapsedMillis, scheduler, processHold } = this.#settings;
    if (budget === undefined) {
      this.#attempt();
      return;
    }
    const pause = this.#begin();
    const endsAfterMillis = Math.max(0, this.#startedAtMillis + maxElapsedMillis - scheduler.now());
    pause.add(holdProcess(scheduler, processHold));
    pause.add(after(scheduler, endsAfterMillis, () => this.#subscriber.error(error)));
    const takeBack = budget.whenAllowed(() => {
      pause.unsubscribe();
      this.#attempt();
    });
    pause.add(takeBack);
  }

  /** What ends with the subscription from now on. */
  #begin(): Subscription {
    this.#present = new Subscription();
    return this.#present;
  }

  #guarded<R>(callback: () => R, instead: R): R {
    return answerOf(callback, instead, this.#settings.onCallbackError);
  }
}

const RETRYABLE: Failure = Object.freeze({ kind: 'retryable' });
