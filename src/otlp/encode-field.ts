import { shown } from '../errors.ts';
import type { Encoding } from './encoding.ts';
import { bitsOf, nanosOfHrTime } from './int64.ts';
import { ownCopyOf } from './memo.ts';
import type { Writer } from './writer.ts';

// Fields that several messages have in common. As proto3 has it, what is 0 or empty is left off the wire.

export const TRACE_ID_DIGITS = 32;
export const SPAN_ID_DIGITS = 16;

const NANOS_PER_SECOND = 1_000_000_000;
const TWO_16 = 0x1_0000;
const TWO_32 = 0x1_0000_0000;
/** 2^34 s lie in the year 2514, and are less than 64 bits of nanoseconds. */
const MAX_PLAIN_SECONDS = 0x4_0000_0000;
const MAX_UINT32 = 0xffff_ffff;

/** Any string; what is not a string becomes one. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : String(value);
}

export function writeText(writer: Writer, tag: number, value: unknown): void {
  const text = textOf(value);
  if (text === '') return;
  writer.byte(tag);
  writer.text(text);
}

/** A text that often comes again. */
export function writeName({ writer, names }: Encoding, tag: number, name: string): void {
  if (name === '') return;
  writer.byte(tag);
  const start = writer.at;
  const known = names.find(name);
  if (known !== undefined) {
    writer.raw(known);
    return;
  }
  writer.text(name);
  if (names.wants(name)) names.keep(ownCopyOf(name), writer.copyFrom(start));
}

export function writeCount(writer: Writer, tag: number, value: number): void {
  if (value === 0) return;
  writer.byte(tag);
  writer.varint(value);
}

/** How many attributes are missing: what the program says, and those that were left out here. */
export function missingOf(dropped: number | undefined, leftOut: number): number {
  const counted = dropped !== undefined && dropped > 0 ? Math.trunc(dropped) : 0;
  return Math.min(counted + leftOut, MAX_UINT32);
}

/** @throws Error where `id` is not that many hex digits. */
export function writeId(writer: Writer, tag: number, id: unknown, digits: number, field: string): void {
  if (typeof id === 'string' && id.length === digits && writer.hex(tag, id)) return;
  throw new Error(`its ${field} must be ${digits} hex digits, but is ${shown(id)}`);
}

/**
 * Writes nanoseconds since the epoch, exact.
 *
 * @throws Error where the pair is no time that OTLP can hold.
 */
export function writeTime(writer: Writer, tag: number, time: readonly [number, number], field: string): void {
  const seconds = time[0];
  const nanos = time[1];
  if (!isPlain(seconds, MAX_PLAIN_SECONDS) || !isPlain(nanos, NANOS_PER_SECOND)) {
    const { low, high } = bitsOf(nanosOfHrTime([seconds, nanos], field));
    writeFixed64(writer, tag, low, high);
    return;
  }
  // No bigint: the seconds are multiplied in two parts, of which no product and no sum reaches 2^53.
  const upper = Math.trunc(seconds / TWO_16) * NANOS_PER_SECOND;
  const carried = upper & 0xffff;
  const lower = (seconds & 0xffff) * NANOS_PER_SECOND + nanos + carried * TWO_16;
  const low = lower | 0;
  writeFixed64(writer, tag, low, (upper - carried) / TWO_16 + (lower - (low >>> 0)) / TWO_32);
}

function isPlain(value: number, below: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < below;
}

function writeFixed64(writer: Writer, tag: number, low: number, high: number): void {
  if (low === 0 && high === 0) return;
  writer.fixed64(tag, low, high);
}
