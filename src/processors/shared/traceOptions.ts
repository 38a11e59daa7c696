import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Observable, SchedulerLike } from 'rxjs';
import { estimateItemBytes } from '../../flow/itemBytes.ts';
import { aMemoryBudget, type MemoryBudget } from '../../flow/memory.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { aProcessHold, type ProcessHold } from '../../internal/timers.ts';
import { aFunction, anObservable, aScheduler, millis, oneOf, optional, whole } from '../../internal/validation.ts';
import { STAGE_RULES } from '../../ledger/stageReporter.ts';
import { SPAN_STAGE_SETTINGS, type SpanStageOptions, type SpanStageSettings } from './options.ts';

/** The options of an operator that gathers the spans of each trace. */
export interface TraceHoldingOptions extends SpanStageOptions {
  /** How long a trace is gathered from its first span on, in milliseconds: 0 or more, default 30,000. More waits for slower traces and holds more spans. */
  maxWaitMillis?: number;
  /** A trace to which no span has come for so long is not waited for any longer, in milliseconds: 0 or more, or `Infinity` (the default), which means that only `maxWaitMillis` counts. */
  idleMillis?: number;
  /** Traces that are gathered at a time: 1 or more, default 50,000. One more, and the oldest is not waited for any longer. */
  maxTraces?: number;
  /** Spans of all traces that are held: 1 or more, default 100,000. One more, and the oldest trace is not waited for any longer. */
  maxSpans?: number;
  /** Their estimated bytes on the wire: 1 or more, default 64 MiB. More, and the oldest trace is not waited for any longer. A span that is larger by itself is refused as `tooLarge`. */
  maxBytes?: number;
  /** Spans of one trace: 1 or more, default 10,000. With so many it is not waited for any longer. */
  maxSpansPerTrace?: number;
  /** Estimates the bytes that a span takes on the wire. Default: the sum over its strings and fields. If it throws or returns an invalid number, the span counts as 512 bytes. */
  sizeOf?: (span: ReadableSpan) => number;
  /**
   * What the memory of the spans that are held comes out of. Default: that of the process, see {@link memoryBudget}. Where it is used up, the oldest trace is not waited for any longer; where others have used it up, spans are not waited for at all,
   * and each one goes at once, as a trace of its own.
   */
  memory?: MemoryBudget;
  /** Each emission is a flush; `onFlush` says what it does. A {@link FlushRequest} (an input's `flush$`) is also answered, when everything that came before it has gone out. Default: that of the run ({@link runPipeline}), or else none. */
  flushWhen?: Observable<unknown>;
  /** What a flush does with the traces that are gathered: they are not waited for any longer (`close`, the default), or the flush waits for them as long as they take (`wait`), which is up to `maxWaitMillis`: give the flush a timeout above that. */
  onFlush?: 'close' | 'wait';
  /** Whether the process is kept alive while spans are held: `whileWaiting` (the default), or `never`. */
  processHold?: ProcessHold;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

/** The same with their values. */
export type TraceHoldingSettings = SpanStageSettings &
  Readonly<Required<Omit<TraceHoldingOptions, keyof SpanStageOptions | 'memory' | 'flushWhen'>>> & {
    readonly [K in 'memory' | 'flushWhen']: TraceHoldingOptions[K] | undefined;
  };

export const TRACE_HOLDING_DEFAULTS: TraceHoldingSettings = Object.freeze({
  ...SPAN_STAGE_SETTINGS,
  maxWaitMillis: 30_000,
  idleMillis: Number.POSITIVE_INFINITY,
  maxTraces: 50_000,
  maxSpans: 100_000,
  maxBytes: 64 * 1024 * 1024,
  maxSpansPerTrace: 10_000,
  sizeOf: estimateItemBytes,
  memory: undefined,
  flushWhen: undefined,
  onFlush: 'close',
  processHold: 'whileWaiting',
  scheduler: monotonicScheduler,
});

export const TRACE_HOLDING_RULES = {
  ...STAGE_RULES,
  maxWaitMillis: millis(0),
  idleMillis: millis(0, 'orInfinity'),
  maxTraces: whole(1),
  maxSpans: whole(1),
  maxBytes: whole(1),
  maxSpansPerTrace: whole(1),
  sizeOf: aFunction,
  memory: optional(aMemoryBudget),
  flushWhen: optional(anObservable),
  onFlush: oneOf('close', 'wait'),
  processHold: aProcessHold,
  scheduler: aScheduler,
};
