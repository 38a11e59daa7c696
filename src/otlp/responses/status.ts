import type { Failure } from '../../model/sink.ts';

/** OTLP 1.11, "Failures" and "OTLP/HTTP Throttling": these four may be retried, and no other failure. */
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** An OpenTelemetry Collector answers a request that is too large with 400 and the text of Go's `http.MaxBytesError`, alone or behind a prefix. */
const TOO_LARGE_TEXT = /(^|: )(http: )?request body too large$/i;

export function isRetryableStatus(status: number): boolean {
  return RETRYABLE_STATUSES.has(status);
}

/** What an HTTP status other than success means for the batch. */
export function failureOfStatus(status: number, retryAfter: string | undefined, nowMillis: number): Failure {
  if (status === 413) return { kind: 'tooLarge' };
  if (!isRetryableStatus(status)) return { kind: 'permanent' };
  const retryAfterMillis = parseRetryAfter(retryAfter, nowMillis);
  return retryAfterMillis === undefined ? { kind: 'retryable' } : { kind: 'throttled', retryAfterMillis };
}

/** The same, with the text of the response body. */
export function failureOfRefusal(byStatus: Failure, status: number, said: string): Failure {
  return status === 400 && TOO_LARGE_TEXT.test(said.trim()) ? { kind: 'tooLarge' } : byStatus;
}

/**
 * The delay of a `Retry-After` (RFC 9110, 10.2.3), which is whole seconds or a date. A date in the past means 0; anything else means
 * that there is no delay.
 */
export function parseRetryAfter(value: string | undefined, nowMillis: number): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  // The three date forms of RFC 9110, 5.6.7. `Date.parse` alone also accepts other text, and takes the last form for local time.
  const isAsctime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/.test(text);
  if (!isAsctime && !/^[A-Z][a-z]{2,8}, .* GMT$/.test(text)) return undefined;
  const atMillis = Date.parse(isAsctime ? `${text} GMT` : text);
  return Number.isNaN(atMillis) ? undefined : Math.max(0, atMillis - nowMillis);
}
