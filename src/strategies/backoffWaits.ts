import { answerOf } from '../internal/runGuarded.ts';
import { MAX_TIMER_MILLIS, numberFrom, requireRule } from '../internal/validation.ts';
import type { Backoff, BackoffStep } from './backoff.ts';

interface BackoffWaitsPlan {
  /** The function that was given the backoff: messages name it. */
  readonly owner: string;
  readonly backoff: Backoff;
  readonly random: () => number;
  readonly onCallbackError: (thrown: unknown) => void;
}

/** What stands in for a backoff that throws, or returns an invalid number: it must not turn into retries without a wait. */
const INSTEAD_MILLIS = 1_000;

/** The waits of a user's backoff, one after the other. A callback that throws is reported, and a default stands in for it. */
export class BackoffWaits {
  readonly #plan: BackoffWaitsPlan;
  #step: BackoffStep | undefined;

  constructor(plan: BackoffWaitsPlan) {
    this.#plan = plan;
  }

  /** How long the next wait is, in milliseconds. */
  nextMillis(): number {
    const { backoff } = this.#plan;
    this.#step = this.#guarded(() => this.#step?.next() ?? backoff.first(this.#random), undefined);
    return this.#guarded(
      () => this.#sound('backoff.delayMillis', this.#step?.delayMillis, MAX_TIMER_MILLIS),
      INSTEAD_MILLIS,
    );
  }

  /** The next wait is the first one again. */
  restart(): void {
    this.#step = undefined;
  }

  readonly #random = () => this.#guarded(() => this.#sound('random()', this.#plan.random(), 1), 0.5);

  #sound(what: string, number: unknown, max: number): number {
    requireRule(`${this.#plan.owner}.${what}`, number, numberFrom(0, max));
    return number as number;
  }

  #guarded<R>(callback: () => R, instead: R): R {
    return answerOf(callback, instead, this.#plan.onCallbackError);
  }
}
