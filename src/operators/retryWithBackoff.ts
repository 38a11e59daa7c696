import { type MonoTypeOperatorFunction, NEVER, Observable, type SchedulerLike, Subscription } from 'rxjs';
import type { RetryBudget } from '../destination/budgetedRetries.ts';
import { aRetryBudget } from '../destination/retryBudget.ts';
import { answerOf, runGuarded } from '../internal/runGuarded.ts';
import { monotonicScheduler } from '../internal/scheduler.ts';
import { subscribeInto } from '../internal/subscribeInto.ts';
import { after, aProcessHold, holdProcess, type ProcessHold, waiting } from '../internal/timers.ts';
import {
  aFunction,
  anObservable,
  aScheduler,
  limit,
  MAX_TIMER_MILLIS,
  millis,
  numberFrom,
  optional,
  requireRule,
  settingsOf,
} from '../internal/validation.ts';
import type { Failure } from '../model/sink.ts';
import { aBackoff, type Backoff, type BackoffStep, exponentialBackoff } from '../strategies/backoff.ts';
import { decideRetry, failureOf, soundFailure } from '../strategies/retry.ts';

/** An attempt that failed, and is followed by another one. */
export interface Retry {
  readonly error: unknown;
  /** Attempts so far, the first one included. */
  readonly attempts: number;
  readonly delayMillis: number;
}

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
  /** At each emission the present wait ends, and the next attempt begins, if the `budget` allows it. Its error or end changes nothing. */
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
    return new Observable((subscriber) => {
      const { scheduler, processHold } = settings;
      const startedAtMillis = scheduler.now();
      let attempts = 0; // that were started
      let step: BackoffStep | undefined; // the wait that would come next
      let present = new Subscription(); // the attempt or the wait

      const attempt = () => {
        attempts += 1;
        const run = new Subscription();
        present = run;
        const fail = (error: unknown) => {
          const again = decide(error);
          // The failed attempt is over, with whatever its teardown releases, before its wait begins.
          runGuarded(() => run.unsubscribe(), settings.onCallbackError);
          if (!subscriber.closed) again();
        };
        subscribeInto(
          source,
          { next: (value) => subscriber.next(value), error: fail, complete: () => subscriber.complete() },
          run,
        );
        if (attempts === 1) settings.budget?.firstAttempt();
      };

      const decide = (error: unknown): (() => void) => {
        const failure = guarded(() => soundFailure(settings.classify(error)), RETRYABLE);
        step = guarded(() => step?.next() ?? settings.backoff.first(random), undefined);
        const backoffMillis = guarded(() => sound('backoff.delayMillis', step?.delayMillis, MAX_TIMER_MILLIS), 1_000);
        const state = { attempts, elapsedMillis: scheduler.now() - startedAtMillis, backoffMillis };
        const decision = decideRetry(failure, state, settings);
        if (decision.kind === 'giveUp') return () => subscriber.error(error);
        const { delayMillis } = decision;
        runGuarded(() => settings.onRetry({ error, attempts, delayMillis }), settings.onCallbackError);
        return () => wait(delayMillis, error);
      };

      const wait = (delayMillis: number, error: unknown) => {
        const pause = new Subscription();
        const goOn = () => {
          pause.unsubscribe();
          waitForBudget(error);
        };
        present = pause;
        pause.add(waiting(scheduler, delayMillis, processHold, goOn));
        if (settings.wakeWhen !== NEVER) subscribeInto(settings.wakeWhen, { next: goOn }, pause);
      };

      /** Until the budget allows the next attempt, or it would begin too late. */
      const waitForBudget = (error: unknown) => {
        const { budget, maxElapsedMillis } = settings;
        if (budget === undefined) return attempt();
        const pause = new Subscription();
        present = pause;
        const endsAfterMillis = Math.max(0, startedAtMillis + maxElapsedMillis - scheduler.now());
        pause.add(holdProcess(scheduler, processHold));
        pause.add(after(scheduler, endsAfterMillis, () => subscriber.error(error)));
        const takeBack = budget.whenAllowed(() => {
          pause.unsubscribe();
          attempt();
        });
        pause.add(takeBack);
      };

      const random = () => guarded(() => sound('random()', settings.random(), 1), 0.5);

      const guarded = <R>(callback: () => R, instead: R): R => answerOf(callback, instead, settings.onCallbackError);

      subscriber.add(() => present.unsubscribe());
      attempt();
    });
  };
}

const RETRYABLE: Failure = Object.freeze({ kind: 'retryable' });

/** An invalid number from a user's backoff or `random` must not turn into retries without a wait. */
function sound(what: string, number: unknown, max: number): number {
  requireRule(`${STAGE}.${what}`, number, numberFrom(0, max));
  return number as number;
}
