/**
 * The whole public surface, in the order in which an item meets it.
 *
 * @module spanflow
 */

import './runtime.ts';

// The default composition.

export { type SpanPipeline, spanPipeline } from './pipeline.ts';
export type { SpanPipelineOptions } from './pipelineOptions.ts';

// 1. Where items enter.

export { fromReadable } from './bridges/fromReadable.ts';
export { fromReadableStream } from './bridges/fromReadableStream.ts';
export type { StreamInputOptions, StreamWriterOptions } from './bridges/options.ts';
export { toWritable } from './bridges/toWritable.ts';
export { toWritableStream } from './bridges/toWritableStream.ts';
export { createGate, type Gate } from './gate.ts';
export { channel } from './inputs/channel/channel.ts';
export type { Channel, ChannelOptions, Offered, SendOptions } from './inputs/channel/options.ts';
export { type FromAsyncIterableOptions, fromAsyncIterable } from './inputs/fromAsyncIterable.ts';
export { type FromSpanProcessorOptions, fromSpanProcessor, type SpanInput } from './inputs/fromSpanProcessor.ts';
export { type MemoryBudget, type MemoryBudgetOptions, memoryBudget } from './memory.ts';

// 2. What happens on the way: from items to batches, …

export { type Batch, type CloseReason, type FlushRequest, type Hold, withItems } from './batch.ts';
export { adaptiveBatch } from './operators/adaptiveBatch/adaptiveBatch.ts';
export type { AdaptiveBatchOptions, Overflow } from './operators/adaptiveBatch/options.ts';
export { type BackpressureOptions, backpressure } from './operators/backpressure/backpressure.ts';
export { type Safe, type SafelyOptions, type SafeResult, safely } from './operators/safely.ts';
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

// … from batches to attempts, …

export { boundedMergeMap, type Merged } from './operators/boundedMergeMap/boundedMergeMap.ts';
export type { BoundedMergeMapOptions, MergeOrder } from './operators/boundedMergeMap/options.ts';
export { exportTo } from './operators/exportTo/exportTo.ts';
export type { ExportToOptions, RetryOptions } from './operators/exportTo/options.ts';
export { type RaceTimeoutOptions, raceTimeout } from './operators/raceTimeout.ts';
export { type Retry, type RetryWithBackoffOptions, retryWithBackoff } from './operators/retryWithBackoff.ts';
export {
  type Backoff,
  type BackoffStep,
  type ExponentialBackoffOptions,
  exponentialBackoff,
  type Jitter,
} from './strategies/backoff.ts';

// 3. … and where they leave.

export type { StreamOutputOptions } from './bridges/options.ts';
export { toAsyncIterable } from './bridges/toAsyncIterable.ts';
export { toReadable } from './bridges/toReadable.ts';
export { toReadableStream } from './bridges/toReadableStream.ts';
export type { ExportAnswer } from './exportHandle/call.ts';
export { type ExportHandle, exportHandle } from './exportHandle/exportHandle.ts';
export type { ExportCallOptions, ExportHandleOptions } from './exportHandle/options.ts';
export {
  type Attempt,
  type AttemptPhase,
  ExportError,
  type Failure,
  type ObservableSink,
  type Response,
  type Sink,
} from './sink.ts';
export type { HeaderValue, OtlpHttpOptions, Renewable, TlsOptions } from './sinks/otlpHttp/options.ts';
export { otlpHttp } from './sinks/otlpHttp/otlpHttp.ts';
export { type ToConsoleOptions, toConsole } from './sinks/toConsole.ts';
export { type ToExporterOptions, toExporter } from './sinks/toExporter.ts';
export { type MemorySink, type ToMemoryOptions, toMemory } from './sinks/toMemory.ts';

// How it all went.

export type { Counts, StageStats } from './account.ts';
export {
  InvalidOptionError,
  QueueFullError,
  RaceTimeoutError,
  SpanflowError,
  type SpanflowErrorCode,
} from './errors.ts';
export { createLedger, type Ledger, type LedgerOptions } from './ledger.ts';
export type { Loss, LossReason, Outcome, Tally } from './outcome.ts';
export { monotonicScheduler } from './scheduler.ts';
export type { Stats } from './strategies/summary.ts';
export type { ProcessHold } from './timers.ts';
