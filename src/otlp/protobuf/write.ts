import { Buffer } from '../../internal/buffer.ts';
import type { OutputBuffer } from './outputBuffer.ts';

// Each function writes at a place, and returns where it ended. A function that takes the output buffer makes its own room; one that
// takes bytes relies on its caller for that.

/** The longest varint. */
export const MAX_VARINT_BYTES = 10;
/** Returned instead of a place where nothing could be written. Hot paths return -1, and test for a negative number (see README). */
export const NOT_WRITTEN = -1;

/** Up to this length, a loop over the characters is faster than a call into the engine. */
const SHORT_TEXT = 16;
/** Up to this length, room for the longest form of a string is taken unmeasured. */
const UNMEASURED_TEXT = 4096;
const MAX_BYTES_PER_UNIT = 3;
const TWO_32 = 0x1_0000_0000;

/** The value of each ASCII character as a hex digit; negative where it is none. */
const NIBBLES = new Int8Array(0x80).fill(-1);
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16);
  NIBBLES[digit.charCodeAt(0)] = value;
  NIBBLES[digit.toUpperCase().charCodeAt(0)] = value;
}

/** A whole number from 0 to 2^53. */
export function writeVarint(bytes: Buffer, start: number, value: number): number {
  return value > 0x7fff_ffff ? putLongVarint(bytes, start, value) : writeSize(bytes, start, value);
}

/** A whole number from 0 to 2^31: as {@link writeVarint} does. */
export function writeSize(bytes: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at] = rest;
  return at + 1;
}

function putLongVarint(bytes: Buffer, at: number, value: number): number {
  bytes[at] = (value % 0x80) | 0x80;
  return writeVarint(bytes, at + 1, Math.floor(value / 0x80));
}

/** A varint of 64 bits, as two halves. */
export function writeVarint64(bytes: Buffer, start: number, low: number, high: number): number {
  let at = start;
  let lower = low >>> 0;
  let upper = high >>> 0;
  while (upper !== 0) {
    bytes[at++] = (lower & 0x7f) | 0x80;
    lower = ((lower >>> 7) | (upper << 25)) >>> 0;
    upper >>>= 7;
  }
  return writeVarint(bytes, at, lower);
}

/** A safe integer as `int64` has it: negative numbers take ten bytes. */
export function writeInt64(bytes: Buffer, at: number, value: number): number {
  return value >= 0 ? writeVarint(bytes, at, value) : writeVarint64(bytes, at, value, Math.floor(value / TWO_32));
}

/** How many bytes a number takes as a varint. */
export function varintBytes(value: number): number {
  return value <= 0x7f ? 1 : longVarintBytes(value);
}

function longVarintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}

/** Writes the bytes of a hex string, half as many as it has digits. Returns {@link NOT_WRITTEN} where a character is no hex digit. */
export function writeHex(bytes: Buffer, start: number, text: string, digits: number): number {
  let at = start;
  let seen = 0;
  for (let index = 0; index < digits; index += 2) {
    const first = text.charCodeAt(index);
    const second = text.charCodeAt(index + 1);
    const byte = ((NIBBLES[first & 0x7f] as number) << 4) | (NIBBLES[second & 0x7f] as number);
    bytes[at++] = byte;
    // A character that is no hex digit makes this negative, and one outside of ASCII makes it larger than a byte.
    seen |= byte | (((first | second) & 0xff80) << 8);
  }
  return seen >= 0 && seen <= 0xff ? at : -1;
}

/** The length of a string and the string, in UTF-8; lone surrogates become U+FFFD. */
export function writeString(out: OutputBuffer, at: number, text: string): number {
  return putSized(out, at, text, likelyBytes(text));
}

/** How many bytes a string probably takes: as many as it has characters, which is right for most. Long ones are measured. */
export function likelyBytes(text: string): number {
  return text.length <= UNMEASURED_TEXT ? text.length : Buffer.byteLength(text);
}

/** Room for the string whatever it holds, given its likely bytes. */
export function roomFor(text: string, likely: number): number {
  return likely <= UNMEASURED_TEXT ? text.length * MAX_BYTES_PER_UNIT : likely;
}

function putSized(out: OutputBuffer, at: number, text: string, size: number): number {
  const bytes = out.room(at, roomFor(text, size));
  const start = writeVarint(bytes, at, size);
  const written = writeUtf8(bytes, start, text);
  return written === size ? start + written : putSized(out, at, text, written);
}

/** What `Buffer.write` calls when it has looked at its arguments. */
interface Utf8Writer {
  utf8Write(text: string, start: number, mostBytes: number): number;
}

/** @returns how many bytes it took */
export function writeUtf8(bytes: Buffer, start: number, text: string): number {
  return writeShortAscii(bytes, start, text) < 0 ? writeLongUtf8(bytes, start, text) : text.length;
}

/** The same for strings that are long. */
export function writeLongUtf8(bytes: Buffer, start: number, text: string): number {
  return (bytes as unknown as Utf8Writer).utf8Write(text, start, bytes.length - start);
}

/** A short ASCII string, or {@link NOT_WRITTEN} for any other. */
export function writeShortAscii(bytes: Buffer, start: number, text: string): number {
  const units = text.length;
  if (units > SHORT_TEXT) return -1;
  for (let index = 0; index < units; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) return -1;
    bytes[start + index] = unit;
  }
  return start + units;
}

/** Bytes as they are. */
export function writeBytes(out: OutputBuffer, at: number, encoded: Uint8Array): number {
  out.room(at, encoded.length).set(encoded, at);
  return at + encoded.length;
}

/**
 * Writes the length of a message before it, which has been written.
 *
 * @param start where its length belongs: one byte was left for that
 * @param end where the message ends
 */
export function writeLength(out: OutputBuffer, start: number, end: number): number {
  const length = end - start - 1;
  if (length > 0x7f) return writeWideLength(out, start, 1, end);
  out.bytes[start] = length;
  return end;
}

/** The same where `width` bytes were left: if the length takes others, the message is moved. */
export function writeWideLength(out: OutputBuffer, start: number, width: number, end: number): number {
  const length = end - start - width;
  const shift = varintBytes(length) - width;
  const bytes = out.room(end, 0);
  if (shift !== 0) bytes.copyWithin(start + width + shift, start + width, end);
  writeVarint(bytes, start, length);
  return end + shift;
}
