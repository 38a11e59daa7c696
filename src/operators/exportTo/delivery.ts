import {
  catchError,
  defer,
  from,
  type MonoTypeOperatorFunction,
  map,
  Observable,
  of,
  Subscription,
  take,
  throwError,
  throwIfEmpty,
} from 'rxjs';
import type { Account } from '../../account.ts';
import type { Batch } from '../../batch.ts';
import { messageOf, RaceTimeoutError, SpanflowError } from '../../errors.ts';
import { forwardTo, listen } from '../../listen.ts';
import type { LossReason, Outcome, Tally } from '../../outcome.ts';
import { ExportError, type Failure, type Response, type Sink } from '../../sink.ts';
import { failureOf } from '../../strategies/retry.ts';
import type { Slots } from '../../strategies/slots.ts';
import { raceTimeout } from '../raceTimeout.ts';
import { type Retry, retryWithBackoff } from '../retryWithBackoff.ts';
import type { ExportToSettings } from './options.ts';

/** A slot that came too late. */
const TIME_IS_UP = new SpanflowError('TIMEOUT', 'the time for all attempts was over before this one could begin');

/** What all deliveries of one subscription share. */
export interface DeliveryContext<T> {
  readonly sink: Sink<T>;
  readonly slots: Slots;
  readonly settings: ExportToSettings<T>;
  readonly account: Account;
}

/** One batch on its way to the sink, and what has come of it so far. */
export class Delivery<T> {
  readonly batch: Batch<T>;
  readonly #given: Batch<T> | readonly T[];
  readonly #context: DeliveryContext<T>;
  readonly #takenAtMillis: number;
  #attempts = 0; // that were started
  #attemptedAtMillis = 0; // when the last one was
  #attemptMillis = 0; // how long it took
  #underWay = false; // whether an attempt is
  #uncertain = false; // whether one was sent and never answered

  constructor(given: Batch<T> | readonly T[], batch: Batch<T>, context: DeliveryContext<T>) {
    this.#given = given;
    this.batch = batch;
    this.#context = context;
    this.#takenAtMillis = context.settings.scheduler.now();
  }

  /** Whether an attempt is. */
  get underWay(): boolean {
    return this.#underWay;
  }

  /** Its one outcome. It never errors; unsubscribing aborts the attempt, or gives up the wait for the next. */
  run(): Observable<Outcome<T>> {
    const { slots, settings } = this.#context;
    const { scheduler, random, retry, attemptTimeoutMillis } = settings;
    return defer(() => this.#attempt()).pipe(
      raceTimeout({ millis: attemptTimeoutMillis, what: `an export to ${this.#context.sink.name}`, scheduler }),
      withSlot(slots),
      retryWithBackoff({
        ...retry,
        classify: (error) => this.#classify(error),
        onRetry: (next) => this.#tellRetry(next),
        onCallbackError: () => this.#countCallbackError(),
        random,
        scheduler,
      }),
      raceTimeout({
        millis: retry.maxElapsedMillis,
        what: `all attempts to export to ${this.#context.sink.name}`,
        scheduler,
      }),
      map((response) => this.#answered(response)),
      catchError((error: unknown) => of(this.#failed(error))),
    );
  }

  /** Its outcome when nobody waits for it any longer. */
  givenUp(reason: LossReason): Outcome<T> {
    if (this.#underWay) this.#uncertain = true;
    this.#endAttempt();
    return this.#lost(this.#uncertain ? 'unconfirmed' : reason);
  }

  /** Its outcome when there was no room for it. */
  refused(): Outcome<T> {
    return this.#lost('queueFull');
  }

  #attempt(): Observable<Response> {
    const { account, settings, sink } = this.#context;
    // The slot came when the time was up: nothing is sent any more.
    if (settings.scheduler.now() - this.#takenAtMillis >= settings.retry.maxElapsedMillis)
      return throwError(() => TIME_IS_UP);
    this.#attempts += 1;
    account.attempted(this.#attempts > 1);
    this.#attemptedAtMillis = settings.scheduler.now();
    this.#attemptMillis = 0;
    this.#underWay = true;
    return endedQuietly(from(sink.export(this.batch)), () => this.#countCallbackError()).pipe(
      take(1),
      throwIfEmpty(() => new ExportError({ kind: 'unknownOutcome' }, `${sink.name} ended without an answer`)),
    );
  }

  #classify(error: unknown): Failure {
    if (error === TIME_IS_UP) return { kind: 'permanent' };
    this.#endAttempt();
    const failure = failureOfAttempt(error);
    if (failure.kind === 'unknownOutcome') this.#uncertain = true;
    return failure;
  }

  #tellRetry(retry: Retry): void {
    try {
      this.#context.settings.onRetry?.(retry);
    } catch {
      this.#countCallbackError();
    }
  }

  #countCallbackError(): void {
    this.#context.account.callbackFailed();
  }

  #endAttempt(): void {
    if (!this.#underWay) return;
    this.#underWay = false;
    this.#attemptMillis = this.#context.settings.scheduler.now() - this.#attemptedAtMillis;
  }

  /** An answer is an answer, also where a sink in JavaScript gives `undefined`. */
  #answered(answer: Response | undefined): Outcome<T> {
    const response = answer ?? {};
    this.#endAttempt();
    const size = this.batch.items.length;
    const unencodable = counted(response.unencodable, size);
    const rejected = counted(response.rejected, size - unencodable);
    const stage = this.#context.sink.name;
    const lost = unencodable > 0 ? [{ count: unencodable, reason: 'unencodable', stage } as const] : [];
    const outcome = this.#outcome({ delivered: size - unencodable - rejected, rejected, lost });
    return response.message ? { ...outcome, message: response.message } : outcome;
  }

  #failed(error: unknown): Outcome<T> {
    // The deadline of the whole may have ended an attempt: nobody knows whether that one arrived.
    if (this.#underWay) this.#uncertain = true;
    this.#endAttempt();
    const kind = error === TIME_IS_UP ? 'retryable' : failureOfAttempt(error).kind;
    return { ...this.#lost(this.#reason(kind)), error: asSpanflowError(error) };
  }

  #reason(kind: Failure['kind']): LossReason {
    if (kind === 'permanent' || kind === 'tooLarge') return kind;
    if (this.#uncertain) return 'unconfirmed';
    return this.#attempts === 0 ? 'expired' : 'retriesExhausted';
  }

  #lost(reason: LossReason): Outcome<T> {
    const lost = [{ count: this.batch.items.length, reason, stage: this.#context.sink.name }];
    return this.#outcome({ delivered: 0, rejected: 0, lost });
  }

  #outcome(counts: Pick<Tally, 'delivered' | 'rejected' | 'lost'>): Outcome<T> {
    const elapsedMillis = this.#context.settings.scheduler.now() - this.#takenAtMillis;
    return {
      batch: this.#given,
      ...counts,
      attempts: this.#attempts,
      attemptMillis: this.#attemptMillis,
      elapsedMillis,
    };
  }
}

/** A sink whose abort throws has failed at being aborted, and nobody else has. */
function endedQuietly<T>(source: Observable<T>, onError: () => void): Observable<T> {
  return new Observable((subscriber) => {
    const attempt = new Subscription();
    subscriber.add(() => {
      try {
        attempt.unsubscribe();
      } catch {
        onError();
      }
    });
    listen(source, forwardTo(subscriber), attempt);
  });
}

/** Subscribes the source when there is a slot, and keeps the slot until it is unsubscribed or ends. */
function withSlot<T>(slots: Slots): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((subscriber) => {
      const giveUp = slots.acquire(() => {
        listen(source, forwardTo(subscriber), subscriber);
        // Added last, so that it comes last: the attempt is torn down before the next one starts.
        subscriber.add(() => slots.release());
      });
      subscriber.add(giveUp);
    });
}

/** An attempt that was aborted because it took too long was sent, and never answered. */
function failureOfAttempt(error: unknown): Failure {
  return error instanceof RaceTimeoutError ? { kind: 'unknownOutcome' } : failureOf(error);
}

function counted(claimed: number | undefined, atMost: number): number {
  return Math.min(atMost, Math.max(0, Math.trunc(claimed ?? 0) || 0));
}

function asSpanflowError(error: unknown): SpanflowError {
  if (error instanceof SpanflowError) return error;
  return new ExportError(failureOf(error), messageOf(error), { cause: error });
}
