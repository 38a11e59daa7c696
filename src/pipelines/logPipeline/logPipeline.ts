import type { LogRecordProcessor } from '../../inputs/fromLogRecordProcessor.ts';
import type { ReadableLogRecord } from '../../model/logRecord.ts';
import { type SignalPipeline, signalPipeline } from '../signalPipeline/signalPipeline.ts';
import { LOG_RECORDS, type LogPipelineOptions, type LogPipelineSinksOptions } from './options.ts';

/** Log records go in at one end, outcomes come out at the other. */
export interface LogPipeline extends SignalPipeline<ReadableLogRecord> {
  /** For the SDK: `new LoggerProvider({ processors: [pipeline.processor] })`. */
  readonly processor: LogRecordProcessor;
}

/**
 * The default composition for logs: a drop-in for OpenTelemetry's `BatchLogRecordProcessor` that loses nothing silently. It is {@link spanPipeline} for log records: the same stages, options, books and promises.
 *
 * ```
 * logger.emit()  →  ring  →  operators  →  adaptiveBatch  →  exportTo( deadline( retry( gate → slot( timeout( sink ) ) ) ) )  →  outcomes$
 * ```
 *
 * **The record** that is exported is the SDK's own, not a copy. Processors behind this one in the SDK's list may still change it: they run before it is read. After that the SDK lets nobody change it; what the program keeps by reference, such as an object that it gave as the body, must not be changed until the export.
 * Records are exported whether or not the span around them is sampled, as the specification demands; the setting `traceBased` of the SDK's logger leaves those out.
 *
 * **Order**: batches are made in the order in which records were emitted (or come out of the operators), and exported several at once.
 *
 * **Loss**: everything is in `stats()`, by reason, and is reported to OpenTelemetry's `diag.warn`, at once and then summed up at most once per `warnIntervalMillis`.
 *
 * **Exit**: whenever the event loop runs empty, what is queued is still sent, for at most `exitDeadlineMillis`; what has no outcome then is lost, as `shutdown` or `unconfirmed`. The pipeline stays
 * open: a program that finds more work in `beforeExit` goes on. `process.exit()`, exceptions and signals do not wait: call `shutdown` first, or let `shutdownOn` do that at a signal. What an exit leaves is told to `diag.warn`.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const pipeline = logPipeline({ sink: otlpHttp({ signal: 'logs' }) });
 * const provider = new LoggerProvider({ processors: [pipeline.processor] });
 * provider.getLogger('shop').emit({ severityNumber: 9, body: 'an order came in' });
 * await pipeline.forceFlush();
 * ```
 *
 * @see spanPipeline
 */
export function logPipeline(options: LogPipelineOptions | LogPipelineSinksOptions): LogPipeline {
  const { input, pipeline } = signalPipeline(LOG_RECORDS, options);
  return {
    ...pipeline,
    processor: {
      onEmit: (record) => void input.offer(record),
      forceFlush: () => pipeline.forceFlush(),
      shutdown: () => pipeline.shutdown(),
    },
  };
}
