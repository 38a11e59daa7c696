import type { Backoff, BackoffStep } from './backoff.ts';

/** When another thread may be started: at once, unless threads crash before they have done anything. */
export class Restarts {
  readonly #backoff: Backoff;
  readonly #random: () => number;
  #step: BackoffStep | undefined; // of the crashes at the start, since the last thread that did something
  #notBeforeMillis = Number.NEGATIVE_INFINITY;

  constructor(backoff: Backoff, random: () => number) {
    this.#backoff = backoff;
    this.#random = random;
  }

  /** A thread crashed before it had answered anything. */
  crashedAtStart(nowMillis: number): void {
    this.#step = this.#step === undefined ? this.#backoff.first(this.#random) : this.#step.next();
    this.#notBeforeMillis = nowMillis + this.#step.delayMillis;
  }

  /** A thread has answered. */
  answered(): void {
    this.#step = undefined;
    this.#notBeforeMillis = Number.NEGATIVE_INFINITY;
  }

  /** How long it is until a thread may be started, in milliseconds: 0 if one may now. */
  waitMillis(nowMillis: number): number {
    return Math.max(0, this.#notBeforeMillis - nowMillis);
  }
}
