import type { SchedulerLike, Subscription } from 'rxjs';
import { after } from '../internal/timers.ts';
import { MAX_TIMER_MILLIS } from '../internal/validation.ts';
import { type AttemptSize, type Layer, Waiters } from './layer.ts';

interface TimedWaitersPlan {
  readonly layer: Pick<Layer, 'admits'>;
  readonly scheduler: SchedulerLike;
  /** How long until time alone lets an attempt of this size pass; `Infinity` if it never does. */
  readonly millisUntil: (size: AttemptSize) => number;
  /** Called when that time is over. */
  readonly onDue?: () => void;
}

/** Those that wait for a layer that opens with time. A timer runs only while something waits, and wakes the first of them when it is due. */
export class TimedWaiters {
  readonly #plan: TimedWaitersPlan;
  readonly #waiters = new Waiters();
  #timer: Subscription | undefined; // for the one that waits longest

  constructor(plan: TimedWaitersPlan) {
    this.#plan = plan;
  }

  get length(): number {
    return this.#waiters.length;
  }

  get attempts(): number {
    return this.#waiters.attempts;
  }

  get isWaking(): boolean {
    return this.#waiters.isWaking;
  }

  add(size: AttemptSize, wake: () => void): () => void {
    const takeBack = this.#waiters.add(size, wake);
    if (this.length === 1) this.#restartTimer();
    return () => {
      takeBack();
      this.#restartTimer();
    };
  }

  /** To be called after each change of the layer. */
  wake(): void {
    try {
      this.#waiters.wake(this.#plan.layer);
    } finally {
      this.#restartTimer();
    }
  }

  #restartTimer(): void {
    if (this.isWaking) return; // it is set when all had their turn
    this.#timer?.unsubscribe();
    const { first } = this.#waiters;
    this.#timer = first && this.#timerFor(first);
  }

  /** The host's timers may be early by a fraction of a millisecond: then there is another one. */
  #timerFor(first: AttemptSize): Subscription {
    const { scheduler, millisUntil, onDue } = this.#plan;
    const millis = millisUntil(first);
    const delayMillis = millis === Number.POSITIVE_INFINITY ? millis : Math.min(MAX_TIMER_MILLIS, millis);
    return after(scheduler, delayMillis, () => {
      onDue?.();
      this.wake();
    });
  }
}
