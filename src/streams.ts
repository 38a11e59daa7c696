/**
 * Every operator by itself, in the order in which an item meets them, and what stands alone beside them.
 *
 * @module spanflow/streams
 */

import './internal/requireNode.ts';

// Around the callbacks of other operators.

export { type Safe, type SafelyOptions, type SafeResult, safely } from './operators/safely.ts';

// Between a source that emits and a consumer that takes a limited number.

export { type BackpressureOptions, backpressure } from './operators/backpressure/backpressure.ts';

// From items to batches.

export type { Overflow } from './model/overflow.ts';
export { adaptiveBatch } from './operators/adaptiveBatch/adaptiveBatch.ts';
export type { AdaptiveBatchOptions } from './operators/adaptiveBatch/options.ts';

// Up to `concurrency` inner Observables at a time.

export { boundedMergeMap, type Merged } from './operators/boundedMergeMap/boundedMergeMap.ts';
export type { BoundedMergeMapOptions, MergeOrder } from './operators/boundedMergeMap/options.ts';

// From batches to a backend.

export { exportTo } from './operators/exportTo/exportTo.ts';
export type { ExportToOptions, RetryOptions } from './operators/exportTo/options.ts';

// Around one attempt.

export { type InSpanOptions, inSpan } from './operators/inSpan.ts';
export { type RaceTimeoutOptions, raceTimeout } from './operators/raceTimeout.ts';
export { type Retry, type RetryWithBackoffOptions, retryWithBackoff } from './operators/retryWithBackoff.ts';

// Beside them: many producers, many callers, other kinds of streams, and the need to wait.

export { createGate, type Gate } from './flow/gate.ts';
export { type MemoryBudget, type MemoryBudgetOptions, memoryBudget } from './flow/memory.ts';
export { channel } from './inputs/channel/channel.ts';
export type { Channel, ChannelOptions, Offered, SendOptions } from './inputs/channel/options.ts';
export { type FromAsyncIterableOptions, fromAsyncIterable } from './inputs/fromAsyncIterable.ts';
export { fromReadable } from './inputs/fromReadable.ts';
export { fromReadableStream } from './inputs/fromReadableStream.ts';
export type { StreamInputOptions, StreamWriterOptions } from './inputs/streamOptions.ts';
export { toWritable } from './inputs/toWritable.ts';
export { toWritableStream } from './inputs/toWritableStream.ts';
export type { ProcessHold } from './internal/timers.ts';
export type { StreamOutputOptions } from './outputs/options.ts';
export { toAsyncIterable } from './outputs/toAsyncIterable.ts';
export { toReadable } from './outputs/toReadable.ts';
export { toReadableStream } from './outputs/toReadableStream.ts';
export type { ExportAnswer, ExportCallOptions, ExportHandle } from './pipelines/answers/handle.ts';
export { exportHandle } from './pipelines/exportHandle/exportHandle.ts';
export type { ExportHandleOptions } from './pipelines/exportHandle/options.ts';
