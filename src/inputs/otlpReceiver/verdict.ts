import { isFinalLoss } from '../../model/finalLoss.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { ExportError } from '../../model/sink.ts';
import type { Loss, Tally } from '../../model/tally.ts';
import type { ExportServiceResponse } from '../../otlp/responses/response.ts';

/** How a request is answered, in both protocols. */
export interface Verdict {
  /** Of OTLP/HTTP. */
  readonly status: number;
  /** Of OTLP/gRPC, and in the body of a failure. */
  readonly code: number;
  /** Why, in English. Empty where there is nothing to say. */
  readonly message: string;
  /** Items of a request that was accepted which will never be delivered: a partial success. */
  readonly rejected?: number;
  /** After how long the sender may try again. Left out: the sender decides, or must not. */
  readonly retryAfterMillis?: number;
}

export const OK: Verdict = Object.freeze({ status: 200, code: 0, message: '' });

/** What a success says of the items that were rejected; `undefined` where there is nothing to say. */
export function partialSuccessOf({ rejected = 0, message }: Verdict): ExportServiceResponse | undefined {
  return rejected === 0 && message === '' ? undefined : { rejected, message };
}

/** The request cannot be understood, or not as it is: sending it again is in vain. */
export function malformed(message: string): Verdict {
  return { status: 400, code: 3, message };
}

/** The same, of a request that is over a limit. Without `RetryInfo`, RESOURCE_EXHAUSTED must not be tried again. */
export function tooLarge(message: string): Verdict {
  return { status: 413, code: 8, message };
}

/** The sender has no right to send. */
export function unauthenticated(message: string): Verdict {
  return { status: 401, code: 16, message };
}

/** There is nobody here who takes this, and there will not be. */
export function notServed(message: string): Verdict {
  return { status: 404, code: 12, message };
}

/** More comes than is taken: the sender is to send less. */
export function busy(message: string, retryAfterMillis: number): Verdict {
  return { status: 429, code: 8, message, retryAfterMillis };
}

/** What is behind cannot take it now, whoever sends it. */
export function unavailable(message: string, retryAfterMillis: number): Verdict {
  return { status: 503, code: 14, message, retryAfterMillis };
}

/** The sender was too slow. */
export function tooSlow(message: string): Verdict {
  return { status: 408, code: 4, message };
}

/** A fault of ours. */
export function internal(message: string): Verdict {
  return { status: 500, code: 13, message };
}

/** What `exportTo` settles a hold with says more than a tally. */
type Ending = Tally & Partial<Pick<Outcome<unknown>, 'error' | 'message'>>;

/**
 * What the sender of a batch that ended so is told.
 *
 * Items that another attempt might deliver make the whole request one to send again, although some of it may have arrived: rather twice than not at all. Items that never will be delivered are rejected ones: a partial success, or a failure for good if they are all.
 * Items that were taken out on the way (filtered, sampled) count as taken.
 *
 * @param retryAfterMillis unless the backend has asked for more
 */
export function verdictOf(ending: Ending, size: number, retryAfterMillis: number): Verdict {
  const lost = ending.lost.filter(({ count }) => count > 0);
  const transient = lost.filter(({ reason }) => !isFinalLoss(reason));
  if (transient.length > 0) return again(transient, Math.max(retryAfterMillis, askedFor(ending) ?? 0));
  const final = lost.filter(({ reason }) => reason !== 'unsampled');
  const lostCount = sum(final);
  if (lostCount === size) return forGood(final);
  const rejected = ending.rejected + lostCount;
  if (rejected === 0) return ending.message === undefined ? OK : { ...OK, message: ending.message };
  return { ...OK, rejected, message: ending.message ?? `${rejected} of ${size} items were refused for good` };
}

function again(lost: readonly Loss[], retryAfterMillis: number): Verdict {
  const [{ reason, stage } = { reason: 'unknown', stage: 'unknown' }] = lost;
  const message = `${sum(lost)} items could not be delivered (${reason} at ${stage}): send the request again`;
  const isOurs = lost.every((loss) => loss.reason === 'queueFull');
  return isOurs ? busy(message, retryAfterMillis) : unavailable(message, retryAfterMillis);
}

function forGood(lost: readonly Loss[]): Verdict {
  const [{ reason, stage } = { reason: 'unknown', stage: 'unknown' }] = lost;
  const message = `the items were refused for good (${reason} at ${stage})`;
  return lost.every((loss) => loss.reason === 'tooLarge') ? tooLarge(message) : malformed(message);
}

/** The backend's `Retry-After`. */
function askedFor({ error }: Ending): number | undefined {
  const failure = (error as Partial<ExportError> | undefined)?.failure;
  return failure?.kind === 'throttled' ? failure.retryAfterMillis : undefined;
}

function sum(losses: readonly Loss[]): number {
  return losses.reduce((all, { count }) => all + count, 0);
}
