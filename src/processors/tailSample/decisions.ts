import { Ring } from '../../flow/ring.ts';
import type { Digits56 } from '../../strategies/consistentSampling.ts';
import type { Verdict } from '../../strategies/traceSampler.ts';

/** What was decided about a trace. */
export interface Decision extends Verdict {
  readonly randomness: Digits56;
}

/** The latest decisions, up to a number of them. */
export class Decisions {
  readonly #max: number;
  readonly #byTrace = new Map<string, Decision>();
  readonly #order = new Ring<string>(); // the traces, in the order in which they were first decided

  constructor(max: number) {
    this.#max = max;
  }

  get(traceId: string): Decision | undefined {
    return this.#byTrace.get(traceId);
  }

  remember(traceId: string, decision: Decision): void {
    if (!this.#byTrace.has(traceId)) {
      if (this.#order.length >= this.#max) this.#byTrace.delete(this.#order.shift() as string);
      this.#order.push(traceId);
    }
    this.#byTrace.set(traceId, decision);
  }
}
