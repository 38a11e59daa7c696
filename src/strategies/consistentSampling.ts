// OpenTelemetry's consistent probability sampling (specification, "TraceState: Probability Sampling"): a participant compares the 56-bit randomness `rv` of the trace with its rejection threshold `th`.
// "If `rv` >= `th`, keep the span, else drop the span." Without an explicit `rv`, the randomness is "the least-significant 56 bits of the TraceID". Both numbers are written as 14 hexadecimal digits here: then the
// order of the texts is the order of the numbers, and no bit is lost to a double.

/** A rejection threshold, or a randomness, as 14 lower-case hexadecimal digits. */
export type Digits56 = string;

const DIGITS = 14;
const BITS = 56;
/** OpenTelemetry's SDKs are recommended to write thresholds with 4 digits of precision. */
const PRECISION = 4;
/** "The complete list length MUST NOT exceed 256 characters." */
const MAX_LIST_LENGTH = 256;

/** The threshold of sampling everything. */
export const KEEP_ALL: Digits56 = '0'.repeat(DIGITS);

/** The least probability that a threshold can express: 2 ** -56. */
export const MIN_RATIO: number = 2 ** -BITS;

/** The threshold of a sampling probability from 2 ** -56 to 1: "(1 - Sampling_Probability) * 2^56", rounded to 4 digits behind the leading `f`s. */
export function thresholdOf(ratio: number): Digits56 {
  const all = 1n << BigInt(BITS);
  const exact = all - BigInt(Math.round(ratio * 2 ** BITS));
  const leading = /^f*/.exec(exact.toString(16).padStart(DIGITS, '0'))?.[0].length ?? 0;
  const droppedBits = BigInt(4 * Math.max(0, DIGITS - PRECISION - leading));
  const half = droppedBits === 0n ? 0n : 1n << (droppedBits - 1n);
  const rounded = ((exact + half) >> droppedBits) << droppedBits;
  return (rounded < all ? rounded : exact).toString(16).padStart(DIGITS, '0');
}

/** What spans sampled at this threshold stand for, each: "AdjustedCount = MaxAdjustedCount / (MaxAdjustedCount - Threshold)". */
export function adjustedCountOf(threshold: Digits56): number {
  return 2 ** BITS / (2 ** BITS - Number.parseInt(threshold, 16));
}

/** The fields of the `ot` entry of a `tracestate`: `th:8;rv:6e6d1a75832a2f`. */
function fieldsOf(ot: string | undefined): readonly string[] {
  return ot === undefined || ot === '' ? [] : ot.split(';');
}

function fieldIn(ot: string | undefined, key: string): string | undefined {
  const field = fieldsOf(ot).find((candidate) => candidate.startsWith(`${key}:`));
  return field?.slice(key.length + 1).toLowerCase();
}

/** The threshold in an `ot` entry; `undefined` where there is none, or none that is valid. "First extend the value with trailing zeros to make 14 digits." */
export function thresholdIn(ot: string | undefined): Digits56 | undefined {
  const th = fieldIn(ot, 'th');
  return th !== undefined && /^[0-9a-f]{1,14}$/.test(th) ? th.padEnd(DIGITS, '0') : undefined;
}

/** The explicit randomness in an `ot` entry. */
export function explicitRandomness(ot: string | undefined): Digits56 | undefined {
  const rv = fieldIn(ot, 'rv');
  return rv !== undefined && /^[0-9a-f]{14}$/.test(rv) ? rv : undefined;
}

/** The randomness of a trace without an explicit one. */
export function randomnessOf(traceId: string): Digits56 {
  return traceId.slice(-DIGITS).toLowerCase();
}

/** "If `rv` >= `th`, keep the span." */
export function isSampled(randomness: Digits56, threshold: Digits56): boolean {
  return randomness >= threshold;
}

/**
 * The `ot` entry of a span behind a sampler, for the threshold at which its trace was kept; `unknown` for a sampler without a probability. `undefined`: nothing is left of the entry.
 *
 * "An equalizing probability sampler cannot lower the threshold": the higher one of both holds. "Sampling stages that yield spans with unknown sampling probability … must erase the OpenTelemetry threshold value",
 * and "they should erase the threshold when it is apparently inconsistent". A trace that was certain to be kept keeps its entry as it came.
 */
export function sampledEntry(
  ot: string | undefined,
  randomness: Digits56,
  threshold: Digits56 | 'unknown',
): string | undefined {
  if (threshold === KEEP_ALL) return ot;
  const before = thresholdIn(ot);
  const isInconsistent = before !== undefined && !isSampled(randomness, before);
  const others = fieldsOf(ot).filter((field) => !field.startsWith('th:'));
  const bare = others.length === 0 ? undefined : others.join(';');
  if (threshold === 'unknown' || isInconsistent) return bare;
  const highest = before !== undefined && before > threshold ? before : threshold;
  const entry = [`th:${highest.replace(/0+$/, '')}`, ...others].join(';');
  return entry.length > MAX_LIST_LENGTH ? bare : entry;
}
