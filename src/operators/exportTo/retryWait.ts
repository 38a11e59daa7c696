import { type Observable, type SchedulerLike, Subject } from 'rxjs';
import type { Destination } from '../../destination/destination.ts';
import type { FlushUrgency } from '../../model/batch.ts';
import type { Failure } from '../../model/sink.ts';
import type { Backoff } from '../../strategies/backoff.ts';
import { Hurry } from './hurry.ts';
import type { RetryOptions } from './options.ts';

/** A wait that a success elsewhere cuts short: shorter ones are left alone. */
const LONG_WAIT_MILLIS = 1_000;

/** The waits of one batch between its attempts, and what ends them early: a flush, or another batch that arrived. */
export class RetryWait {
  readonly #destination: Destination;
  readonly #maxRetryAfterMillis: number;
  readonly #hurry: Hurry;
  readonly #wake = new Subject<void>();
  #leaveDestination: () => void = () => {}; // takes back that a success elsewhere ends the wait
  #isThrottled = false; // the backend has said when the next attempt is welcome

  constructor(destination: Destination, retry: Required<RetryOptions>, scheduler: SchedulerLike) {
    this.#destination = destination;
    this.#maxRetryAfterMillis = retry.maxRetryAfterMillis;
    this.#hurry = new Hurry(retry.backoff, scheduler);
  }

  /** The waits, shortened while a flush waits. */
  get backoff(): Backoff {
    return this.#hurry.backoff;
  }

  /** Emits when the present wait is to end. */
  get wake$(): Observable<void> {
    return this.#wake;
  }

  /** Whether the retries were ended because the program ends. */
  get gaveUp(): boolean {
    return this.#hurry.gaveUp;
  }

  /** A flush waits for the batch: the present wait ends, unless the backend has set it, and later ones are short. */
  flush(urgency: FlushUrgency): void {
    this.#hurry.begin(urgency);
    if (!this.#isThrottled) this.#wake.next();
  }

  /** An attempt failed. Returns what that means for the retries. */
  failed(failure: Failure): Failure {
    this.#isThrottled = failure.kind === 'throttled' && failure.retryAfterMillis > 0 && this.#maxRetryAfterMillis > 0;
    return this.#hurry.isInVain(failure) ? { kind: 'permanent' } : failure;
  }

  begin(delayMillis: number): void {
    if (this.#isThrottled || delayMillis <= LONG_WAIT_MILLIS) return;
    this.#leaveDestination = this.#destination.backOff(() => this.#wake.next());
  }

  /** The wait is over, because an attempt begins or none is made any more. */
  end(): void {
    this.#leaveDestination();
    this.#isThrottled = false;
  }
}
