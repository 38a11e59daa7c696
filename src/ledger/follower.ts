import type { SchedulerLike, Subscriber } from 'rxjs';
import { after } from '../internal/timers.ts';
import type { Stats } from './stats.ts';

/** Emits the books once per interval in which something changed. */
export class Follower {
  readonly #subscriber: Subscriber<Stats>;
  readonly #stats: () => Stats;
  readonly #intervalMillis: number;
  readonly #scheduler: SchedulerLike;
  #waiting = false; // for the interval to pass

  constructor(subscriber: Subscriber<Stats>, stats: () => Stats, intervalMillis: number, scheduler: SchedulerLike) {
    this.#subscriber = subscriber;
    this.#stats = stats;
    this.#intervalMillis = intervalMillis;
    this.#scheduler = scheduler;
  }

  changed(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    const timer = after(this.#scheduler, this.#intervalMillis, () => {
      this.#waiting = false;
      this.#subscriber.remove(timer);
      this.#subscriber.next(this.#stats());
    });
    this.#subscriber.add(timer);
  }

  close(): void {
    if (this.#waiting) this.#subscriber.next(this.#stats());
    this.#subscriber.complete();
  }
}
