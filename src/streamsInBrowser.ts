/**
 * `spanflow/streams` for browsers, by the condition `browser` of package.json: without the bridges to `node:stream`. What it reaches uses nothing of Node without asking whether it is there.
 */

// Around the callbacks of other operators.

export { type Safe, type SafelyOptions, type SafeResult, safely } from './operators/safely.ts';

// Between a source that emits and a consumer that takes a limited number.

export { type BackpressureOptions, backpressure } from './operators/backpressure/backpressure.ts';

// Several inputs, the important ones first.

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

// From items to batches.

export type { Overflow, PriorityOverflow } from './model/overflow.ts';
export { type AdaptiveBatchOperator, adaptiveBatch } from './operators/adaptiveBatch/adaptiveBatch.ts';
export type { AdaptiveBatchChanges, AdaptiveBatchOptions } from './operators/adaptiveBatch/options.ts';
export type { RebatchOptions } from './operators/rebatch/options.ts';
export { rebatch } from './operators/rebatch/rebatch.ts';
export type { BatchSizeChange } from './strategies/batchSize.ts';

// Up to `concurrency` inner Observables at a time.

export { boundedMergeMap, type Merged } from './operators/boundedMergeMap/boundedMergeMap.ts';
export type { BoundedMergeMapOptions, MergeOrder } from './operators/boundedMergeMap/options.ts';

// From batches to a backend.

export { exportTo } from './operators/exportTo/exportTo.ts';
export type { ExportToChanges, ExportToOptions, RetryOptions } from './operators/exportTo/options.ts';

// From batches to several backends.

export { fanOut } from './operators/fanOut/fanOut.ts';
export type { Branch, BranchBatching, Branches, BranchOptions, FanOutOptions } from './operators/fanOut/options.ts';

// How many attempts are in flight at a time.

export { type AdaptiveConcurrencyOptions, adaptiveConcurrency } from './destination/adaptiveConcurrency.ts';
export { type AimdConcurrencyOptions, aimdConcurrency } from './destination/aimdConcurrency.ts';
export type { Concurrency } from './destination/concurrency.ts';
export { fixedConcurrency } from './destination/fixedConcurrency.ts';
export type { ConcurrencyLimiter } from './destination/limiter.ts';
export type { AttemptEnding } from './model/sink.ts';
export type { LimitedAttempt } from './strategies/concurrency.ts';

// Around one attempt.

export { type InSpanOptions, inSpan } from './operators/inSpan.ts';
export { type RaceTimeoutOptions, raceTimeout } from './operators/raceTimeout.ts';
export { type Retry, type RetryWithBackoffOptions, retryWithBackoff } from './operators/retryWithBackoff.ts';

// What attempts pass on their way, and may share; and the operators that protect any cold source with it.

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
export type { RatesPerSecond, RateUnit } from './strategies/rate.ts';

// Beside them: many producers, many callers, other kinds of streams, and the need to wait.

export { createGate, type Gate } from './flow/gate.ts';
export { type MemoryBudget, type MemoryBudgetOptions, memoryBudget } from './flow/memory.ts';
export { channel } from './inputs/channel/channel.ts';
export type { Channel, ChannelOptions, Offered, SendOptions } from './inputs/channel/options.ts';
export { type FromAsyncIterableOptions, fromAsyncIterable } from './inputs/fromAsyncIterable.ts';
export { fromPolling } from './inputs/fromPolling/fromPolling.ts';
export type { Fetch, FromPollingOptions } from './inputs/fromPolling/options.ts';
export { fromReadableStream } from './inputs/fromReadableStream.ts';
export type { StreamInputOptions, StreamWriterOptions } from './inputs/streamOptions.ts';
export { toWritableStream } from './inputs/toWritableStream.ts';
export type { ProcessHold } from './internal/timers.ts';
export type { StreamOutputOptions } from './outputs/options.ts';
export { toAsyncIterable } from './outputs/toAsyncIterable.ts';
export { toReadableStream } from './outputs/toReadableStream.ts';
export type { CallStats, HandleStats } from './pipelines/answers/callBooks.ts';
export type { ExportAnswer, ExportCallOptions, ExportHandle } from './pipelines/answers/handle.ts';
export { exportHandle } from './pipelines/exportHandle/exportHandle.ts';
export type { ExportHandleOptions } from './pipelines/exportHandle/options.ts';
