import { shown } from '../../../model/errors.ts';
import type { EncoderState } from '../../encode/encoderState.ts';
import type { OutputBuffer } from '../../protobuf/outputBuffer.ts';
import { MAX_VARINT_BYTES, varintBytes, writeSize, writeVarint, writeWideLength } from '../../protobuf/write.ts';

// Fields of numbers, as `encode/fields.ts` has those of other values. The tag is one byte.

const TWO_32 = 0x1_0000_0000;
const TWO_64 = TWO_32 * TWO_32;
const EIGHT_BYTES = 8;

/** A double, written even if it is 0. */
export function writeDoubleField(out: OutputBuffer, at: number, tag: number, value: number): number {
  if (typeof value !== 'number') refuse('values must be numbers', value);
  out.room(at, 0)[at] = tag;
  out.view.setFloat64(at + 1, value, true);
  return at + 1 + EIGHT_BYTES;
}

/** A double that may be absent, such as the sum of a histogram. */
export function writeOptionalDouble(out: OutputBuffer, at: number, tag: number, value: number | undefined): number {
  return value === undefined ? at : writeDoubleField(out, at, tag, value);
}

/** A double, written unless it is 0. */
export function writePlainDouble(out: OutputBuffer, at: number, tag: number, value: number): number {
  return Object.is(value, 0) ? at : writeDoubleField(out, at, tag, value);
}

/** A whole number as 64 bits, written even if it is 0. What a double holds of it is exact. */
export function writeInt64Field(out: OutputBuffer, at: number, tag: number, value: number): number {
  const high = Math.floor(value / TWO_32);
  out.room(at, 0)[at] = tag;
  const { view } = out;
  view.setInt32(at + 1, value, true);
  view.setInt32(at + 5, high, true);
  return at + 1 + EIGHT_BYTES;
}

/** A count as 64 bits, written unless it is 0. */
export function writeCountField(out: OutputBuffer, at: number, tag: number, value: number): number {
  if (value === 0) return at;
  return writeInt64Field(out, at, tag, value >>> 0 === value ? value : checkedCount(value));
}

/** Any integer of 32 bits, near 0 in few bytes (`sint32`), written unless it is 0. */
export function writeSint32Field(out: OutputBuffer, at: number, tag: number, value: number): number {
  if ((value | 0) !== value) refuse('scale and offsets must be integers of 32 bits', value);
  if (value === 0) return at;
  const bytes = out.room(at, 0);
  bytes[at] = tag;
  return writeVarint(bytes, at + 1, ((value << 1) ^ (value >> 31)) >>> 0);
}

/** Counts of 64 bits each, in one field. */
export function writeCounts(state: EncoderState, start: number, tag: number, counts: readonly number[]): number {
  const many = counts.length; // read once: it may be a getter's, and grow
  if (many === 0) return start;
  let at = beginPacked(state, start, tag, many);
  const { view } = state.out;
  for (let index = 0; index < many; index++) {
    const value = counts[index] as number;
    const high = value >>> 0 === value ? 0 : Math.floor(checkedCount(value) / TWO_32);
    view.setInt32(at, value, true);
    view.setInt32(at + 4, high, true);
    at += EIGHT_BYTES;
  }
  return at;
}

/** Doubles in one field. */
export function writeDoubles(state: EncoderState, start: number, tag: number, doubles: readonly number[]): number {
  const many = doubles.length; // read once: it may be a getter's, and grow
  if (many === 0) return start;
  let at = beginPacked(state, start, tag, many);
  const { view } = state.out;
  for (let index = 0; index < many; index++) {
    const value = doubles[index] as number;
    if (typeof value !== 'number') refuse('boundaries must be numbers', value);
    view.setFloat64(at, value, true);
    at += EIGHT_BYTES;
  }
  return at;
}

/** Counts as varints, in one field. */
export function writeVarintCounts(state: EncoderState, start: number, tag: number, counts: readonly number[]): number {
  const many = counts.length; // read once: it may be a getter's, and grow
  if (many === 0) return start;
  const { out } = state;
  state.spend(many, 0);
  // Most counts take one byte.
  const width = varintBytes(many);
  const bytes = out.room(start, many * MAX_VARINT_BYTES);
  bytes[start] = tag;
  let at = start + 1 + width;
  for (let index = 0; index < many; index++) {
    const value = counts[index] as number;
    at = writeVarint(bytes, at, value >>> 0 === value ? value : checkedCount(value));
  }
  return writeWideLength(out, start + 1, width, at);
}

/** Makes room for numbers of eight bytes each, and writes the tag and the length before them. */
function beginPacked(state: EncoderState, start: number, tag: number, many: number): number {
  state.spend(many, 0);
  const bytes = state.out.room(start, many * EIGHT_BYTES);
  bytes[start] = tag;
  return writeSize(bytes, start + 1, many * EIGHT_BYTES);
}

/** @throws Error where it is no whole number that 64 bits hold. */
function checkedCount(value: number): number {
  if (!(Number.isInteger(value) && value >= 0 && value < TWO_64))
    refuse('counts must be whole numbers from 0 to 2^64', value);
  return value;
}

function refuse(rule: string, value: unknown): never {
  throw new Error(`its ${rule}, but one is ${shown(value)}`);
}
