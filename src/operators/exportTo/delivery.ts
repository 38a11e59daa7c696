import { catchError, concat, defer, EMPTY, map, type Observable, of, Subject, throwError } from 'rxjs';
import type { Slots } from '../../flow/slots.ts';
import { holdProcess } from '../../internal/timers.ts';
import type { Account } from '../../ledger/account.ts';
import type { Batch, FlushUrgency } from '../../model/batch.ts';
import { messageOf, RaceTimeoutError, SpanflowError } from '../../model/errors.ts';
import { escaped } from '../../model/escaped.ts';
import type { Outcome } from '../../model/outcome.ts';
import { ExportError, type Failure, type Response, type Sink } from '../../model/sink.ts';
import type { LossReason } from '../../model/tally.ts';
import { failureOf } from '../../strategies/retry.ts';
import { raceTimeout } from '../raceTimeout.ts';
import { type Retry, retryWithBackoff } from '../retryWithBackoff.ts';
import { admitted } from './admission.ts';
import { attempt } from './attempt.ts';
import { AttemptReport } from './attemptReport.ts';
import type { Destination } from './destination.ts';
import { Hurry } from './hurry.ts';
import { inTurn } from './inTurn.ts';
import type { ExportToSettings } from './options.ts';
import { Parts } from './parts.ts';
import { Progress } from './progress.ts';

/** A slot that came too late. */
const TIME_IS_UP = new SpanflowError('TIMEOUT', 'the time for all attempts was over before this one could begin');

/** A wait that a success elsewhere cuts short: shorter ones are left alone. */
const LONG_WAIT_MILLIS = 1_000;

/** What all deliveries of one subscription share. */
export interface DeliveryContext<T> {
  readonly sink: Sink<T>;
  readonly destination: Destination;
  readonly slots: Slots;
  readonly settings: ExportToSettings<T>;
  readonly account: Account;
}

/** One batch on its way to the sink, in one part or several, and what has come of it so far. */
export class Delivery<T> {
  readonly batch: Batch<T>;
  /** How many items it had when it was taken. */
  readonly size: number;
  readonly #given: Batch<T> | readonly T[];
  readonly #context: DeliveryContext<T>;
  readonly #takenAtMillis: number;
  readonly #parts: Parts<T>;
  readonly #progress: Progress;
  readonly #hurry: Hurry;
  readonly #wake = new Subject<void>(); // ends the wait for the next attempt
  #stayAwake: () => void = () => {}; // takes back that a success elsewhere ends the wait
  #blameItem: (() => void) | undefined; // undoes what the refusals taught about sizes, once, when a single item was the cause
  #itemCap = Number.POSITIVE_INFINITY; // of the next part, after one that was too large: whatever the sizes say, it is a smaller one
  #partSize = 0; // items in the part that is in flight, or was last
  #report: AttemptReport | undefined; // of the attempt in flight
  #attempts = 0; // that were started
  #requests = 0; // that were accepted or given up: parts
  #timeouts = 0; // attempts that were sent and timed out
  #attemptedAtMillis = 0; // when the last attempt was started
  #attemptMillis = 0; // how long it took
  #isThrottled = false; // the backend has said when the next attempt is welcome
  #error: SpanflowError | undefined; // of the last part that was lost
  #lastError: SpanflowError | undefined; // of the last attempt that failed
  #message: string | undefined; // what the backend said last

  constructor(given: Batch<T> | readonly T[], batch: Batch<T>, context: DeliveryContext<T>) {
    const { settings } = context;
    this.#given = given;
    this.batch = batch;
    this.size = batch.items.length;
    this.#context = context;
    this.#takenAtMillis = settings.scheduler.now();
    this.#parts = new Parts(batch);
    this.#progress = new Progress(batch.items.length, context.account.stage);
    this.#hurry = new Hurry(settings.retry.backoff, settings.scheduler);
  }

  /** Whether an attempt is in flight. */
  get inFlight(): boolean {
    return this.#report !== undefined;
  }

  /** Its one outcome. It never errors; unsubscribing aborts the attempt, or gives up the wait for the next. */
  run(): Observable<Outcome<T>> {
    const { settings, sink } = this.#context;
    const { scheduler, retry, processHold } = settings;
    const millis = retry.maxElapsedMillis;
    const parts = inTurn(() => this.#nextPart()).pipe(
      raceTimeout({ millis, what: `all attempts to export to ${sink.name}`, processHold, scheduler }),
      catchError((error: unknown) => {
        this.#endTime(error);
        return EMPTY;
      }),
    );
    return concat(
      parts,
      defer(() => of(this.#outcome())),
    );
  }

  /** A flush waits for it: what waits for its next attempt tries at once, and then more often. */
  flush(urgency: FlushUrgency): void {
    this.#hurry.begin(urgency);
    if (!this.#isThrottled) this.#wake.next();
  }

  /** Its outcome when nobody waits for it any longer. */
  givenUp(reason: LossReason): Outcome<T> {
    this.#stayAwake();
    this.#endByAbort();
    if (this.#progress.rest > 0) this.#error ??= this.#lastError;
    this.#progress.lose(this.#progress.rest, reason);
    return this.#outcome();
  }

  /** Its outcome when there was no room for it. */
  refused(): Outcome<T> {
    return this.givenUp('queueFull');
  }

  #nextPart(): Observable<unknown> | undefined {
    if (this.#progress.rest === 0 || this.batch.items.length <= this.#progress.settled) return undefined;
    const { destination, slots, settings } = this.#context;
    const { scheduler, random, retry, processHold } = settings;
    return defer(() => this.#attempt()).pipe(
      admitted(destination.gate, slots, () => holdProcess(scheduler, processHold)),
      retryWithBackoff({
        ...retry,
        backoff: this.#hurry.backoff,
        maxElapsedMillis: Math.min(retry.maxElapsedMillis, Math.max(0, retry.maxElapsedMillis - this.#elapsedMillis())),
        wakeWhen: this.#wake,
        classify: (error) => this.#classify(error),
        onRetry: (next) => this.#beforeRetry(next),
        onCallbackError: () => this.#countCallbackError(),
        random,
        processHold,
        scheduler,
      }),
      catchError((error: unknown) => {
        this.#losePart(error);
        return EMPTY;
      }),
    );
  }

  #attempt(): Observable<unknown> {
    const { account, destination, settings, sink } = this.#context;
    const { scheduler, retry, attemptTimeoutMillis: millis, processHold } = settings;
    this.#stayAwake();
    // The slot came when the time was up: nothing is sent any more.
    if (this.#elapsedMillis() >= retry.maxElapsedMillis) return throwError(() => TIME_IS_UP);
    const { maxItems, maxBytes } = destination.limits;
    const part = this.#parts.cut(this.#progress.settled, { maxItems: Math.min(maxItems, this.#itemCap), maxBytes });
    const report = new AttemptReport(sink.name);
    this.#partSize = part.items.length;
    this.#report = report;
    this.#isThrottled = false;
    this.#attempts += 1;
    account.attempted(this.#attempts > 1);
    this.#attemptedAtMillis = scheduler.now();
    this.#attemptMillis = 0;
    const onAbortError = () => this.#countCallbackError();
    return attempt(sink, part, report, { millis, processHold, scheduler, onAbortError }).pipe(
      map((response) => this.#accepted(part, response)),
      catchError((error: unknown) => this.#split(part, error)),
    );
  }

  /** An answer is an answer, also where a sink in JavaScript gives `undefined`. */
  #accepted(part: Batch<T>, response: Response | undefined): void {
    this.#endAttempt();
    this.#answered(part.items.length, response ?? {});
    this.#itemCap = Number.POSITIVE_INFINITY;
    this.#context.destination.accepted(part.items.length, this.#parts.bytesOf(part));
  }

  #answered(items: number, given: Response): void {
    const response = readable(given);
    this.#requests += 1;
    this.#progress.answer(items, response, this.#partSize);
    if (typeof response.message === 'string' && response.message !== '') this.#message = escaped(response.message);
  }

  /** What is too large in one piece is tried in smaller ones, at once. An item that is too large by itself is lost alone. */
  #split(part: Batch<T>, error: unknown): Observable<unknown> {
    if (part.items.length === 1 || failureOf(error).kind !== 'tooLarge') return throwError(() => error);
    this.#endAttempt();
    this.#itemCap = Math.max(1, part.items.length >> 1);
    const takeBack = this.#context.destination.refusedBytes(this.#parts.bytesOf(part));
    this.#blameItem ??= firstTimeOnly(takeBack);
    return EMPTY;
  }

  #classify(error: unknown): Failure {
    if (error === TIME_IS_UP) return { kind: 'permanent' };
    const { destination, settings } = this.#context;
    const failure = this.#meaningOf(error);
    this.#lastError = asSpanflowError(error);
    if (error instanceof RaceTimeoutError && failure.kind === 'unknownOutcome') this.#timedOut();
    this.#endAttempt();
    destination.failed(failure, settings.retry.maxRetryAfterMillis);
    this.#isThrottled =
      failure.kind === 'throttled' && failure.retryAfterMillis > 0 && settings.retry.maxRetryAfterMillis > 0;
    if (leavesDoubt(failure)) this.#doubt();
    return this.#hurry.isInVain(failure) ? { kind: 'permanent' } : failure;
  }

  #meaningOf(error: unknown): Failure {
    if (!(error instanceof RaceTimeoutError)) return failureOf(error);
    return this.#report?.failure ?? { kind: 'unknownOutcome' };
  }

  #timedOut(): void {
    this.#timeouts += 1;
    this.#context.destination.timedOut(this.#partSize);
  }

  #doubt(): void {
    this.#progress.doubt(this.#partSize);
  }

  #beforeRetry(retry: Retry): void {
    const { destination, settings } = this.#context;
    if (!this.#isThrottled && retry.delayMillis > LONG_WAIT_MILLIS)
      this.#stayAwake = destination.backOff(() => this.#wake.next());
    try {
      settings.onRetry?.(retry);
    } catch {
      this.#countCallbackError();
    }
  }

  #countCallbackError(): void {
    this.#context.account.callbackFailed();
  }

  #elapsedMillis(): number {
    return this.#context.settings.scheduler.now() - this.#takenAtMillis;
  }

  #endAttempt(): void {
    if (this.#report === undefined) return;
    this.#report = undefined;
    this.#attemptMillis = this.#context.settings.scheduler.now() - this.#attemptedAtMillis;
  }

  /** An attempt in flight is aborted from outside: what is known of it by then counts. */
  #endByAbort(): void {
    const report = this.#report;
    if (report === undefined) return;
    this.#endAttempt();
    const { answer } = report;
    if (answer instanceof Error) this.#knownFailure(answer);
    else if (answer !== undefined) this.#answered(this.#partSize, answer);
    else if (leavesDoubt(report.failure)) this.#doubt();
  }

  #knownFailure(error: ExportError): void {
    this.#lastError = error;
    const { failure } = error;
    if (leavesDoubt(failure)) this.#doubt();
    if (failure.kind === 'permanent') this.#progress.lose(this.#partSize, failure.kind);
  }

  /** No further attempt is made at this part. The rest of the batch goes on, unless the attempts are used up: they are those of the batch. */
  #losePart(error: unknown): void {
    if (error === TIME_IS_UP) {
      this.#endTime(error);
      return;
    }
    const { kind } = failureOf(error);
    this.#requests += 1;
    this.#error = asSpanflowError(error);
    if (kind === 'permanent') this.#progress.lose(this.#partSize, kind);
    else if (kind === 'tooLarge') this.#loseItem();
    else this.#progress.lose(this.#progress.rest, this.#hurry.gaveUp ? 'shutdown' : 'retriesExhausted');
  }

  /** It was too large by itself. */
  #loseItem(): void {
    this.#itemCap = Number.POSITIVE_INFINITY;
    this.#progress.lose(this.#partSize, 'tooLarge');
    this.#blameItem?.();
    if (!this.#context.destination.refusedItem()) this.#progress.lose(this.#progress.rest, 'tooLarge');
  }

  /** The time of the whole batch is over. */
  #endTime(error: unknown): void {
    this.#stayAwake();
    this.#endByAbort();
    this.#progress.lose(this.#progress.rest, this.#attempts === 0 ? 'expired' : 'retriesExhausted');
    this.#error = asSpanflowError(error);
  }

  #outcome(): Outcome<T> {
    return {
      batch: this.#given,
      ...this.#progress.counts(),
      attempts: this.#attempts,
      attemptMillis: this.#attemptMillis,
      elapsedMillis: this.#elapsedMillis(),
      ...(this.#requests > 1 && { requests: this.#requests }),
      ...(this.#timeouts > 0 && { timeouts: this.#timeouts }),
      ...(this.#error !== undefined && { error: this.#error }),
      ...(this.#message !== undefined && { message: this.#message }),
    };
  }
}

/** Calls it the first time only: when several items are too large, it is the sizes. */
function firstTimeOnly(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}

/** What a sink answers may be anything: what cannot be read says nothing, and is an answer all the same. */
function readable(response: Response): Response {
  try {
    return { ...response };
  } catch {
    return {};
  }
}

/** Whether what failed may have arrived all the same. */
function leavesDoubt(failure: Failure): boolean {
  return failure.kind === 'unknownOutcome' || (failure.kind === 'permanent' && failure.mayHaveArrived === true);
}

function asSpanflowError(error: unknown): SpanflowError {
  if (error instanceof SpanflowError) return error;
  return new ExportError(failureOf(error), messageOf(error), { cause: error });
}
