import type { SchedulerLike, Subscription } from 'rxjs';
import { type ProcessHold, waiting } from '../../internal/timers.ts';

/** The batch that is being gathered: since when, and the timer after which it leaves in any case. */
export class OpenBatch {
  readonly #scheduler: SchedulerLike;
  readonly #processHold: ProcessHold;
  readonly #onDelay: () => void;
  #openedAtMillis = 0; // when its first item came
  #timer: Subscription | undefined;
  /** A field, because a closure in `arm` would be an allocation for each item. */
  readonly #fire = () => {
    this.#timer = undefined;
    this.#onDelay();
  };

  constructor(scheduler: SchedulerLike, processHold: ProcessHold, onDelay: () => void) {
    this.#scheduler = scheduler;
    this.#processHold = processHold;
    this.#onDelay = onDelay;
  }

  /** Its first item comes. */
  open(): void {
    this.#openedAtMillis = this.#scheduler.now();
  }

  /** It leaves; what stays in the queue opens the next one now. Returns how long it was open, in milliseconds. */
  leave(nowMillis: number): number {
    const openMillis = nowMillis - this.#openedAtMillis;
    this.#openedAtMillis = nowMillis;
    return openMillis;
  }

  /** Sets the timer, unless it runs. */
  arm(delayMillis: number): void {
    this.#timer ??= waiting(this.#scheduler, delayMillis, this.#processHold, this.#fire);
  }

  disarm(): void {
    this.#timer?.unsubscribe();
    this.#timer = undefined;
  }
}
