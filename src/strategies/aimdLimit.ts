import { type ConcurrencyStrategy, type LimitedAttempt, signalOf } from './concurrency.ts';

export interface AimdSettings {
  readonly initialLimit: number;
  readonly maxLimit: number;
  readonly decreaseRatio: number;
}

/**
 * Additive increase, multiplicative decrease (as in TCP): one more after each success at the limit's half or more, and `decreaseRatio` of it after a refusal or a timeout, once for all attempts that were in flight together.
 */
export class AimdLimit implements ConcurrencyStrategy {
  readonly #settings: AimdSettings;
  #limit: number;
  #cutAtMillis = Number.NEGATIVE_INFINITY; // attempts that began earlier have been heard

  constructor(settings: AimdSettings) {
    this.#settings = settings;
    this.#limit = settings.initialLimit;
  }

  get limit(): number {
    return this.#limit;
  }

  ended({ ending, startedAtMillis, endedAtMillis, inFlight }: LimitedAttempt): void {
    const signal = signalOf(ending);
    const { maxLimit, decreaseRatio } = this.#settings;
    if (signal === 'roundTrip' && inFlight * 2 >= this.#limit) this.#limit = Math.min(maxLimit, this.#limit + 1);
    if (signal !== 'congestion' || startedAtMillis < this.#cutAtMillis) return;
    this.#limit = Math.max(1, Math.floor(this.#limit * decreaseRatio));
    this.#cutAtMillis = endedAtMillis;
  }
}
