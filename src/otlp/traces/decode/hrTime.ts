import { listOf } from './plainObject.ts';

const NANOS_PER_SECOND = 1_000_000_000;
const TWO_16 = 0x1_0000;
const TWO_32 = 0x1_0000_0000;

/** The second that the last time fell into, and where it begins: most times that are read one after the other lie in it. */
const last = { seconds: 0, low: 0, high: -1 };

/** Nanoseconds since the epoch, as two unsigned halves, in seconds and nanoseconds. */
export function hrTimeOf(low: number, high: number): [number, number] {
  const nanos = low - last.low;
  return high === last.high && nanos >= 0 && nanos < NANOS_PER_SECOND
    ? listOf(last.seconds, nanos)
    : divided(low, high);
}

/** By long division: no number here reaches 2^53. */
function divided(low: number, high: number): [number, number] {
  const first = Math.floor(high / NANOS_PER_SECOND);
  const upper = (high - first * NANOS_PER_SECOND) * TWO_16 + (low >>> 16);
  const second = Math.floor(upper / NANOS_PER_SECOND);
  const lower = (upper - second * NANOS_PER_SECOND) * TWO_16 + (low & 0xffff);
  const third = Math.floor(lower / NANOS_PER_SECOND);
  const nanos = lower - third * NANOS_PER_SECOND;
  const seconds = first * TWO_32 + second * TWO_16 + third;
  // A second that begins before the half does is not worth the trouble.
  if (low >= nanos) remember(seconds, low - nanos, high);
  return listOf(seconds, nanos);
}

function remember(seconds: number, low: number, high: number): void {
  last.seconds = seconds;
  last.low = low;
  last.high = high;
}

/** From a start to an end; nothing where the end is earlier. */
export function lasted(start: readonly [number, number], end: readonly [number, number]): [number, number] {
  const seconds = end[0] - start[0];
  const nanos = end[1] - start[1];
  if (seconds < 0 || (seconds === 0 && nanos < 0)) return listOf(0, 0);
  return nanos < 0 ? listOf(seconds - 1, nanos + NANOS_PER_SECOND) : listOf(seconds, nanos);
}
