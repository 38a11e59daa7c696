/**
 * The whole public surface, in the order in which an item meets it.
 *
 * @module spanflow
 */

import './internal/requireNode.ts';

// The default composition.

export type { LifeCycleOptions, PipelineState, ShutdownReport, ShutdownSignal } from './pipelines/lifeCycle/options.ts';
export type { PipelineChanges } from './pipelines/liveSettings.ts';
export type { PipelineInput, RunPipelineOptions } from './pipelines/runPipeline/options.ts';
export { type RunningPipeline, runPipeline } from './pipelines/runPipeline/runPipeline.ts';
export type { SpanOperator, SpanPipelineOptions, SpanPipelineSinksOptions } from './pipelines/spanPipeline/options.ts';
export { type SpanPipeline, spanPipeline } from './pipelines/spanPipeline/spanPipeline.ts';
export { type SpanPriorityOptions, spanPriority } from './pipelines/spanPriority.ts';
export type { SpoolOptions } from './pipelines/spool/options.ts';
export { type Flushable, type WithFlushOptions, withFlush } from './pipelines/withFlush.ts';

// 1. Where items enter.

export { createGate, type Gate } from './flow/gate.ts';
export { type MemoryBudget, type MemoryBudgetOptions, memoryBudget } from './flow/memory.ts';
export { channel } from './inputs/channel/channel.ts';
export type { Channel, ChannelOptions, Offered, SendOptions } from './inputs/channel/options.ts';
export { type FromAsyncIterableOptions, fromAsyncIterable } from './inputs/fromAsyncIterable.ts';
export { fromPolling } from './inputs/fromPolling/fromPolling.ts';
export type { Fetch, FromPollingOptions } from './inputs/fromPolling/options.ts';
export { fromReadable } from './inputs/fromReadable.ts';
export { fromReadableStream } from './inputs/fromReadableStream.ts';
export { type FromSpanProcessorOptions, fromSpanProcessor, type SpanInput } from './inputs/fromSpanProcessor.ts';
export type { StreamInputOptions, StreamWriterOptions } from './inputs/streamOptions.ts';
export { toWritable } from './inputs/toWritable.ts';
export { toWritableStream } from './inputs/toWritableStream.ts';

// 2. What happens on the way: from items to batches, …

export {
  type Batch,
  type CloseReason,
  type FlushRequest,
  type FlushUrgency,
  type Hold,
  withItems,
} from './model/batch.ts';
export type { Overflow, PriorityOverflow } from './model/overflow.ts';
export { type AdaptiveBatchOperator, adaptiveBatch } from './operators/adaptiveBatch/adaptiveBatch.ts';
export type { AdaptiveBatchChanges, AdaptiveBatchOptions } from './operators/adaptiveBatch/options.ts';
export { type BackpressureOptions, backpressure } from './operators/backpressure/backpressure.ts';
export { inBatches } from './operators/inBatches/inBatches.ts';
export type { InBatchesOptions } from './operators/inBatches/options.ts';
export {
  type ExportsToJoin,
  type ExportToJoin,
  type JoinExportsOptions,
  type JoinedExports,
  type JoinMode,
  joinExports,
} from './operators/joinExports.ts';
export { mergeByPriority } from './operators/mergeByPriority/mergeByPriority.ts';
export type { MergeByPriorityOptions, PriorityInput } from './operators/mergeByPriority/options.ts';
export { type Safe, type SafelyOptions, type SafeResult, safely } from './operators/safely.ts';
export {
  type BatchEnded,
  type BatchLeft,
  type BatchSizeChange,
  type BatchSizeLimits,
  type BatchSizeStrategy,
  type BatchSizeStrategyFactory,
  fixedSize,
} from './strategies/batchSize.ts';
export type { Durations } from './strategies/durationHistogram.ts';
export { latencyTarget } from './strategies/latencyTarget.ts';
export { responsiveSize } from './strategies/responsiveSize.ts';

// … from batches to attempts, …

export { type AdaptiveConcurrencyOptions, adaptiveConcurrency } from './destination/adaptiveConcurrency.ts';
export { type AimdConcurrencyOptions, aimdConcurrency } from './destination/aimdConcurrency.ts';
export type { Concurrency } from './destination/concurrency.ts';
export { fixedConcurrency } from './destination/fixedConcurrency.ts';
export type { ConcurrencyLimiter } from './destination/limiter.ts';
export { boundedMergeMap, type Merged } from './operators/boundedMergeMap/boundedMergeMap.ts';
export type { BoundedMergeMapOptions, MergeOrder } from './operators/boundedMergeMap/options.ts';
export { exportTo } from './operators/exportTo/exportTo.ts';
export type { ExportToChanges, ExportToOptions, RetryOptions } from './operators/exportTo/options.ts';
export { fanOut } from './operators/fanOut/fanOut.ts';
export type { Branch, BranchBatching, Branches, BranchOptions, FanOutOptions } from './operators/fanOut/options.ts';
export { type InSpanOptions, inSpan } from './operators/inSpan.ts';
export { type RaceTimeoutOptions, raceTimeout } from './operators/raceTimeout.ts';
export type { RebatchOptions } from './operators/rebatch/options.ts';
export { rebatch } from './operators/rebatch/rebatch.ts';
export { type Retry, type RetryWithBackoffOptions, retryWithBackoff } from './operators/retryWithBackoff.ts';
export {
  type Backoff,
  type BackoffStep,
  type ExponentialBackoffOptions,
  exponentialBackoff,
  type Jitter,
} from './strategies/backoff.ts';
export type { FailoverState } from './strategies/primaryHealth.ts';

// … what attempts pass on their way, and may share, …

export type { RetryBudget, RetryBudgetState } from './destination/budgetedRetries.ts';
export {
  type BreakerProtectOptions,
  type CircuitBreaker,
  type CircuitBreakerOptions,
  circuitBreaker,
} from './destination/circuitBreaker.ts';
export type { RateLimitState } from './destination/rateLayer.ts';
export { type RateLimit, type RateLimitOptions, type RateProtectOptions, rateLimit } from './destination/rateLimit.ts';
export { type RetryBudgetOptions, retryBudget } from './destination/retryBudget.ts';
export type { BreakerState } from './strategies/breaker.ts';
export type { LimitedAttempt } from './strategies/concurrency.ts';
export type { RatesPerSecond, RateUnit } from './strategies/rate.ts';

// 3. … and where they leave.

export type { SignalItems, SignalName } from './model/signal.ts';
export {
  type Attempt,
  type AttemptEnding,
  type AttemptPhase,
  ExportError,
  type Failure,
  type ObservableSink,
  type Response,
  type Sink,
  type SinkComponent,
} from './model/sink.ts';
export type { StreamOutputOptions } from './outputs/options.ts';
export { toAsyncIterable } from './outputs/toAsyncIterable.ts';
export { toReadable } from './outputs/toReadable.ts';
export { toReadableStream } from './outputs/toReadableStream.ts';
export type { CallStats, HandleStats } from './pipelines/answers/callBooks.ts';
export type { ExportAnswer, ExportCallOptions, ExportHandle } from './pipelines/answers/handle.ts';
export { exportHandle } from './pipelines/exportHandle/exportHandle.ts';
export type { ExportHandleOptions } from './pipelines/exportHandle/options.ts';
export { type BackupStats, type FailoverSink, failover } from './sinks/failover/failover.ts';
export type { FailoverOptions } from './sinks/failover/options.ts';
export { type FirstOfOptions, firstOf } from './sinks/firstOf/firstOf.ts';
export type {
  HeadersOption,
  HeadersRequest,
  HeaderValue,
  OtlpHttpOptions,
  Renewable,
  TlsOptions,
} from './sinks/otlpHttp/options.ts';
export { otlpHttp } from './sinks/otlpHttp/otlpHttp.ts';
export { type ToConsoleOptions, toConsole } from './sinks/toConsole/toConsole.ts';
export { type ToExporterOptions, toExporter } from './sinks/toExporter/toExporter.ts';
export { type MemorySink, type ToMemoryOptions, toMemory } from './sinks/toMemory.ts';

// How it all went.

export { monotonicScheduler } from './internal/scheduler.ts';
export type { ProcessHold } from './internal/timers.ts';
export type { Role } from './ledger/account.ts';
export type { ExportStats } from './ledger/exports.ts';
export type { StageGauges, StageHealth } from './ledger/gauges.ts';
export { createLedger, type Ledger, type LedgerOptions } from './ledger/ledger.ts';
export type { Counts, StageStats } from './ledger/stageStats.ts';
export type { FlowStats, SinkStats, StagePlace, Stats } from './ledger/stats.ts';
export { BreakerOpenError } from './model/breakerOpenError.ts';
export {
  InvalidOptionError,
  type OptionMistake,
  QueueFullError,
  RaceTimeoutError,
  SpanflowError,
  type SpanflowErrorCode,
} from './model/errors.ts';
export { JoinError } from './model/joinError.ts';
export type { Outcome, RoutedOutcome } from './model/outcome.ts';
export type { Loss, LossReason, Tally } from './model/tally.ts';
