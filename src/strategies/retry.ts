import { InvalidOptionError } from '../model/errors.ts';
import { ExportError, type Failure } from '../model/sink.ts';

/** What to do after a failed attempt. */
export type RetryDecision =
  | { readonly kind: 'again'; readonly delayMillis: number }
  | { readonly kind: 'giveUp'; readonly because: 'permanent' | 'attempts' | 'elapsed' };

export interface RetryState {
  /** Attempts that were made, the first one included. */
  readonly attempts: number;
  readonly elapsedMillis: number;
  /** The next wait of the backoff. */
  readonly backoffMillis: number;
}

export interface RetryLimits {
  readonly maxAttempts: number;
  readonly maxElapsedMillis: number;
  readonly maxRetryAfterMillis: number;
}

/**
 * Decides whether to try again, and when. A delay that the server asks for counts when it is longer than the backoff, up to a cap: a `Retry-After` of a day is
 * more often a mistake than meant. A wait that would end after the time limit is not begun.
 */
export function decideRetry(failure: Failure, state: RetryState, limits: RetryLimits): RetryDecision {
  if (failure.kind === 'permanent' || failure.kind === 'tooLarge') return { kind: 'giveUp', because: 'permanent' };
  if (state.attempts >= limits.maxAttempts) return { kind: 'giveUp', because: 'attempts' };
  // An invalid delay from the server counts as 0, and the backoff remains.
  const asked = failure.kind === 'throttled' && failure.retryAfterMillis >= 0 ? failure.retryAfterMillis : 0;
  const serverMillis = Math.min(asked, limits.maxRetryAfterMillis);
  const delayMillis = Math.max(state.backoffMillis, serverMillis);
  if (state.elapsedMillis + delayMillis >= limits.maxElapsedMillis) return { kind: 'giveUp', because: 'elapsed' };
  return { kind: 'again', delayMillis };
}

/** Reads the classification that an error carries. An error without one may be tried again. */
export function failureOf(error: unknown): Failure {
  return error instanceof ExportError || isFailure(error) ? error.failure : { kind: 'retryable' };
}

const KINDS: readonly unknown[] = ['retryable', 'throttled', 'permanent', 'tooLarge', 'unknownOutcome'];

/** Two copies of this package may be loaded: the shape counts, not the class. */
function isFailure(error: unknown): error is { failure: Failure } {
  return KINDS.includes((error as { failure?: { kind?: unknown } } | null | undefined)?.failure?.kind);
}

/** Throws if a classification is invalid. */
export function soundFailure(failure: Failure): Failure {
  if (KINDS.includes((failure as Failure | undefined)?.kind)) return failure;
  throw new InvalidOptionError('classify()', `a failure, of the kinds ${KINDS.join(', ')}`, failure);
}
