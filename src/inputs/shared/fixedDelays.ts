import type { SchedulerLike, Subscription } from 'rxjs';
import { after } from '../../internal/timers.ts';

interface Waiting {
  readonly dueMillis: number;
  readonly work: () => void;
}

/** Many waits of one length, with one timer for all of them: the first that began is the first that is over. It does not keep the process alive. */
export class FixedDelays {
  readonly #scheduler: SchedulerLike;
  readonly #delayMillis: number;
  readonly #waits = new Set<Waiting>(); // in the order in which they began
  #timer: Subscription | undefined; // of the first

  constructor(scheduler: SchedulerLike, delayMillis: number) {
    this.#scheduler = scheduler;
    this.#delayMillis = delayMillis;
  }

  /** Calls `work` after the delay, unless the returned function is called before. */
  begin(work: () => void): () => void {
    const wait = { dueMillis: this.#scheduler.now() + this.#delayMillis, work };
    this.#waits.add(wait);
    this.#arm();
    return () => {
      this.#waits.delete(wait);
      if (this.#waits.size > 0) return;
      this.#timer?.unsubscribe();
      this.#timer = undefined;
    };
  }

  #arm(): void {
    if (this.#timer !== undefined) return; // a look at the first costs as much as there are deleted ones before it
    const [first] = this.#waits;
    if (first === undefined) return;
    this.#timer = after(this.#scheduler, first.dueMillis - this.#scheduler.now(), () => {
      this.#timer = undefined;
      this.#end();
      this.#arm();
    });
  }

  #end(): void {
    const nowMillis = this.#scheduler.now();
    for (const wait of [...this.#waits]) {
      if (wait.dueMillis > nowMillis) return;
      if (this.#waits.delete(wait)) wait.work();
    }
  }
}
