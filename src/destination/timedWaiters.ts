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

/** What rounding leaves of a sum of milliseconds is less than this. */
const ROUNDING_MILLIS = 0.001;

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
    return after(scheduler, wholeMillis(millisUntil(first)), () => {
      onDue?.();
      this.wake();
    });
  }
}

/** Hosts cut a timer's fraction off: then it would be early each time, and a clock in virtual time would never get there. */
function wholeMillis(millis: number): number {
  if (millis <= 0 || millis === Number.POSITIVE_INFINITY) return Math.max(0, millis);
  return Math.min(MAX_TIMER_MILLIS, Math.max(1, Math.ceil(millis - ROUNDING_MILLIS)));
}
