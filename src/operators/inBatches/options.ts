import type { Ledger } from '../../ledger/ledger.ts';
import type { Loss } from '../../model/tally.ts';

/** The options of {@link inBatches}. */
export interface InBatchesOptions<T> {
  /** What the stage is called in losses and statistics. Default `inBatches`. */
  name?: string;
  /** Called for each loss at this stage (`operatorFailed`, `unsubscribed`), with the items of the batch that came. */
  onLoss?: (loss: Loss, items: readonly T[]) => void;
  /** Called with what an operator, `onLoss` or the teardown of the source throws. Default: this is only counted, in the ledger. */
  onCallbackError?: (thrown: unknown) => void;
  /** Counts what comes and what becomes of it. Default: that of the run ({@link runPipeline}), or else one of its own, which is not shown anywhere. */
  ledger?: Ledger;
}

/** The same with their values. */
export type InBatchesSettings = {
  readonly [K in keyof InBatchesOptions<unknown>]-?: InBatchesOptions<unknown>[K] | undefined;
};

export const IN_BATCHES_DEFAULTS: InBatchesSettings = Object.freeze({
  name: undefined,
  onLoss: undefined,
  onCallbackError: undefined,
  ledger: undefined,
});
