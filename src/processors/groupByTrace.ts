import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Observable, type OperatorFunction } from 'rxjs';
import { type Rules, settingsOf } from '../internal/validation.ts';
import { Stage } from '../ledger/stage.ts';
import { StageReporter } from '../ledger/stageReporter.ts';
import { joinRun } from './shared/inRun.ts';
import { type TraceClosing, TraceHolding, type TracePlan } from './shared/traceHolding.ts';
import {
  TRACE_HOLDING_DEFAULTS,
  TRACE_HOLDING_RULES,
  type TraceHoldingOptions,
  type TraceHoldingSettings,
} from './shared/traceOptions.ts';

/** The options of {@link groupByTrace}. */
export interface GroupByTraceOptions extends TraceHoldingOptions {}

/** The spans of one trace that came while it was waited for. */
export interface TraceGroup {
  /** The id of the trace: 32 hexadecimal digits. */
  readonly traceId: string;
  /** Its spans, in the order in which they came. At least one. */
  readonly spans: readonly ReadableSpan[];
  /** Their estimated bytes on the wire. */
  readonly bytes: number;
  /** Why it was not waited for any longer. */
  readonly closedBy: TraceClosing;
}

const STAGE = 'groupByTrace';

export const GROUP_BY_TRACE_DEFAULTS: TraceHoldingSettings = TRACE_HOLDING_DEFAULTS;

const GROUP_BY_TRACE_RULES: Rules<TraceHoldingSettings> = TRACE_HOLDING_RULES;

const PLAN: TracePlan<TraceGroup> = {
  close({ traceId, spans, bytes }, closedBy, out) {
    out.push({ traceId, spans, bytes, closedBy });
  },
  spansIn: ({ spans }) => spans,
};

/**
 * Gathers the spans of each trace, and emits one group for each.
 *
 * ```text
 * source      a-c--b--d----e-|
 * subscribed  ^--------------!
 *             groupByTrace: c is of the trace of a, d of that of b; maxWaitMillis 6
 * result      ------[ac]-[bd]([e]|)
 * ```
 *
 * **Emits** a group when its trace is not waited for any longer: `maxWaitMillis` after its first span, `idleMillis` after its last one, with `maxSpansPerTrace` spans, because there is no room and it is the oldest, or because a flush asks for it. A span that comes
 * later begins another group of its trace. **Completes** after the source, when all groups have been emitted. **Errors** like the source, after them. **Unsubscribed**, it reports the spans that it holds as lost.
 *
 * **Order**: of groups, that in which they are closed; of the spans in a group, that of the source. A span that comes while a group is being emitted is held behind it.
 *
 * **Loss**: `tooLarge` for a span that alone is larger than `maxBytes`, `unencodable` for one without a context, `unsubscribed`; `queueFull` only where a consumer feeds more than `maxSpans` back during one emission. A trace that has to
 * go because there is no room is emitted, and not lost. How many were, and how many reached `maxSpansPerTrace`, is in `stats().stages[…].figures`: `evicted`, `spans`.
 *
 * **Flush**: `flushWhen`, or the `forceFlush` of the pipeline. By default it emits what is gathered, and waits until the stages behind have answered for that, too; with `onFlush: 'wait'` it waits until each trace has been gathered in its time.
 *
 * **Memory**: what is held counts in the process's budget ({@link memoryBudget}), beside its own bounds. Where there is none left, the oldest trace is emitted early.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * spans$.pipe(groupByTrace({ idleMillis: 2_000 })).subscribe(({ traceId, spans }) => console.log(traceId, spans.length));
 * ```
 *
 * @see tailSample
 */
export function groupByTrace(options: GroupByTraceOptions = {}): OperatorFunction<ReadableSpan, TraceGroup> {
  const settings = settingsOf(STAGE, GROUP_BY_TRACE_DEFAULTS, GROUP_BY_TRACE_RULES, options);
  const stage = new Stage(settings.ledger, 'operator', settings.name ?? STAGE);
  return function groupByTraceOperator(source) {
    return new Observable((subscriber) => {
      const opened = stage.open();
      const reporter = new StageReporter<ReadableSpan>(opened.account, settings);
      new TraceHolding(subscriber, joinRun(settings, options, opened), reporter, PLAN).follow(source);
    });
  };
}
