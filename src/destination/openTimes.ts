import { answerOf } from '../internal/runGuarded.ts';
import { MAX_TIMER_MILLIS, numberFrom, requireRule } from '../internal/validation.ts';
import type { Backoff, BackoffStep } from '../strategies/backoff.ts';

interface OpenTimesPlan {
  readonly backoff: Backoff;
  readonly random: () => number;
  readonly onCallbackError: (thrown: unknown) => void;
}

/** What stands in for a backoff that throws, or returns an invalid number. */
const INSTEAD_MILLIS = 1_000;

/** How long a breaker stays open, time after time. A callback that throws is reported, and a default stands in for it. */
export class OpenTimes {
  readonly #plan: OpenTimesPlan;
  #step: BackoffStep | undefined;

  constructor(plan: OpenTimesPlan) {
    this.#plan = plan;
  }

  /** @param isRepeated whether the last time was not long enough */
  millis(isRepeated: boolean): number {
    const { backoff } = this.#plan;
    const before = isRepeated ? this.#step : undefined;
    this.#step = this.#guarded(() => before?.next() ?? backoff.first(this.#random), undefined);
    return this.#guarded(() => sound('backoff.delayMillis', this.#step?.delayMillis, MAX_TIMER_MILLIS), INSTEAD_MILLIS);
  }

  readonly #random = () => this.#guarded(() => sound('random()', this.#plan.random(), 1), 0.5);

  #guarded<R>(callback: () => R, instead: R): R {
    return answerOf(callback, instead, this.#plan.onCallbackError);
  }
}

function sound(what: string, number: unknown, max: number): number {
  requireRule(`circuitBreaker.${what}`, number, numberFrom(0, max));
  return number as number;
}
