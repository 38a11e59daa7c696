import type { SchedulerLike } from 'rxjs';
import type { FlushUrgency } from '../../model/batch.ts';
import type { Failure } from '../../model/sink.ts';
import type { Backoff, BackoffStep } from '../../strategies/backoff.ts';

/** The longest wait between two attempts while a flush waits: a backend that is up for one second of that time gets an attempt. */
const MAX_WAIT_MILLIS = 500;

/** How long an ending program tries an address at which nothing listens. */
const REFUSED_MILLIS = 2_000;

/** How a flush, or the end of the program, changes the retries of a batch. */
export class Hurry {
  readonly backoff: Backoff;
  readonly #scheduler: SchedulerLike;
  #untilMillis = Number.NEGATIVE_INFINITY; // while a flush waits
  #endingSinceMillis: number | undefined; // when the program began to end
  #gaveUp = false;

  constructor(backoff: Backoff, scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
    this.backoff = { first: (random) => this.#hurried(backoff.first(random), random) };
  }

  /** Whether the retries were ended because the program ends. */
  get gaveUp(): boolean {
    return this.#gaveUp;
  }

  begin({ timeoutMillis, isEnding, elapsedMillis = 0 }: FlushUrgency): void {
    const sinceMillis = this.#scheduler.now() - elapsedMillis;
    this.#untilMillis = Math.max(this.#untilMillis, sinceMillis + timeoutMillis);
    if (isEnding) this.#endingSinceMillis ??= sinceMillis;
  }

  /** Whether another attempt is in vain: the program is ending, and nothing has been listening at the address for a while. */
  isInVain(failure: Failure): boolean {
    const since = this.#endingSinceMillis;
    const isRefused = failure.kind === 'retryable' && failure.connectionRefused === true;
    this.#gaveUp = isRefused && since !== undefined && this.#scheduler.now() - since >= REFUSED_MILLIS;
    return this.#gaveUp;
  }

  #hurried(step: BackoffStep, random: () => number): BackoffStep {
    const isHurried = this.#scheduler.now() < this.#untilMillis;
    // Half of it by chance, so that batches which failed together do not come back together.
    const atMostMillis = isHurried ? MAX_WAIT_MILLIS * (0.5 + random() / 2) : Number.POSITIVE_INFINITY;
    return {
      delayMillis: Math.min(step.delayMillis, atMostMillis),
      next: () => this.#hurried(step.next(), random),
    };
  }
}
