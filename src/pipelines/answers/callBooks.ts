import type { Stats } from '../../ledger/stats.ts';

/** The calls of a handle. */
export interface CallStats {
  /** Calls that wait for their answer. */
  readonly open: number;
  /** Calls that were answered, whatever became of their items. */
  readonly answered: number;
  /** Calls that their signal gave up. */
  readonly givenUp: number;
}

/** The statistics of the pipeline behind a handle, and of its calls. */
export interface HandleStats extends Stats {
  /** The calls of this handle. */
  readonly calls: CallStats;
}

/** Counts calls. */
export class CallBooks {
  #open = 0;
  #answered = 0;
  #givenUp = 0;

  opened({ answer }: { readonly answer: Promise<unknown> }): void {
    this.#open += 1;
    const close = () => {
      this.#open -= 1;
    };
    answer.then(
      () => {
        close();
        this.#answered += 1;
      },
      () => {
        close();
        this.#givenUp += 1;
      },
    );
  }

  /** @param stats of the pipeline behind */
  with(stats: Stats): HandleStats {
    return { ...stats, calls: { open: this.#open, answered: this.#answered, givenUp: this.#givenUp } };
  }
}
