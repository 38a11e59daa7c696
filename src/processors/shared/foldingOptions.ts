import type { SchedulerLike } from 'rxjs';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { aProcessHold, type ProcessHold } from '../../internal/timers.ts';
import { aFunction, aScheduler } from '../../internal/validation.ts';
import { STAGE_RULES } from '../../ledger/stageReporter.ts';
import { SPAN_STAGE_SETTINGS, type SpanStageOptions, type SpanStageSettings } from './options.ts';

/** The options of an operator that counts spans for a while. */
export interface FoldingOptions extends SpanStageOptions {
  /** The time of day that what is emitted is stamped with, in milliseconds since 1970. Default `Date.now`. It decides nothing: when something is emitted, the scheduler says. */
  epochMillis?: () => number;
  /** Whether the process is kept alive while counted spans wait to be emitted: `whileWaiting` (the default), or `never`. */
  processHold?: ProcessHold;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

/** The same with their values. */
export type FoldingStageSettings = SpanStageSettings & Readonly<Required<Omit<FoldingOptions, keyof SpanStageOptions>>>;

export const FOLDING_SETTINGS: FoldingStageSettings = Object.freeze({
  ...SPAN_STAGE_SETTINGS,
  epochMillis: () => Date.now(),
  processHold: 'whileWaiting',
  scheduler: monotonicScheduler,
});

export const FOLDING_RULES = {
  ...STAGE_RULES,
  epochMillis: aFunction,
  processHold: aProcessHold,
  scheduler: aScheduler,
};
