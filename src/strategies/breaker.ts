import { SlowStart } from './slowStart.ts';
import { type BreakerResult, healthOf, TripRule, type TripSettings } from './tripRule.ts';

/** `closed`: calls pass · `open`: none does · `halfOpen`: a few probes find out whether the backend is back. */
export type BreakerState = 'closed' | 'open' | 'halfOpen';

interface BreakerSettings extends TripSettings {
  readonly maxProbes: number;
  /** How long it stays open, each time that it opens: after a failed probe, or else after `closed`. */
  openMillis(afterProbe: boolean): number;
}

/** A call that has begun. */
export interface BreakerCall {
  readonly era: number;
  readonly isProbe: boolean;
}

/**
 * The states of a circuit breaker, and what passes in each. It reads no clock.
 *
 * A result counts only in the state in which its call began: calls that were in flight when the breaker opened say nothing about the backend of a minute later.
 */
export class Breaker {
  readonly #settings: BreakerSettings;
  readonly #tripRule: TripRule;
  readonly #slowStart = new SlowStart();
  #state: BreakerState = 'closed';
  #era = 0; // counts the changes of the state
  #openUntilMillis = Number.NEGATIVE_INFINITY;
  #probes = 0; // in flight, those of earlier eras included
  #accepted = 0; // probes of this era that have succeeded

  constructor(settings: BreakerSettings) {
    this.#settings = settings;
    this.#tripRule = new TripRule(settings);
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** When it is half open at the earliest. */
  get openUntilMillis(): number {
    return this.#openUntilMillis;
  }

  /** Whether a call may begin now. */
  admits(nowMillis: number): boolean {
    return this.isAvailable(nowMillis) && (this.#state !== 'closed' || this.#slowStart.admits);
  }

  /** Whether it is closed, or a probe may begin now. */
  isAvailable(nowMillis: number): boolean {
    if (this.#state === 'closed') return true;
    const accepted = this.#state === 'open' ? 0 : this.#accepted;
    const isOver = this.#state === 'halfOpen' || nowMillis >= this.#openUntilMillis;
    return isOver && this.#probes + accepted < this.#settings.maxProbes;
  }

  /** Becomes half open, if it is time. */
  elapse(nowMillis: number): void {
    if (this.#state !== 'open' || nowMillis < this.#openUntilMillis) return;
    this.#enter('halfOpen');
    this.#accepted = 0;
  }

  begin(nowMillis: number): BreakerCall {
    this.elapse(nowMillis);
    const isProbe = this.#state === 'halfOpen';
    if (isProbe) this.#probes += 1;
    else this.#slowStart.begin();
    return { era: this.#era, isProbe };
  }

  /** @param somethingWaits whether there is something that the breaker does not admit yet */
  ended({ era, isProbe }: BreakerCall, result: BreakerResult, nowMillis: number, somethingWaits = false): void {
    if (isProbe) this.#probes -= 1;
    if (era !== this.#era) return;
    if (isProbe) this.#probeEnded(result, nowMillis);
    else this.#callEnded(result, nowMillis, somethingWaits);
  }

  #callEnded(result: BreakerResult, nowMillis: number, somethingWaits: boolean): void {
    this.#slowStart.ended(healthOf(result.ending), somethingWaits);
    if (this.#tripRule.trips(result, nowMillis)) this.#open(nowMillis, false);
  }

  /** A probe that is slow has failed. */
  #probeEnded(result: BreakerResult, nowMillis: number): void {
    const health = healthOf(result.ending);
    if (health === 'none') return;
    if (health === 'success' && !this.#tripRule.isSlow(result)) this.#probeSucceeded();
    else this.#open(nowMillis, true);
  }

  #probeSucceeded(): void {
    this.#accepted += 1;
    if (this.#accepted >= this.#settings.maxProbes) this.#close();
  }

  #open(nowMillis: number, afterProbe: boolean): void {
    this.#enter('open');
    this.#openUntilMillis = nowMillis + this.#settings.openMillis(afterProbe);
  }

  #close(): void {
    this.#enter('closed');
    this.#tripRule.reset();
    this.#slowStart.start(1 + this.#accepted);
  }

  #enter(state: BreakerState): void {
    this.#state = state;
    this.#era += 1;
    this.#slowStart.stop();
  }
}
