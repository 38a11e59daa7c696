import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import { type SignalPipeline, signalPipeline } from '../signalPipeline/signalPipeline.ts';
import { SPANS, type SpanPipelineOptions, type SpanPipelineSinksOptions } from './options.ts';

/** Spans go in at one end, outcomes come out at the other. */
export interface SpanPipeline extends SignalPipeline<ReadableSpan> {
  /** For the SDK: `new TracerProvider({ spanProcessors: [pipeline.processor] })`. */
  readonly processor: SpanProcessor;
}

/**
 * The default composition: a drop-in for OpenTelemetry's `BatchSpanProcessor` that loses nothing silently.
 *
 * ```
 * span.end()  →  ring  →  operators  →  adaptiveBatch  →  exportTo( deadline( retry( gate → slot( timeout( sink ) ) ) ) )  →  outcomes$
 * ```
 *
 * `operators`, if there are any, run between the ring and the batches.
 *
 * **Order**: batches are made in the order in which spans ended (or come out of the operators), and exported several at once.
 *
 * **Loss**: everything is in `stats()`, by reason, and is reported to OpenTelemetry's `diag.warn`, at once and then summed up at most once per `warnIntervalMillis`. With the defaults, and one
 * pipeline in the process, spans of ten short attributes may come in a burst of 10,000 from `--max-old-space-size=128` on, or at 1,000 a second through an outage of half a minute from 256 on, and none is lost; see
 * {@link memoryBudget}.
 *
 * **Exit**: whenever the event loop runs empty, what is queued is still sent, for at most `exitDeadlineMillis`; what has no outcome then is lost, as `shutdown` or `unconfirmed`. The pipeline stays
 * open: a program that finds more work in `beforeExit` goes on. `process.exit()`, exceptions and signals do not wait: call `shutdown` first, or let `shutdownOn` do that at a signal. What an exit leaves is told to `diag.warn`.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const pipeline = spanPipeline({ sink: otlpHttp() });
 * const provider = new TracerProvider({ spanProcessors: [pipeline.processor] });
 *
 * const quiet = spanPipeline({
 *   sink: otlpHttp(),
 *   operators: [filter((span) => span.attributes['http.route'] !== '/healthz')],
 * });
 * ```
 *
 * @see runPipeline, for a composition of your own
 */
export function spanPipeline(options: SpanPipelineOptions | SpanPipelineSinksOptions): SpanPipeline {
  const { input, pipeline } = signalPipeline(SPANS, options);
  return {
    ...pipeline,
    processor: {
      onStart() {},
      onEnd: (span) => void input.offer(span),
      forceFlush: () => pipeline.forceFlush(),
      shutdown: () => pipeline.shutdown(),
    },
  };
}
