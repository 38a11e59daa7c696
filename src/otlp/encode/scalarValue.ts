import { bitsOf, fitsInt64 } from '../protobuf/int64.ts';
import type { OutputBuffer } from '../protobuf/outputBuffer.ts';
import {
  likelyBytes,
  roomFor,
  varintBytes,
  writeInt64,
  writeShortAscii,
  writeString,
  writeUtf8,
  writeVarint,
  writeVarint64,
} from '../protobuf/write.ts';

// Contents of an `AnyValue` that hold no other value.

// opentelemetry.proto.common.v1: the field's number, times 8, plus how it is written (0 varint, 1 eight bytes, 2 length and content).
const STRING_VALUE = 0x0a;
const BOOL_VALUE = 0x10;
const INT_VALUE = 0x18;
const DOUBLE_VALUE = 0x21;
const REPEATED_VALUES = 0x0a;

const DOUBLE_BYTES = 8;

export function writeStringValue(out: OutputBuffer, at: number, text: string): number {
  out.room(at, 0)[at] = STRING_VALUE;
  return writeString(out, at + 1, text);
}

/** Whether a number goes out as an integer: where it is exact, and has no sign that an integer loses. */
export function isInteger(value: number): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0);
}

/** Whether a number of an array goes out as a double: then all of its numbers do, so that an array of one type stays one. */
export function hasDouble(items: readonly unknown[], count: number): boolean {
  for (let index = 0; index < count; index++) {
    const item = items[index];
    if (typeof item === 'number' && !isInteger(item)) return true;
  }
  return false;
}

export function writeNumber(out: OutputBuffer, at: number, value: number): number {
  if (!isInteger(value)) return writeDouble(out, at, value);
  const bytes = out.room(at, 0);
  bytes[at] = INT_VALUE;
  return writeInt64(bytes, at + 1, value);
}

export function writeDouble(out: OutputBuffer, at: number, value: number): number {
  out.room(at, 0)[at] = DOUBLE_VALUE;
  out.view.setFloat64(at + 1, value, true);
  return at + 1 + DOUBLE_BYTES;
}

export function writeBoolean(out: OutputBuffer, at: number, value: boolean): number {
  const bytes = out.room(at, 0);
  bytes[at] = BOOL_VALUE;
  bytes[at + 1] = value ? 1 : 0;
  return at + 2;
}

export function writeBigInt(out: OutputBuffer, at: number, value: bigint): number {
  if (!fitsInt64(value)) return writeStringValue(out, at, value.toString());
  const { low, high } = bitsOf(value);
  const bytes = out.room(at, 0);
  bytes[at] = INT_VALUE;
  return writeVarint64(bytes, at + 1, low, high);
}

/** Writes a string as an element of an array. */
export function writeStringItem(out: OutputBuffer, at: number, text: string): number {
  const bytes = out.room(at, 0);
  const end = writeShortAscii(bytes, at + 4, text);
  if (end < 0) return writeLongStringItem(out, at, text, likelyBytes(text));
  bytes[at] = REPEATED_VALUES;
  bytes[at + 1] = text.length + 2;
  bytes[at + 2] = STRING_VALUE;
  bytes[at + 3] = text.length;
  return end;
}

function writeLongStringItem(out: OutputBuffer, at: number, text: string, size: number): number {
  const bytes = out.room(at, roomFor(text, size));
  bytes[at] = REPEATED_VALUES;
  const value = writeVarint(bytes, at + 1, 1 + varintBytes(size) + size);
  bytes[value] = STRING_VALUE;
  const begin = writeVarint(bytes, value + 1, size);
  const written = writeUtf8(bytes, begin, text);
  return written === size ? begin + size : writeLongStringItem(out, at, text, written);
}
