import type { SchedulerLike } from 'rxjs';
import type { ExportOperation } from '../../ledger/exports.ts';
import type { Tally } from '../../model/tally.ts';
import { AttemptReport } from './attemptReport.ts';

type Counts = Pick<Tally, 'attempts' | 'attemptMillis' | 'requests' | 'timeouts'>;

const NOT_ATTEMPTED: ExportOperation = Object.freeze({ millis: 0, statusCode: undefined });

/** The attempts at one batch, counted for its outcome, and the report of the one that is in flight. */
export class AttemptLog {
  readonly #sink: string;
  readonly #scheduler: SchedulerLike;
  readonly #onEnd: (millis: number) => void;
  readonly #onRepeat: () => void;
  #report: AttemptReport | undefined; // of the attempt in flight
  #items = 0;
  #attempts = 0; // that were started
  #requests = 0; // parts that were accepted or given up
  #timeouts = 0; // attempts that were sent and timed out
  #startedAtMillis = 0; // the last attempt
  #attemptMillis = 0; // how long it took
  #firstAtMillis = 0; // when the first attempt started
  #operation: ExportOperation = NOT_ATTEMPTED; // up to the end of the last attempt

  /**
   * @param onEnd is told how long each attempt took
   * @param onRepeat is called when a sink makes another request within an attempt, which counts as one more
   */
  constructor(sink: string, scheduler: SchedulerLike, onEnd: (millis: number) => void, onRepeat: () => void) {
    this.#sink = sink;
    this.#scheduler = scheduler;
    this.#onEnd = onEnd;
    this.#onRepeat = onRepeat;
  }

  /** How many attempts were started. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The report of the attempt in flight. */
  get report(): AttemptReport | undefined {
    return this.#report;
  }

  /** How many items are in the part that is in flight, or was last. */
  get items(): number {
    return this.#items;
  }

  /** An attempt at a part of this many items starts. */
  begin(items: number, timeoutMillis: number): AttemptReport {
    const report: AttemptReport = new AttemptReport(this.#sink, timeoutMillis, () => this.#repeat(report));
    this.#report = report;
    this.#items = items;
    this.#attempts += 1;
    this.#startedAtMillis = this.#scheduler.now();
    if (this.#attempts === 1) this.#firstAtMillis = this.#startedAtMillis;
    this.#attemptMillis = 0;
    return report;
  }

  /** The attempt in flight is over. Idempotent. */
  end(): void {
    if (this.#report === undefined) return;
    const { statusCode } = this.#report;
    const now = this.#scheduler.now();
    this.#report = undefined;
    this.#attemptMillis = now - this.#startedAtMillis;
    this.#operation = { millis: now - this.#firstAtMillis, statusCode };
    this.#onEnd(this.#attemptMillis);
  }

  /** What a sink says of an attempt that is over is late. */
  #repeat(report: AttemptReport): void {
    if (report !== this.#report) return;
    this.#attempts += 1;
    this.#onRepeat();
  }

  /** From the start of the first attempt to the end of the last one. */
  get operation(): ExportOperation {
    return this.#operation;
  }

  timedOut(): void {
    this.#timeouts += 1;
  }

  /** A part was accepted, or no further attempt is made at it. */
  partDone(): void {
    this.#requests += 1;
  }

  counts(): Counts {
    return {
      attempts: this.#attempts,
      attemptMillis: this.#attemptMillis,
      ...(this.#requests > 1 && { requests: this.#requests }),
      ...(this.#timeouts > 0 && { timeouts: this.#timeouts }),
    };
  }
}
