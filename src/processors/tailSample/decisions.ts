import type { Digits56 } from '../../strategies/consistentSampling.ts';
import type { Verdict } from '../../strategies/traceSampler.ts';

/** What was decided about a trace. */
export interface Decision extends Verdict {
  readonly randomness: Digits56;
}

/** The latest decisions, up to a number of them. */
export class Decisions {
  readonly #max: number;
  readonly #byTrace = new Map<string, Decision>(); // in the order in which they were made

  constructor(max: number) {
    this.#max = max;
  }

  get(traceId: string): Decision | undefined {
    return this.#byTrace.get(traceId);
  }

  remember(traceId: string, decision: Decision): void {
    if (this.#byTrace.size >= this.#max) {
      const oldest = this.#byTrace.keys().next();
      if (oldest.done !== true) this.#byTrace.delete(oldest.value);
    }
    this.#byTrace.set(traceId, decision);
  }
}
