import type { Reader } from '../protobuf/reader.ts';
import { listOf } from './plainObject.ts';

/** Seconds since the epoch, and nanoseconds. */
export type HrTime = [seconds: number, nanos: number];

const NANOS_PER_SECOND = 1_000_000_000;
const TWO_16 = 0x1_0000;
const TWO_32 = 0x1_0000_0000;

/** Reads nanoseconds since the epoch (fixed64). */
export function readTime(reader: Reader): HrTime {
  reader.fixed64();
  return hrTimeOf(reader.low, reader.high);
}

/** The time of two unsigned halves of nanoseconds, by long division: no number here reaches 2^53, so the result is exact. */
export function hrTimeOf(low: number, high: number): HrTime {
  const first = Math.floor(high / NANOS_PER_SECOND);
  const upper = (high - first * NANOS_PER_SECOND) * TWO_16 + (low >>> 16);
  const second = Math.floor(upper / NANOS_PER_SECOND);
  const lower = (upper - second * NANOS_PER_SECOND) * TWO_16 + (low & 0xffff);
  const third = Math.floor(lower / NANOS_PER_SECOND);
  return listOf(first * TWO_32 + second * TWO_16 + third, lower - third * NANOS_PER_SECOND);
}

/** The duration from start to end, or 0 where the end is earlier. */
export function lasted(start: readonly [number, number], end: readonly [number, number]): HrTime {
  const seconds = end[0] - start[0];
  const nanos = end[1] - start[1];
  if (seconds < 0 || (seconds === 0 && nanos < 0)) return listOf(0, 0);
  return nanos < 0 ? listOf(seconds - 1, nanos + NANOS_PER_SECOND) : listOf(seconds, nanos);
}
