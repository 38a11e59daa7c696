import type { Observable } from 'rxjs';
import type { Ledger } from '../../ledger/ledger.ts';
import type { FlushRequest } from '../../model/batch.ts';
import type { Loss } from '../../model/tally.ts';

export interface SupervisedOptions {
  readonly ledger?: Ledger;
  /** Called for each loss (`operatorFailed`, `shutdown`, `unsubscribed`). Which items they are is not known. */
  readonly onLoss?: (loss: Loss) => void;
  /** Called when an operator throws, or completes before the source. */
  readonly onCallbackError?: (thrown: unknown) => void;
  /** The flushes of the pipeline. */
  readonly flushWhen?: Observable<FlushRequest>;
  /** At its first emission what the operators hold is given up, as `shutdown`, and the stream completes. */
  readonly stopWhen?: Observable<unknown>;
}
