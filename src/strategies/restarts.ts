import type { Backoff } from './backoff.ts';
import { BackoffWaits } from './backoffWaits.ts';

/** When another thread may be started: at once, unless threads crash before they have done anything. */
export class Restarts {
  readonly #waits: BackoffWaits; // after crashes at the start, since the last thread that did something
  #notBeforeMillis = Number.NEGATIVE_INFINITY;

  constructor(backoff: Backoff, random: () => number) {
    this.#waits = new BackoffWaits({ owner: 'workerPool', backoff, random, onCallbackError: () => {} });
  }

  /** A thread crashed before it had answered anything. */
  crashedAtStart(nowMillis: number): void {
    this.#notBeforeMillis = nowMillis + this.#waits.nextMillis();
  }

  /** A thread has answered. */
  answered(): void {
    this.#waits.restart();
    this.#notBeforeMillis = Number.NEGATIVE_INFINITY;
  }

  /** How long it is until a thread may be started, in milliseconds: 0 if one may now. */
  waitMillis(nowMillis: number): number {
    return Math.max(0, this.#notBeforeMillis - nowMillis);
  }
}
