/**
 * Every operator by itself, in the order in which an item meets them, and what stands alone beside them.
 *
 * @module spanflow/operators
 */

import '../runtime.ts';

// Around the callbacks of other operators.

export { type Safe, type SafelyOptions, type SafeResult, safely } from './safely.ts';

// Between whoever emits and whoever can take only so much.

export { type BackpressureOptions, backpressure } from './backpressure/backpressure.ts';

// From items to batches.

export { adaptiveBatch } from './adaptiveBatch/adaptiveBatch.ts';
export type { AdaptiveBatchOptions, Overflow } from './adaptiveBatch/options.ts';

// So many at once.

export { boundedMergeMap, type Merged } from './boundedMergeMap/boundedMergeMap.ts';
export type { BoundedMergeMapOptions, MergeOrder } from './boundedMergeMap/options.ts';

// From batches to a backend.

export { exportTo } from './exportTo/exportTo.ts';
export type { ExportToOptions, RetryOptions } from './exportTo/options.ts';

// Around one attempt.

export { type RaceTimeoutOptions, raceTimeout } from './raceTimeout.ts';
export { type Retry, type RetryWithBackoffOptions, retryWithBackoff } from './retryWithBackoff.ts';

// Beside them: many producers, many callers, other kinds of streams, and the need to wait.

export { fromReadable } from '../bridges/fromReadable.ts';
export { fromReadableStream } from '../bridges/fromReadableStream.ts';
export type { StreamInputOptions, StreamOutputOptions, StreamWriterOptions } from '../bridges/options.ts';
export { toAsyncIterable } from '../bridges/toAsyncIterable.ts';
export { toReadable } from '../bridges/toReadable.ts';
export { toReadableStream } from '../bridges/toReadableStream.ts';
export { toWritable } from '../bridges/toWritable.ts';
export { toWritableStream } from '../bridges/toWritableStream.ts';
export type { ExportAnswer } from '../exportHandle/call.ts';
export { type ExportHandle, exportHandle } from '../exportHandle/exportHandle.ts';
export type { ExportCallOptions, ExportHandleOptions } from '../exportHandle/options.ts';
export { createGate, type Gate } from '../gate.ts';
export { channel } from '../inputs/channel/channel.ts';
export type { Channel, ChannelOptions, Offered, SendOptions } from '../inputs/channel/options.ts';
export { type FromAsyncIterableOptions, fromAsyncIterable } from '../inputs/fromAsyncIterable.ts';
export { type MemoryBudget, type MemoryBudgetOptions, memoryBudget } from '../memory.ts';
export type { ProcessHold } from '../timers.ts';
