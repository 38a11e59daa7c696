import type { Buffer } from 'node:buffer';
import { shown } from '../../../model/errors.ts';
import { KnownName } from '../../cache/knownName.ts';
import { KnownPart } from '../../cache/knownPart.ts';
import { ownCopyOf } from '../../cache/memo.ts';
import { bitsOf, nanosOfHrTime } from '../../protobuf/int64.ts';
import { Output } from '../../protobuf/outputBuffer.ts';
import { putHex, putText, putVarint } from '../../protobuf/write.ts';
import type { Encoding } from './encoding.ts';

// Fields that several messages have in common: each is written at a place, and says where it ends. As proto3 has it, what is 0
// or empty is left off the wire.

/** Room for most names. */
const NAME_BYTES = 256;

const NANOS_PER_SECOND = 1_000_000_000;
const TIME_BYTES = 9;
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

export function putTextField(out: Output, at: number, tag: number, value: unknown): number {
  const text = textOf(value);
  if (text === '') return at;
  out.room(at, 0)[at] = tag;
  return putText(out, at + 1, text);
}

/** A name that came before, or comes again now if names do. */
export function knownName(encoding: Encoding, name: string): KnownName | undefined {
  return encoding.names.find(name) ?? newName(encoding, name);
}

function newName({ names }: Encoding, name: string): KnownName | undefined {
  if (name === '' || !names.wants(name)) return undefined;
  const out = new Output(NAME_BYTES);
  const made = new KnownName(new KnownPart(out, 0, putText(out, 0, name)));
  names.keep(ownCopyOf(name), made);
  return made;
}

export function putName(out: Output, at: number, tag: number, name: string, known: KnownName | undefined): number {
  if (known === undefined) return putTextField(out, at, tag, name);
  out.room(at, known.part.length)[at] = tag;
  return known.part.put(out, at + 1);
}

export function putCount(bytes: Buffer, at: number, tag: number, value: number): number {
  if (value === 0) return at;
  bytes[at] = tag;
  return putVarint(bytes, at + 1, value);
}

/** How many attributes are missing: what the program says, and those that were left out here. */
export function missingOf(dropped: number | undefined, leftOut: number): number {
  const counted = dropped !== undefined && dropped > 0 ? Math.trunc(dropped) : 0;
  return Math.min(counted + leftOut, MAX_UINT32);
}

/** @throws Error where `id` is not hex digits for so many bytes. */
export function putId(out: Output, at: number, tag: number, id: string, length: number, field: string): number {
  const bytes = out.room(at, 0);
  bytes[at] = tag;
  bytes[at + 1] = length;
  return putIdBytes(bytes, at + 2, id, length, field);
}

/** The same without tag and length, where there is room for it. */
export function putIdBytes(bytes: Buffer, at: number, id: string, length: number, field: string): number {
  const end = typeof id === 'string' && id.length === 2 * length ? putHex(bytes, at, id, 2 * length) : -1;
  return end < 0 ? refuseId(id, length, field) : end;
}

function refuseId(id: unknown, length: number, field: string): never {
  throw new Error(`its ${field} must be ${2 * length} hex digits, but is ${shown(id)}`);
}

/** The second that the last time fell into, in nanoseconds: most spans of a request are of few seconds. */
export interface KnownSecond {
  seconds: number;
  low: number;
  high: number;
}

/**
 * Writes nanoseconds since the epoch, exact, where there is room for them.
 *
 * @throws Error where the pair is no time that OTLP can hold.
 */
export function putTime(
  encoding: Encoding,
  at: number,
  tag: number,
  time: readonly [number, number],
  field: string,
): number {
  const out = encoding.out;
  const second = encoding.second;
  const seconds = time[0];
  const nanos = time[1];
  if (nanos >>> 0 !== nanos) return putOtherTime(out, at, tag, time, field);
  if (seconds !== second.seconds) {
    if (!Number.isInteger(seconds) || seconds < 1 || seconds >= MAX_PLAIN_SECONDS)
      return putOtherTime(out, at, tag, time, field);
    remember(second, seconds);
  }
  const low = second.low + nanos;
  const high = low < TWO_32 ? second.high : second.high + 1;
  out.bytes[at] = tag;
  out.view.setInt32(at + 1, low, true);
  out.view.setInt32(at + 5, high, true);
  return at + TIME_BYTES;
}

/** The same for any other pair: of no whole seconds, or of none or very many, or of nanoseconds that are no `uint32`. */
function putOtherTime(
  { bytes, view }: Output,
  at: number,
  tag: number,
  time: readonly [number, number],
  field: string,
): number {
  const { low, high } = bitsOf(nanosOfHrTime([time[0], time[1]], field));
  if (low === 0 && high === 0) return at;
  bytes[at] = tag;
  view.setInt32(at + 1, low, true);
  view.setInt32(at + 5, high, true);
  return at + TIME_BYTES;
}

/** In two halves of the seconds: no product reaches 2^53. */
function remember(second: KnownSecond, seconds: number): void {
  const upper = Math.floor(seconds / TWO_16) * NANOS_PER_SECOND;
  const lower = (seconds % TWO_16) * NANOS_PER_SECOND + (upper % TWO_16) * TWO_16;
  second.seconds = seconds;
  second.low = lower % TWO_32;
  second.high = Math.floor(upper / TWO_16) + Math.floor(lower / TWO_32);
}
