import type { Tally } from '../model/tally.ts';
import { DurationHistogram, type Durations } from '../strategies/durationHistogram.ts';

/** How exports went: those of one stage, or of all. */
export interface ExportStats {
  /** Batches that ended, and of which nothing was lost. What a backend rejected for good was not lost. */
  readonly batchesDelivered: number;
  /** Batches of which something was lost. */
  readonly batchesFailed: number;
  /** `batchesDelivered` of all that ended: 0 to 1, and 1 while none has. */
  readonly successRatio: number;
  /** How long attempts took, the failed ones and the aborted ones, too. */
  readonly attemptMillis: Durations;
}

/** The attempts at one batch as one operation, which is what OpenTelemetry calls an export. */
export interface ExportOperation {
  /** From the start of the first attempt to the end of the last one, in milliseconds, the waits between them included; 0 if there was none. */
  readonly millis: number;
  /** The status of the last attempt: a number is one of HTTP, a name one of gRPC. `undefined` where there was no answer, or the sink does not tell. */
  readonly statusCode: number | string | undefined;
}

/** The exports of one stage, or of several when they are added up. */
export class ExportBooks {
  readonly #durations = new DurationHistogram();
  #delivered = 0; // batches
  #failed = 0; // batches

  attemptEnded(millis: number): void {
    this.#durations.add(millis);
  }

  batchEnded({ lost }: Tally): void {
    if (lost.length === 0) this.#delivered += 1;
    else this.#failed += 1;
  }

  addAll(other: ExportBooks): void {
    this.#durations.addAll(other.#durations);
    this.#delivered += other.#delivered;
    this.#failed += other.#failed;
  }

  stats(): ExportStats {
    const ended = this.#delivered + this.#failed;
    return {
      batchesDelivered: this.#delivered,
      batchesFailed: this.#failed,
      successRatio: ended === 0 ? 1 : this.#delivered / ended,
      attemptMillis: this.#durations.summary(),
    };
  }
}
