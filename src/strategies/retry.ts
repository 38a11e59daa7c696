import { InvalidOptionError } from '../model/errors.ts';
import { ExportError, type Failure } from '../model/sink.ts';

/** What is left to do with something that failed. */
export type RetryDecision =
  | { readonly kind: 'again'; readonly delayMillis: number }
  | { readonly kind: 'giveUp'; readonly because: 'permanent' | 'attempts' | 'elapsed' };

export interface RetryState {
  /** Attempts that were made, the first one included. */
  readonly attempts: number;
  readonly elapsedMillis: number;
  /** What the backoff says now. */
  readonly backoffMillis: number;
}

export interface RetryLimits {
  readonly maxAttempts: number;
  readonly maxElapsedMillis: number;
  readonly maxRetryAfterMillis: number;
}

/**
 * Whether to try again, and when. A server's own delay counts when it is longer than the backoff, up to a cap: a day of `Retry-After` is a
 * mistake more often than a wish. A wait that would end after the time limit is not begun.
 */
export function decideRetry(failure: Failure, state: RetryState, limits: RetryLimits): RetryDecision {
  if (failure.kind === 'permanent' || failure.kind === 'tooLarge') return { kind: 'giveUp', because: 'permanent' };
  if (state.attempts >= limits.maxAttempts) return { kind: 'giveUp', because: 'attempts' };
  // A server's delay that is no number is none: it must not turn into a hammer.
  const asked = failure.kind === 'throttled' && failure.retryAfterMillis >= 0 ? failure.retryAfterMillis : 0;
  const serverMillis = Math.min(asked, limits.maxRetryAfterMillis);
  const delayMillis = Math.max(state.backoffMillis, serverMillis);
  if (state.elapsedMillis + delayMillis >= limits.maxElapsedMillis) return { kind: 'giveUp', because: 'elapsed' };
  return { kind: 'again', delayMillis };
}

/** Reads the classification that an error carries. Whatever carries none may be tried again. */
export function failureOf(error: unknown): Failure {
  return error instanceof ExportError || isFailure(error) ? error.failure : { kind: 'retryable' };
}

const KINDS: readonly unknown[] = ['retryable', 'throttled', 'permanent', 'tooLarge', 'unknownOutcome'];

/** Two copies of this package may be loaded: the shape counts, not the class. */
function isFailure(error: unknown): error is { failure: Failure } {
  return KINDS.includes((error as { failure?: { kind?: unknown } } | null | undefined)?.failure?.kind);
}

/** Refuses a classification that is none. */
export function soundFailure(failure: Failure): Failure {
  if (KINDS.includes((failure as Failure | undefined)?.kind)) return failure;
  throw new InvalidOptionError('classify()', `a failure, of the kinds ${KINDS.join(', ')}`, failure);
}
