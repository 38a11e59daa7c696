import { catchError, concat, defer, EMPTY, map, type Observable, of, throwError } from 'rxjs';
import type { AttemptLine } from '../../destination/attemptLine.ts';
import type { Destination } from '../../destination/destination.ts';
import { throughLayers } from '../../destination/throughLayers.ts';
import { holdProcess } from '../../internal/timers.ts';
import type { ExportOperation } from '../../ledger/exports.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import type { Batch, FlushUrgency } from '../../model/batch.ts';
import { RaceTimeoutError } from '../../model/errors.ts';
import { escaped } from '../../model/escaped.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Failure, Response, Sink } from '../../model/sink.ts';
import type { LossReason } from '../../model/tally.ts';
import { failureOf, soundFailure } from '../../strategies/retry.ts';
import { raceTimeout } from '../raceTimeout.ts';
import { type Retry, retryWithBackoff } from '../retryWithBackoff.ts';
import { attempt } from './attempt.ts';
import { AttemptLog } from './attemptLog.ts';
import { DeliveryResult } from './deliveryResult.ts';
import { asSpanflowError, TIME_IS_UP } from './failures.ts';
import { inTurn } from './inTurn.ts';
import { NextPart } from './nextPart.ts';
import type { ExportToSettings, RetryOptions } from './options.ts';
import { Progress } from './progress.ts';
import { RetryWait } from './retryWait.ts';
import { toldToDiag } from './toldToDiag.ts';

/** What all deliveries of one subscription share. */
export interface DeliveryContext<T> {
  readonly sink: Sink<T>;
  readonly destination: Destination;
  readonly line: AttemptLine;
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
  readonly #retry: Required<RetryOptions>; // of the moment in which it was taken
  readonly #next: NextPart<T>;
  readonly #wait: RetryWait;
  readonly #log: AttemptLog;
  readonly #progress: Progress;
  readonly #result: DeliveryResult;
  #part: Batch<T> | undefined; // that was sent last

  constructor(given: Batch<T> | readonly T[], batch: Batch<T>, context: DeliveryContext<T>) {
    const { destination, reporter, settings, sink } = context;
    this.#given = given;
    this.batch = batch;
    this.size = batch.items.length;
    this.#context = context;
    this.#takenAtMillis = settings.scheduler.now();
    this.#retry = settings.retry;
    this.#next = new NextPart(batch, destination);
    this.#wait = new RetryWait(destination, this.#retry, settings.scheduler);
    const { account } = reporter;
    this.#log = new AttemptLog(
      sink.name,
      settings.scheduler,
      (millis) => account.attemptEnded(millis),
      () => account.attempted(true),
    );
    this.#progress = new Progress(this.size, account.stage, (from, reason) => account.keep(batch.items, from, reason));
    this.#result = new DeliveryResult(this.#log, this.#progress);
  }

  /** Whether an attempt is in flight. */
  get inFlight(): boolean {
    return this.#log.report !== undefined;
  }

  /** Its attempts as one operation, the waits between them included. */
  get operation(): ExportOperation {
    return this.#log.operation;
  }

  /** Emits the one outcome and never errors. Unsubscribing aborts the attempt, or ends the wait for the next one. */
  run(): Observable<Outcome<T>> {
    const { settings, sink } = this.#context;
    const { scheduler, processHold } = settings;
    const millis = this.#retry.maxElapsedMillis;
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

  /** A flush waits for this batch: a waiting retry begins at once, and later ones wait less. */
  flush(urgency: FlushUrgency): void {
    this.#wait.flush(urgency);
  }

  /** Ends it, with its outcome: what is left of it is lost for this reason. */
  givenUp(reason: LossReason): Outcome<T> {
    this.#wait.end();
    this.#result.giveUp(reason);
    return this.#outcome();
  }

  #deliverNextPart(): Observable<unknown> | undefined {
    if (this.#progress.rest === 0 || this.batch.items.length <= this.#progress.done) return undefined;
    const { line, reporter, settings } = this.#context;
    const { scheduler, random, retryBudget, processHold } = settings;
    const retry = this.#retry;
    return defer(() => this.#attempt()).pipe(
      throughLayers({
        line,
        size: this.#next.sizeAt(() => this.#progress.done),
        maxRetryAfterMillis: retry.maxRetryAfterMillis,
        hold: () => holdProcess(scheduler, processHold),
      }),
      catchError((error: unknown) => this.#split(error)),
      retryWithBackoff({
        ...retry,
        backoff: this.#wait.backoff,
        ...(retryBudget !== undefined && { budget: retryBudget }),
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
    const { scheduler, attemptTimeoutMillis: millis, processHold } = settings;
    this.#wait.end();
    // The slot came when the time was up: nothing is sent any more.
    if (this.#elapsedMillis() >= this.#retry.maxElapsedMillis) return throwError(() => TIME_IS_UP);
    const part = this.#next.cut(this.#progress.done);
    this.#part = part;
    const report = this.#log.begin(part.items.length, millis);
    reporter.account.attempted(this.#log.attempts > 1);
    const onAbortError = (thrown: unknown) => reporter.callbackFailed(thrown);
    const calls = reporter.account.exportCalls;
    return attempt(sink, part, report, { millis, calls, processHold, scheduler, onAbortError }).pipe(
      toldToDiag({
        stage: reporter.account.stage,
        attempts: this.#log.attempts,
        items: part.items.length,
        report,
        scheduler,
      }),
      map((response) => this.#accepted(part, response)),
    );
  }

  #accepted(part: Batch<T>, response: Response): void {
    this.#result.answered(part.items.length, response);
    this.#next.accepted(part);
  }

  /** A part that is too large is tried again in smaller ones, at once. An item that is too large by itself is lost alone. */
  #split(error: unknown): Observable<unknown> {
    const part = this.#part;
    if (part === undefined || part.items.length === 1 || failureOf(error).kind !== 'tooLarge')
      return throwError(() => error);
    this.#log.end();
    this.#next.wasTooLarge(part);
    return EMPTY;
  }

  /** An attempt failed. Returns what that means for the retries. */
  #failed(error: unknown): Failure {
    if (error === TIME_IS_UP) return { kind: 'permanent' };
    const failure = this.#result.failed(error);
    this.#context.destination.health.failure = asSpanflowError(error).message;
    const isSlow = error instanceof RaceTimeoutError && failure.kind === 'unknownOutcome';
    if (isSlow) this.#context.destination.timedOut(this.#log.items);
    return soundFailure(this.#wait.failed(failure), error, `sink ${escaped(this.#context.sink.name)}`);
  }

  #beforeWait(retry: Retry): unknown {
    this.#wait.begin(retry.delayMillis);
    return this.#context.settings.onRetry?.(retry);
  }

  /** This part of the batch is lost. The rest goes on, unless `maxAttempts` is used up: it counts the attempts of all parts. */
  #losePart(error: unknown): void {
    const { kind } = failureOf(error);
    const { items } = this.#log;
    if (error === TIME_IS_UP) this.#timeIsUp(error);
    else if (kind === 'permanent') this.#result.losePart(error, items, kind);
    else if (kind === 'tooLarge') this.#loseItem(error);
    else this.#result.loseRest(error, this.#wait.gaveUp ? 'shutdown' : 'retriesExhausted');
  }

  /** The part was one item, and too large by itself. */
  #loseItem(error: unknown): void {
    this.#result.losePart(error, this.#log.items, 'tooLarge');
    if (!this.#next.itemWasTooLarge()) this.#progress.lose(this.#progress.rest, 'tooLarge');
  }

  /** The time of the whole batch is over. */
  #timeIsUp(error: unknown): void {
    this.#wait.end();
    this.#result.timeIsUp(error);
  }

  #elapsedMillis(): number {
    return this.#context.settings.scheduler.now() - this.#takenAtMillis;
  }

  #outcome(): Outcome<T> {
    return this.#result.outcome(this.#given, this.#elapsedMillis());
  }
}
