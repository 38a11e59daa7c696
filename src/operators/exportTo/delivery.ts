import { catchError, concat, defer, EMPTY, map, type Observable, of, throwError } from 'rxjs';
import type { Slots } from '../../flow/slots.ts';
import { holdProcess } from '../../internal/timers.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import type { Batch, FlushUrgency } from '../../model/batch.ts';
import { RaceTimeoutError, type SpanflowError } from '../../model/errors.ts';
import { escaped } from '../../model/escaped.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { ExportError, Failure, Response, Sink } from '../../model/sink.ts';
import type { LossReason } from '../../model/tally.ts';
import { failureOf } from '../../strategies/retry.ts';
import { raceTimeout } from '../raceTimeout.ts';
import { type Retry, retryWithBackoff } from '../retryWithBackoff.ts';
import { attempt } from './attempt.ts';
import { AttemptLog } from './attemptLog.ts';
import type { Destination } from './destination.ts';
import { asSpanflowError, leavesDoubt, readable, TIME_IS_UP } from './failures.ts';
import { inTurn } from './inTurn.ts';
import { NextPart } from './nextPart.ts';
import type { ExportToSettings } from './options.ts';
import { Progress } from './progress.ts';
import { RetryWait } from './retryWait.ts';
import { waitForSlot } from './waitForSlot.ts';

/** What all deliveries of one subscription share. */
export interface DeliveryContext<T> {
  readonly sink: Sink<T>;
  readonly destination: Destination;
  readonly slots: Slots;
  readonly settings: ExportToSettings<T>;
  readonly reporter: StageReporter<T>;
}

/** One batch on its way to the sink, in one part or several, from when it is taken to its outcome. */
export class Delivery<T> {
  readonly batch: Batch<T>;
  /** How many items it had when it was taken. */
  readonly size: number;
  readonly #given: Batch<T> | readonly T[];
  readonly #context: DeliveryContext<T>;
  readonly #takenAtMillis: number;
  readonly #next: NextPart<T>;
  readonly #log: AttemptLog;
  readonly #wait: RetryWait;
  readonly #progress: Progress;
  #error: SpanflowError | undefined; // of the last part that was lost
  #lastError: SpanflowError | undefined; // of the last attempt that failed
  #message: string | undefined; // of the last answer that had one

  constructor(given: Batch<T> | readonly T[], batch: Batch<T>, context: DeliveryContext<T>) {
    const { destination, reporter, settings, sink } = context;
    this.#given = given;
    this.batch = batch;
    this.size = batch.items.length;
    this.#context = context;
    this.#takenAtMillis = settings.scheduler.now();
    this.#next = new NextPart(batch, destination);
    this.#log = new AttemptLog(sink.name, settings.scheduler);
    this.#wait = new RetryWait(destination, settings.retry, settings.scheduler);
    this.#progress = new Progress(this.size, reporter.account.stage);
  }

  /** Whether an attempt is in flight. */
  get inFlight(): boolean {
    return this.#log.report !== undefined;
  }

  /** Emits the one outcome and never errors. Unsubscribing aborts the attempt, or ends the wait for the next one. */
  run(): Observable<Outcome<T>> {
    const { settings, sink } = this.#context;
    const { scheduler, retry, processHold } = settings;
    const millis = retry.maxElapsedMillis;
    const parts = inTurn(() => this.#deliverNextPart()).pipe(
      raceTimeout({ millis, what: `all attempts to export to ${sink.name}`, processHold, scheduler }),
      catchError((error: unknown) => {
        this.#timeIsUp(error);
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
    this.#wait.flush(urgency);
  }

  /** Ends it, with its outcome: what is left of it is lost for this reason. */
  givenUp(reason: LossReason): Outcome<T> {
    this.#wait.end();
    this.#endByAbort();
    if (this.#progress.rest > 0) this.#error ??= this.#lastError;
    this.#progress.lose(this.#progress.rest, reason);
    return this.#outcome();
  }

  #deliverNextPart(): Observable<unknown> | undefined {
    if (this.#progress.rest === 0 || this.batch.items.length <= this.#progress.done) return undefined;
    const { destination, reporter, slots, settings } = this.#context;
    const { scheduler, random, retry, processHold } = settings;
    return defer(() => this.#attempt()).pipe(
      waitForSlot(destination.gate, slots, () => holdProcess(scheduler, processHold)),
      retryWithBackoff({
        ...retry,
        backoff: this.#wait.backoff,
        maxElapsedMillis: Math.min(retry.maxElapsedMillis, Math.max(0, retry.maxElapsedMillis - this.#elapsedMillis())),
        wakeWhen: this.#wait.wake$,
        classify: (error) => this.#failed(error),
        onRetry: (next) => this.#beforeWait(next),
        onCallbackError: (thrown) => reporter.callbackFailed(thrown),
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
    const { reporter, settings, sink } = this.#context;
    const { scheduler, retry, attemptTimeoutMillis: millis, processHold } = settings;
    this.#wait.end();
    // The slot came when the time was up: nothing is sent any more.
    if (this.#elapsedMillis() >= retry.maxElapsedMillis) return throwError(() => TIME_IS_UP);
    const part = this.#next.cut(this.#progress.done);
    const report = this.#log.begin(part.items.length);
    reporter.account.attempted(this.#log.attempts > 1);
    const onAbortError = (thrown: unknown) => reporter.callbackFailed(thrown);
    return attempt(sink, part, report, { millis, processHold, scheduler, onAbortError }).pipe(
      map((response) => this.#accepted(part, response)),
      catchError((error: unknown) => this.#split(part, error)),
    );
  }

  #accepted(part: Batch<T>, response: Response): void {
    this.#log.end();
    this.#answered(part.items.length, response);
    this.#next.accepted(part);
  }

  #answered(items: number, given: Response): void {
    const response = readable(given);
    this.#log.partDone();
    this.#progress.answer(items, response, this.#log.items);
    if (typeof response.message === 'string' && response.message !== '') this.#message = escaped(response.message);
  }

  /** A part that is too large is tried again in smaller ones, at once. An item that is too large by itself is lost alone. */
  #split(part: Batch<T>, error: unknown): Observable<unknown> {
    if (part.items.length === 1 || failureOf(error).kind !== 'tooLarge') return throwError(() => error);
    this.#log.end();
    this.#next.wasTooLarge(part);
    return EMPTY;
  }

  /** An attempt failed. Returns what that means for the retries. */
  #failed(error: unknown): Failure {
    if (error === TIME_IS_UP) return { kind: 'permanent' };
    const failure = this.#meaningOf(error);
    this.#lastError = asSpanflowError(error);
    if (error instanceof RaceTimeoutError && failure.kind === 'unknownOutcome') this.#timedOut();
    this.#log.end();
    if (leavesDoubt(failure)) this.#progress.doubt(this.#log.items);
    return this.#wait.failed(failure);
  }

  #meaningOf(error: unknown): Failure {
    if (!(error instanceof RaceTimeoutError)) return failureOf(error);
    return this.#log.report?.failure ?? { kind: 'unknownOutcome' };
  }

  #timedOut(): void {
    this.#log.timedOut();
    this.#context.destination.timedOut(this.#log.items);
  }

  #beforeWait(retry: Retry): unknown {
    this.#wait.begin(retry.delayMillis);
    return this.#context.settings.onRetry?.(retry);
  }

  #elapsedMillis(): number {
    return this.#context.settings.scheduler.now() - this.#takenAtMillis;
  }

  /** The attempt in flight is aborted from outside: what the sink has reported of it counts. */
  #endByAbort(): void {
    const { report } = this.#log;
    if (report === undefined) return;
    this.#log.end();
    const { answer } = report;
    if (answer instanceof Error) this.#knownFailure(answer);
    else if (answer !== undefined) this.#answered(this.#log.items, answer);
    else if (leavesDoubt(report.failure)) this.#progress.doubt(this.#log.items);
  }

  #knownFailure(error: ExportError): void {
    this.#lastError = error;
    const { failure } = error;
    if (leavesDoubt(failure)) this.#progress.doubt(this.#log.items);
    if (failure.kind === 'permanent') this.#progress.lose(this.#log.items, failure.kind);
  }

  /** No further attempt is made at this part. The rest of the batch goes on, unless the attempts are used up: they are those of the batch. */
  #losePart(error: unknown): void {
    if (error === TIME_IS_UP) {
      this.#timeIsUp(error);
      return;
    }
    const { kind } = failureOf(error);
    this.#log.partDone();
    this.#error = asSpanflowError(error);
    if (kind === 'permanent') this.#progress.lose(this.#log.items, kind);
    else if (kind === 'tooLarge') this.#loseItem();
    else this.#progress.lose(this.#progress.rest, this.#wait.gaveUp ? 'shutdown' : 'retriesExhausted');
  }

  /** It was too large by itself. */
  #loseItem(): void {
    this.#progress.lose(this.#log.items, 'tooLarge');
    if (!this.#next.itemWasTooLarge()) this.#progress.lose(this.#progress.rest, 'tooLarge');
  }

  /** The time of the whole batch is over. */
  #timeIsUp(error: unknown): void {
    this.#wait.end();
    this.#endByAbort();
    this.#progress.lose(this.#progress.rest, this.#log.attempts === 0 ? 'expired' : 'retriesExhausted');
    this.#error = asSpanflowError(error);
  }

  #outcome(): Outcome<T> {
    return {
      batch: this.#given,
      ...this.#progress.counts(),
      ...this.#log.counts(),
      elapsedMillis: this.#elapsedMillis(),
      ...(this.#error !== undefined && { error: this.#error }),
      ...(this.#message !== undefined && { message: this.#message }),
    };
  }
}
