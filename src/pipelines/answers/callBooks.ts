import type { Stats } from '../../ledger/stats.ts';
import type { ExportCall } from './exportCall.ts';

/** The calls of a handle. */
export interface CallStats {
  /** Calls that wait for their answer. */
  readonly open: number;
  readonly answered: number;
  /** Calls that their signal gave up. */
  readonly givenUp: number;
}

/** The statistics of the pipeline behind a handle, and of its calls. */
export interface HandleStats extends Stats {
  readonly calls: CallStats;
}

/** Counts calls. */
export class CallBooks {
  #open = 0;
  #answered = 0;
  #givenUp = 0;

  opened({ answer }: ExportCall): void {
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
