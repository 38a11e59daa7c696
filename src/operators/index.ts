/**
 * Every operator by itself, in the order in which an item meets them.
 *
 * @module spanflow/operators
 */

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
