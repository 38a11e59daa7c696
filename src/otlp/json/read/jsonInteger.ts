import type { Writer } from './protobufWriter.ts';

// Most integers are written here without a bigint. All others, and what is not an integer, are left to the exact reader in jsonWire.ts.

const TWO_16 = 0x1_0000;
const TWO_32 = 0x1_0000_0000;
const NANOS_PER_SECOND = 1_000_000_000;
const NANOS_DIGITS = 9;
/** Any number of this many digits is a safe integer. */
const MAX_SAFE_DIGITS = 15;
/** Any number of this many digits fits 64 bits. */
const MAX_DIGITS = 19;

const MOST: Readonly<Record<string, number>> = {
  int32: 2 ** 31 - 1,
  uint32: 2 ** 32 - 1,
  fixed32: 2 ** 32 - 1,
  sint32: 2 ** 31 - 1,
  int64: Number.MAX_SAFE_INTEGER,
  uint64: Number.MAX_SAFE_INTEGER,
  fixed64: Number.MAX_SAFE_INTEGER,
  sfixed64: Number.MAX_SAFE_INTEGER,
};

/** Writes a non-negative integer. Returns `false`, and writes nothing, for a value that the exact reader must take. */
export function writeWhole(writer: Writer, json: unknown, type: string): boolean {
  const value = typeof json === 'string' ? digits(json, 0, json.length) : json;
  if (!Number.isSafeInteger(value) || (value as number) < 0 || (value as number) > (MOST[type] as number)) return false;
  putWhole(writer, value as number, type);
  return true;
}

function putWhole(writer: Writer, value: number, type: string): void {
  if (type === 'fixed32') writer.fixed32(value);
  else if (type === 'fixed64' || type === 'sfixed64') {
    writer.fixed32(value);
    writer.fixed32(Math.floor(value / TWO_32));
  } else writer.varint(type === 'sint32' ? value * 2 : value);
}

/** Writes a string of decimal digits as 64 bits. Returns `false`, and writes nothing, for a value that the exact reader must take. */
export function writeNanos(writer: Writer, json: unknown): boolean {
  if (!splitNanos(halves, json)) return false;
  writer.fixed32(halves.low);
  writer.fixed32(halves.high);
  return true;
}

const halves = { low: 0, high: 0 };

/** The two halves of a string of ten to nineteen decimal digits. Returns `false`, and changes nothing, for any other value. */
export function splitNanos(into: { low: number; high: number }, json: unknown): boolean {
  if (typeof json !== 'string' || json.length <= NANOS_DIGITS || json.length > MAX_DIGITS) return false;
  const seconds = digits(json, 0, json.length - NANOS_DIGITS);
  const nanos = digits(json, json.length - NANOS_DIGITS, json.length);
  if (seconds < 0 || nanos < 0) return false;
  // The seconds are multiplied in two parts, so that no product and no sum reaches 2^53.
  const upper = Math.trunc(seconds / TWO_16) * NANOS_PER_SECOND;
  const carried = upper & 0xffff;
  const lower = (seconds & 0xffff) * NANOS_PER_SECOND + nanos + carried * TWO_16;
  into.low = lower | 0;
  into.high = (upper - carried) / TWO_16 + (lower - (into.low >>> 0)) / TWO_32;
  return true;
}

/** The number of a range of digits, or -1 for no digits, too many digits, or other characters. */
function digits(text: string, start: number, end: number): number {
  if (end === start || end - start > MAX_SAFE_DIGITS) return -1;
  let value = 0;
  for (let index = start; index < end; index++) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
