import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Loss } from '../../model/tally.ts';

/** The options that each operator on spans has. */
export interface SpanStageOptions {
  /** What the stage is called in losses and statistics. Default: the name of the operator. */
  name?: string;
  /** Called for each loss at this stage, with the spans where it still has them. */
  onLoss?: (loss: Loss, items: readonly ReadableSpan[]) => void;
  /** Called when another callback throws, or returns an invalid value; the stream goes on. */
  onCallbackError?: (thrown: unknown) => void;
  /** Counts what comes and what becomes of it. Default: that of the run ({@link runPipeline}), or else one of its own, which is not shown anywhere. */
  ledger?: Ledger;
}

type Optional = keyof SpanStageOptions;

/** The same with their values. */
export type SpanStageSettings = { readonly [K in Optional]: SpanStageOptions[K] | undefined };

export const SPAN_STAGE_SETTINGS: SpanStageSettings = Object.freeze({
  name: undefined,
  onLoss: undefined,
  onCallbackError: undefined,
  ledger: undefined,
});
