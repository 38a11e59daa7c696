import { RaceTimeoutError, type SpanflowError } from '../../model/errors.ts';
import { escaped } from '../../model/escaped.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { ExportError, Failure, Response } from '../../model/sink.ts';
import type { LossReason } from '../../model/tally.ts';
import { leavesDoubt } from '../../strategies/combinedFailure.ts';
import { failureOf } from '../../strategies/retry.ts';
import type { AttemptLog } from './attemptLog.ts';
import { asSpanflowError, readable } from './failures.ts';
import type { Progress } from './progress.ts';

/** What becomes of the items of one batch: the answers, failures and aborts of its attempts, until they add up to an outcome. */
export class DeliveryResult {
  readonly #log: AttemptLog;
  readonly #progress: Progress;
  #error: SpanflowError | undefined; // of the last part that was lost
  #lastError: SpanflowError | undefined; // of the last attempt that failed
  #message: string | undefined; // of the last answer that had one

  constructor(log: AttemptLog, progress: Progress) {
    this.#log = log;
    this.#progress = progress;
  }

  /** The attempt in flight was answered. `items` is the size of the part that was sent. */
  answered(items: number, given: Response): void {
    const response = readable(given);
    this.#log.end();
    this.#log.partDone();
    this.#progress.answer(items, response, this.#log.items);
    if (typeof response.message === 'string' && response.message !== '') this.#message = escaped(response.message);
  }

  /** The attempt in flight failed. Returns what that means for its items. */
  failed(error: unknown): Failure {
    const failure = this.#meaningOf(error);
    this.#lastError = asSpanflowError(error);
    if (error instanceof RaceTimeoutError && failure.kind === 'unknownOutcome') this.#log.timedOut();
    this.#log.end();
    if (leavesDoubt(failure)) this.#progress.doubt(this.#log.items);
    return failure;
  }

  /** No further attempt is made at the part that was sent last: it, or everything that is left, is lost for this reason. */
  losePart(error: unknown, count: number, reason: LossReason): void {
    this.#log.partDone();
    this.#error = asSpanflowError(error);
    this.#progress.lose(count, reason);
  }

  /** No further attempt is made at the batch: what is left is kept beyond the end of the program, or lost for this reason. */
  loseRest(error: unknown, reason: LossReason): void {
    this.#log.partDone();
    if (this.#progress.keepOrLose(reason) > 0) this.#error = asSpanflowError(error);
  }

  /** The time for the batch is over: what is left is lost. */
  timeIsUp(error: unknown): void {
    this.#endByAbort();
    const hadNone = this.#progress.rest === 0;
    const lost = this.#progress.keepOrLose(this.#log.attempts === 0 ? 'expired' : 'retriesExhausted');
    if (lost > 0 || hadNone) this.#error = asSpanflowError(error);
  }

  /** The batch is given up: what is left is kept beyond the end of the program, or lost for this reason. */
  giveUp(reason: LossReason): void {
    this.#endByAbort();
    if (this.#progress.keepOrLose(reason) > 0) this.#error ??= this.#lastError;
  }

  outcome<T>(batch: Outcome<T>['batch'], elapsedMillis: number): Outcome<T> {
    return {
      batch,
      ...this.#progress.counts(),
      ...this.#log.counts(),
      elapsedMillis,
      ...(this.#error !== undefined && { error: this.#error }),
      ...(this.#message !== undefined && { message: this.#message }),
    };
  }

  #meaningOf(error: unknown): Failure {
    if (!(error instanceof RaceTimeoutError)) return failureOf(error);
    return this.#log.report?.failure ?? { kind: 'unknownOutcome' };
  }

  /** The attempt in flight is aborted from outside: what the sink has reported of it counts. */
  #endByAbort(): void {
    const { report } = this.#log;
    if (report === undefined) return;
    this.#log.end();
    const { answer } = report;
    if (answer instanceof Error) this.#failureIsKnown(answer);
    else if (answer !== undefined) this.answered(this.#log.items, answer);
    else if (leavesDoubt(report.failure)) this.#progress.doubt(this.#log.items);
  }

  #failureIsKnown(error: ExportError): void {
    this.#lastError = error;
    const { failure } = error;
    if (leavesDoubt(failure)) this.#progress.doubt(this.#log.items);
    if (failure.kind === 'permanent') this.#progress.lose(this.#log.items, failure.kind);
  }
}
