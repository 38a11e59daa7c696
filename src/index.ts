// In the order in which a span meets them.

export type { Counts, StageStats } from './account.ts';
export { type Batch, type CloseReason, type FlushRequest, type Hold, withItems } from './batch.ts';
export {
  InvalidOptionError,
  QueueFullError,
  RaceTimeoutError,
  SpanflowError,
  type SpanflowErrorCode,
} from './errors.ts';
export { createGate, type Gate } from './gate.ts';
export { type FromAsyncIterableOptions, fromAsyncIterable } from './inputs/fromAsyncIterable.ts';
export { type FromSpanProcessorOptions, fromSpanProcessor, type SpanInput } from './inputs/fromSpanProcessor.ts';
export { createLedger, type Ledger, type LedgerOptions } from './ledger.ts';
export { adaptiveBatch } from './operators/adaptiveBatch/adaptiveBatch.ts';
export type { AdaptiveBatchOptions, Overflow } from './operators/adaptiveBatch/options.ts';

export { exportTo } from './operators/exportTo/exportTo.ts';
export type { ExportToOptions, RetryOptions } from './operators/exportTo/options.ts';
export { type RaceTimeoutOptions, raceTimeout } from './operators/raceTimeout.ts';
export { type Retry, type RetryWithBackoffOptions, retryWithBackoff } from './operators/retryWithBackoff.ts';
export type { Loss, LossReason, Outcome, Tally } from './outcome.ts';
export { type SpanPipeline, spanPipeline } from './pipeline.ts';
export type { SpanPipelineOptions } from './pipelineOptions.ts';
export { ExportError, type Failure, type Response, type Sink } from './sink.ts';
export type { HeaderValue, OtlpHttpOptions, TlsOptions } from './sinks/otlpHttp/options.ts';
export { otlpHttp } from './sinks/otlpHttp/otlpHttp.ts';
export { type ToConsoleOptions, toConsole } from './sinks/toConsole.ts';
export { type ToExporterOptions, toExporter } from './sinks/toExporter.ts';
export { type MemorySink, type ToMemoryOptions, toMemory } from './sinks/toMemory.ts';
export {
  type Backoff,
  type BackoffStep,
  type ExponentialBackoffOptions,
  exponentialBackoff,
  type Jitter,
} from './strategies/backoff.ts';
export {
  type BatchEnded,
  type BatchLeft,
  type BatchSizeLimits,
  type BatchSizeStrategy,
  type BatchSizeStrategyFactory,
  fixedSize,
} from './strategies/batchSize.ts';
export { latencyTarget } from './strategies/latencyTarget.ts';
export { responsiveSize } from './strategies/responsiveSize.ts';
export type { Stats } from './strategies/summary.ts';
