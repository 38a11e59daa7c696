import type { SchedulerLike } from 'rxjs';
import { soon } from '../../internal/timers.ts';
import { warn } from '../../internal/tracingSuppression.ts';

interface UnsubscribedPlan {
  readonly what: string;
  readonly stream: string;
  readonly isObserved: () => boolean;
}

/** Tells, once, that items have come to an input whose stream nobody has ever subscribed to: a turn later, because the program may be just about to. */
export class Unsubscribed {
  readonly #scheduler: SchedulerLike;
  readonly #plan: UnsubscribedPlan;
  #isChecked = false;

  constructor(scheduler: SchedulerLike, plan: UnsubscribedPlan) {
    this.#scheduler = scheduler;
    this.#plan = plan;
  }

  /** An item has come. */
  check(): void {
    if (this.#isChecked) return;
    this.#isChecked = true;
    if (!this.#plan.isObserved()) soon(this.#scheduler, () => this.#tell());
  }

  #tell(): void {
    const { what, stream, isObserved } = this.#plan;
    if (isObserved()) return;
    warn(
      `spanflow: ${what} and wait, because nobody has subscribed to ${stream}: call subscribe() on your composition, or runPipeline(input, outcomes$)`,
    );
  }
}
