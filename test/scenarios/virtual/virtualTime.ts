import { type SchedulerAction, type SchedulerLike, Subscription } from 'rxjs';
import { EventQueue, type QueuedEvent } from '../../../src/testing/time/eventQueue.ts';

type Work<T> = (this: SchedulerAction<T>, state?: T) => void;

/**
 * Time that jumps from one event to the next. RxJS's `VirtualTimeScheduler` sorts all of its actions with each new one and keeps those that were cancelled, which takes minutes for a simulation with
 * ten thousand deadlines; this one has a heap.
 */
export class VirtualTime implements SchedulerLike {
  readonly #events = new EventQueue();
  #now = 0;

  now(): number {
    return this.#now;
  }

  schedule<T>(work: Work<T>, delayMillis = 0, state?: T): Subscription {
    return new Action(this, work).schedule(state, delayMillis);
  }

  at(atMillis: number, run: () => void): () => void {
    const event: QueuedEvent = this.#events.push(atMillis, 0, run);
    return () => this.#events.remove(event);
  }

  /** Runs what is scheduled until `isOver`, or until nothing is left. */
  run(isOver: () => boolean): void {
    for (let event = this.#next(isOver); event !== undefined; event = this.#next(isOver)) {
      this.#now = event.atMillis;
      event.run();
    }
  }

  #next(isOver: () => boolean): QueuedEvent | undefined {
    return isOver() ? undefined : this.#events.pop();
  }
}

class Action<T> extends Subscription implements SchedulerAction<T> {
  readonly #time: VirtualTime;
  readonly #work: Work<T>;
  #isDue = false;
  #cancel: () => void = () => {};

  constructor(time: VirtualTime, work: Work<T>) {
    super(() => this.#cancel());
    this.#time = time;
    this.#work = work;
  }

  schedule(state?: T, delayMillis = 0): Subscription {
    if (this.closed) return this;
    this.#isDue = true;
    this.#cancel();
    this.#cancel = this.#time.at(this.#time.now() + delayMillis, () => {
      this.#isDue = false;
      this.#work(state);
      if (!this.#isDue) this.unsubscribe();
    });
    return this;
  }
}
