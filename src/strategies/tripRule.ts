import type { AttemptEnding } from '../model/sink.ts';
import { SlidingCounts } from './slidingCounts.ts';

export interface TripSettings {
  readonly consecutiveFailures: number;
  readonly failureRatio: number;
  readonly slowRatio: number;
  readonly slowCallMillis: number;
  readonly minCalls: number;
  readonly windowMillis: number;
}

/** A call that is over, as a breaker sees it. */
export interface BreakerResult {
  readonly ending: AttemptEnding;
  readonly durationMillis: number;
}

/** What the ending of a call says about the health of a backend. One that refuses a batch for good, or as too large, works. */
export function healthOf(ending: AttemptEnding): 'success' | 'failure' | 'none' {
  if (ending === 'cancelled') return 'none';
  return ending === 'accepted' || ending === 'permanent' || ending === 'tooLarge' ? 'success' : 'failure';
}

/** Decides from the results of calls when a breaker opens. It reads no clock. */
export class TripRule {
  readonly #settings: TripSettings;
  readonly #window: SlidingCounts;
  #inARow = 0; // failures since the last success

  constructor(settings: TripSettings) {
    this.#settings = settings;
    this.#window = new SlidingCounts(settings.windowMillis);
  }

  isSlow({ durationMillis }: BreakerResult): boolean {
    return durationMillis > this.#settings.slowCallMillis;
  }

  /** Returns whether the breaker opens. */
  trips(result: BreakerResult, nowMillis: number): boolean {
    const health = healthOf(result.ending);
    if (health === 'none') return false;
    const isFailure = health === 'failure';
    this.#inARow = isFailure ? this.#inARow + 1 : 0;
    this.#window.add({ calls: 1, failures: Number(isFailure), slow: Number(this.isSlow(result)) }, nowMillis);
    return this.#inARow >= this.#settings.consecutiveFailures || this.#isRateTooHigh(nowMillis);
  }

  reset(): void {
    this.#inARow = 0;
    this.#window.clear();
  }

  #isRateTooHigh(nowMillis: number): boolean {
    const { failureRatio, slowRatio, minCalls } = this.#settings;
    const { calls, failures, slow } = this.#window.total(nowMillis);
    return calls >= minCalls && (failures >= failureRatio * calls || slow >= slowRatio * calls);
  }
}
