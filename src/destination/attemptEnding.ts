import { RaceTimeoutError } from '../model/errors.ts';
import { failureOf } from '../strategies/retry.ts';
import type { AttemptResult } from './layer.ts';

export const ACCEPTED: AttemptResult = Object.freeze({ ending: 'accepted' });
export const CANCELLED: AttemptResult = Object.freeze({ ending: 'cancelled' });

/** What became of an attempt that failed with this error. A timeout counts as `timedOut`, also where the sink knows that nothing was sent. */
export function resultOfError(error: unknown, maxRetryAfterMillis = 0): AttemptResult {
  if (error instanceof RaceTimeoutError) return { ending: 'timedOut' };
  const failure = failureOf(error);
  if (failure.kind !== 'throttled') return { ending: failure.kind };
  // An invalid delay from the server counts as none.
  const asked = failure.retryAfterMillis > 0 ? failure.retryAfterMillis : 0;
  return { ending: 'throttled', retryAfterMillis: Math.min(asked, maxRetryAfterMillis) };
}
