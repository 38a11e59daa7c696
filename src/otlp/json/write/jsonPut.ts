import { Buffer } from 'node:buffer';
import type { Output } from '../../protobuf/outputBuffer.ts';
import { likelyBytes, NOTHING, roomFor, SHORT_TEXT, writeUtf8 } from '../../protobuf/write.ts';

// Each of these writes at a place, and says where what it wrote ends. Those that are given the output make their own room;
// those that are given its bytes count on it. Each field of an object and each item of a list begins with a comma; of the first,
// the bracket takes its place when the whole is closed.

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const OPEN_LIST = 0x5b;
export const CLOSE_LIST = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;

const ZERO = 0x30;
const BACKSLASH = 0x5c;
const MAX_SHORT_INTEGER = 1e9;

/** Room for what belongs to a field but for a text in it: its name, brackets, and a number. */
export const FIELD_BYTES = 128;

/** Bytes that stand for themselves in a text: not the control characters, not what ends it, not what escapes. */
const STANDS_FOR_ITSELF = new Uint8Array(0x100).fill(1);
STANDS_FOR_ITSELF.fill(0, 0, 0x20);
STANDS_FOR_ITSELF[QUOTE] = 0;
STANDS_FOR_ITSELF[BACKSLASH] = 0;

/** The lower case of each ASCII character that is a hex digit; above ASCII where it is none. */
const HEX_DIGITS = new Uint8Array(0x80).fill(0x80);
for (const digit of '0123456789abcdef') {
  HEX_DIGITS[digit.charCodeAt(0)] = digit.charCodeAt(0);
  HEX_DIGITS[digit.toUpperCase().charCodeAt(0)] = digit.charCodeAt(0);
}

/** What is written again and again as it is: ASCII. */
export function constant(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

/** Ends an object of the fields that were written from `start` to `end`. */
export function closeObject(out: Output, start: number, end: number): number {
  return close(out, start, end, OPEN_OBJECT, CLOSE_OBJECT);
}

/** Ends a list of the items that were written from `start` to `end`. */
export function closeList(out: Output, start: number, end: number): number {
  return close(out, start, end, OPEN_LIST, CLOSE_LIST);
}

function close(out: Output, start: number, end: number, opening: number, closing: number): number {
  const bytes = out.room(end, 2);
  const at = start === end ? end + 1 : end;
  bytes[start] = opening;
  bytes[at] = closing;
  return at + 1;
}

/** A text in quotation marks; lone surrogates become U+FFFD. */
export function putQuoted(out: Output, at: number, text: string): number {
  if (text.length <= SHORT_TEXT) {
    const end = putShort(out.room(at, SHORT_TEXT + 2), at, text);
    if (end !== NOTHING) return end;
  }
  return putLong(out, at, text);
}

/** {@link NOTHING} where it is not ASCII that stands for itself. */
function putShort(bytes: Buffer, start: number, text: string): number {
  const units = text.length;
  let at = start;
  bytes[at++] = QUOTE;
  for (let index = 0; index < units; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f || STANDS_FOR_ITSELF[unit] === 0) return NOTHING;
    bytes[at++] = unit;
  }
  bytes[at] = QUOTE;
  return at + 1;
}

function putLong(out: Output, start: number, text: string): number {
  const bytes = out.room(start, 2 + roomFor(text, likelyBytes(text)));
  const end = start + 1 + writeUtf8(bytes, start + 1, text);
  // Bytes are looked through faster than characters; and lone surrogates are mended by now.
  let areAll = 1;
  for (let at = start + 1; at < end; at++) areAll &= STANDS_FOR_ITSELF[bytes[at] as number] as number;
  if (areAll === 0) return putEscaped(out, start, JSON.stringify(text.toWellFormed()));
  bytes[start] = QUOTE;
  bytes[end] = QUOTE;
  return end + 1;
}

function putEscaped(out: Output, at: number, json: string): number {
  return at + writeUtf8(out.room(at, roomFor(json, likelyBytes(json))), at, json);
}

/** ASCII as it is, of any length. */
export function putAsIs(out: Output, at: number, text: string): number {
  return at + writeUtf8(out.room(at, text.length), at, text);
}

/** A number in at most 24 characters of ASCII. */
export function putNumber(bytes: Buffer, start: number, value: number): number {
  if (value >= 0 && value < MAX_SHORT_INTEGER && (value | 0) === value) return putShortInteger(bytes, start, value);
  const text = String(value);
  for (let index = 0; index < text.length; index++) bytes[start + index] = text.charCodeAt(index);
  return start + text.length;
}

function putShortInteger(bytes: Buffer, at: number, value: number): number {
  let count = 1;
  for (let power = 10; power <= value; power *= 10) count += 1;
  return putDigits(bytes, at, value, count);
}

/** The last digits of a whole number from 0 to 2^31. */
export function putDigits(bytes: Buffer, start: number, value: number, count: number): number {
  let rest = value | 0;
  for (let at = start + count - 1; at >= start; at--) {
    const tenth = (rest / 10) | 0;
    bytes[at] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  return start + count;
}

/** Hex digits, in lower case, or {@link NOTHING} where others are among them. */
export function putHexDigits(bytes: Buffer, start: number, text: string): number {
  const units = text.length;
  let seen = 0;
  for (let index = 0; index < units; index++) {
    const unit = text.charCodeAt(index);
    const digit = HEX_DIGITS[unit & 0x7f] as number;
    bytes[start + index] = digit;
    // What is no digit is above ASCII, and so is what is no ASCII.
    seen |= digit | unit;
  }
  return seen < 0x80 ? start + units : NOTHING;
}
