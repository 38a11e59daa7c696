import type { Failure } from '../../model/sink.ts';

/** OTLP 1.11, "Failures" and "OTLP/HTTP Throttling": these four say "later", every other failure says "never". */
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** How a Collector of OpenTelemetry says 413: with the status 400, and the text of Go's `http.MaxBytesError`, alone or behind what it was doing. */
const TOO_LARGE_TEXT = /(^|: )(http: )?request body too large$/i;

/** What an HTTP status that is no success means for the batch. */
export function failureOfStatus(status: number, retryAfter: string | undefined, nowMillis: number): Failure {
  if (status === 413) return { kind: 'tooLarge' };
  if (!RETRYABLE_STATUSES.has(status)) return { kind: 'permanent' };
  const retryAfterMillis = parseRetryAfter(retryAfter, nowMillis);
  return retryAfterMillis === undefined ? { kind: 'retryable' } : { kind: 'throttled', retryAfterMillis };
}

/** The same, where it is known what was said beside the status. */
export function failureOfRefusal(byStatus: Failure, status: number, said: string): Failure {
  return status === 400 && TOO_LARGE_TEXT.test(said.trim()) ? { kind: 'tooLarge' } : byStatus;
}

/**
 * Reads a `Retry-After` (RFC 9110, 10.2.3): whole seconds, or a date. A date that has passed is no wait at all; anything else is as if it
 * were not there.
 */
export function parseRetryAfter(value: string | undefined, nowMillis: number): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  // The three forms of RFC 9110, 5.6.7: `Date.parse` also takes numbers, and words before a year, and the last form for local time.
  const isAsctime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/.test(text);
  if (!isAsctime && !/^[A-Z][a-z]{2,8}, .* GMT$/.test(text)) return undefined;
  const atMillis = Date.parse(isAsctime ? `${text} GMT` : text);
  return Number.isNaN(atMillis) ? undefined : Math.max(0, atMillis - nowMillis);
}
