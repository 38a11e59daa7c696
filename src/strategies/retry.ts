import { mistakeInWords } from '../internal/validation.ts';
import { InvalidOptionError, shown } from '../model/errors.ts';
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

/**
 * Throws if a classification is invalid.
 *
 * @param error what was classified: an `ExportError` whose own failure is invalid is told as such
 * @param thrower who has made it
 */
export function soundFailure(failure: Failure, error: unknown, thrower = ''): Failure {
  if (KINDS.includes((failure as Failure | undefined)?.kind)) return failure;
  if (error instanceof ExportError && error.failure === failure) throw wrongKind(failure, thrower);
  throw new InvalidOptionError('classify()', `a failure, of the kinds ${KINDS.join(', ')}`, failure);
}

function wrongKind(failure: Partial<Failure> | undefined, thrower: string): InvalidOptionError {
  const option = `the ExportError${thrower && ` of ${thrower}`}`;
  const kind = failure?.kind;
  const has =
    kind === undefined
      ? "has no kind: it is made as new ExportError({ kind: 'retryable' }, message)"
      : `has the kind ${typeof kind === 'string' ? `'${shown(kind).slice(1, -1)}'` : shown(kind)}`;
  return mistakeInWords(option, 'of a known kind', failure, `${option} ${has}; kinds are ${KINDS.join(', ')}`);
}
