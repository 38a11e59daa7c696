import type { AttemptEnding } from '../model/sink.ts';

/** An attempt that is over, as far as it says something about the destination. */
interface EndedAttempt {
  readonly ending: AttemptEnding;
  /** How long the backend asks to be left alone. Left out: 0. */
  readonly retryAfterMillis?: number;
}

/** As many as open a circuit breaker by default: one hiccup, or a handful of requests that a restart cuts off, is no outage. */
export const MAX_FAILED_ATTEMPTS = 5;

/** What these say about the destination: nothing. Another size might be accepted, and an attempt that was aborted might have gone well. */
const NO_SIGNAL: ReadonlySet<AttemptEnding> = new Set(['tooLarge', 'cancelled']);

/**
 * Decides whether a destination is failing: after {@link MAX_FAILED_ATTEMPTS} failed attempts in a row, or one answer that asks to be left alone (`Retry-After`), until an attempt is accepted that began later. What was in flight when the destination began to fail proves
 * nothing of the time after it.
 *
 * A refusal for good counts as a failed attempt, other than in a breaker or a failover: it proves that the backend works, but whoever watches the pipeline wants to know that nothing arrives (401, 404).
 */
export class DestinationHealth {
  #failures = 0; // in a row
  #isFailing = false;
  #era = 0; // counts the reasons to fail

  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** An attempt begins. Returns what {@link DestinationHealth.ended} is told. */
  begin(): number {
    return this.#era;
  }

  ended(era: number, { ending, retryAfterMillis = 0 }: EndedAttempt): void {
    if (NO_SIGNAL.has(ending)) return;
    if (ending === 'accepted') this.#accepted(era);
    else this.#failed(retryAfterMillis > 0);
  }

  #accepted(era: number): void {
    if (era !== this.#era) return;
    this.#failures = 0;
    this.#isFailing = false;
  }

  #failed(isThrottled: boolean): void {
    this.#failures += 1;
    const begins = !this.#isFailing && this.#failures >= MAX_FAILED_ATTEMPTS;
    if (!begins && !isThrottled) return;
    this.#isFailing = true;
    this.#era += 1;
  }
}
