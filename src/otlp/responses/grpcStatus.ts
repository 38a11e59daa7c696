import type { Failure } from '../../model/sink.ts';

/** OTLP 1.11, "Failures" of OTLP/gRPC: CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE and DATA_LOSS may be tried again. */
const RETRYABLE_CODES: ReadonlySet<number> = new Set([1, 4, 10, 11, 14, 15]);
/** Only when the backend says after how long. */
const RESOURCE_EXHAUSTED = 8;
const OUT_OF_RANGE = 11;
/** How servers in Go, Node.js, Python, Java and Rust say that a message is over their limit. The code (OUT_OF_RANGE in Rust) does not say so alone. */
const TOO_LARGE_TEXT =
  /message (after decompression |that decompresses to a size )?larger than|message exceeds maximum size|message length too large/i;

/** What a status of gRPC other than OK means for the batch. */
export function failureOfCode(code: number, said: string, retryAfterMillis: number | undefined): Failure {
  const isLimit = code === RESOURCE_EXHAUSTED || code === OUT_OF_RANGE;
  if (isLimit && TOO_LARGE_TEXT.test(said)) return { kind: 'tooLarge' };
  const mayRetry = RETRYABLE_CODES.has(code) || (code === RESOURCE_EXHAUSTED && retryAfterMillis !== undefined);
  if (!mayRetry) return { kind: 'permanent' };
  return retryAfterMillis === undefined ? { kind: 'retryable' } : { kind: 'throttled', retryAfterMillis };
}
