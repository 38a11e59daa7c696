import { bitsOf, nanosOfHrTime } from '../protobuf/int64.ts';
import type { OutputBuffer } from '../protobuf/outputBuffer.ts';
import type { EncoderState, LastSecond } from './encoderState.ts';

const NANOS_PER_SECOND = 1_000_000_000;
const TIME_BYTES = 9;
const TWO_16 = 0x1_0000;
const TWO_32 = 0x1_0000_0000;
/** 2^34 s lie in the year 2514, and are less than 64 bits of nanoseconds. */
const MAX_PLAIN_SECONDS = 0x4_0000_0000;

/**
 * Writes a field of nanoseconds since the epoch, exactly.
 *
 * @throws Error where the pair is no time that OTLP can hold.
 */
export function writeTimeField(
  { out, second: present }: EncoderState,
  at: number,
  tag: number,
  time: readonly [number, number],
  label: string,
  second = present,
): number {
  const seconds = time[0];
  const nanos = time[1];
  if (nanos >>> 0 !== nanos) return writeOtherTime(out, at, tag, time, label);
  if (seconds !== second.seconds) {
    if (!Number.isInteger(seconds) || seconds < 1 || seconds >= MAX_PLAIN_SECONDS)
      return writeOtherTime(out, at, tag, time, label);
    remember(second, seconds);
  }
  const low = second.low + nanos;
  const high = low < TWO_32 ? second.high : second.high + 1;
  return writeBits(out, at, tag, low, high);
}

/** Any other pair: seconds that are no integer, or 0 or very many, or nanoseconds that are no `uint32`. */
function writeOtherTime(
  out: OutputBuffer,
  at: number,
  tag: number,
  time: readonly [number, number],
  label: string,
): number {
  const { low, high } = bitsOf(nanosOfHrTime([time[0], time[1]], label));
  return low === 0 && high === 0 ? at : writeBits(out, at, tag, low, high);
}

function writeBits(out: OutputBuffer, at: number, tag: number, low: number, high: number): number {
  out.room(at, 0)[at] = tag;
  const { view } = out;
  view.setInt32(at + 1, low, true);
  view.setInt32(at + 5, high, true);
  return at + TIME_BYTES;
}

/** In two halves of the seconds, so that no product reaches 2^53. */
function remember(second: LastSecond, seconds: number): void {
  const upper = Math.floor(seconds / TWO_16) * NANOS_PER_SECOND;
  const lower = (seconds % TWO_16) * NANOS_PER_SECOND + (upper % TWO_16) * TWO_16;
  second.seconds = seconds;
  second.low = lower % TWO_32;
  second.high = Math.floor(upper / TWO_16) + Math.floor(lower / TWO_32);
}
