import type { Observable, SchedulerLike } from 'rxjs';
import { answerOf } from '../../internal/runGuarded.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { aProcessHold, type ProcessHold } from '../../internal/timers.ts';
import { aFunction, anObservable, aScheduler, optional } from '../../internal/validation.ts';
import { STAGE_RULES } from '../../ledger/stageReporter.ts';
import { InvalidOptionError } from '../../model/errors.ts';
import { SPAN_STAGE_SETTINGS, type SpanStageOptions, type SpanStageSettings } from './options.ts';

/** The options of an operator that counts spans for a while. */
export interface FoldingOptions extends SpanStageOptions {
  /** The time of day that what is emitted is stamped with, in milliseconds since 1970. Default `Date.now`, which also stands in where it throws or returns an invalid number. It decides nothing: when something is emitted, the scheduler says. */
  epochMillis?: () => number;
  /** Each emission is a flush: what has been counted is emitted at once. A {@link FlushRequest} (an input's `flush$`) is also answered, when it has been. Default: that of the run ({@link runPipeline}), or else none. */
  flushWhen?: Observable<unknown>;
  /** Whether the process is kept alive while counted spans wait to be emitted: `whileWaiting` (the default), or `never`. */
  processHold?: ProcessHold;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

/** The same with their values. */
export type FoldingStageSettings = SpanStageSettings &
  Readonly<Required<Omit<FoldingOptions, keyof SpanStageOptions | 'flushWhen'>>> & {
    readonly flushWhen: Observable<unknown> | undefined;
  };

export const FOLDING_SETTINGS: FoldingStageSettings = Object.freeze({
  ...SPAN_STAGE_SETTINGS,
  epochMillis: () => Date.now(),
  flushWhen: undefined,
  processHold: 'whileWaiting',
  scheduler: monotonicScheduler,
});

export const FOLDING_RULES = {
  ...STAGE_RULES,
  epochMillis: aFunction,
  flushWhen: optional(anObservable),
  processHold: aProcessHold,
  scheduler: aScheduler,
};

/** The time of day. What the user's clock throws is reported, and the host's stands in. */
export function guardedEpoch(
  epochMillis: () => number,
  reporter: { callbackFailed(thrown: unknown): void },
): () => number {
  return () => {
    const millis = answerOf(epochMillis, undefined, (thrown) => reporter.callbackFailed(thrown));
    if (Number.isFinite(millis)) return millis as number;
    if (millis !== undefined)
      reporter.callbackFailed(new InvalidOptionError('what epochMillis returns', 'a number', millis));
    return Date.now();
  };
}
