import { shown } from '../../../model/errors.ts';
import type { KnownId } from '../../cache/knownId.ts';
import { ownCopyOf } from '../../cache/memo.ts';
import { nanosOfHrTime } from '../../protobuf/int64.ts';
import type { Output } from '../../protobuf/outputBuffer.ts';
import { NOTHING, putBytes } from '../../protobuf/write.ts';
import type { JsonEncoding } from './jsonEncoding.ts';
import { constant, FIELD_BYTES, putAsIs, putDigits, putHexDigits, putNumber, putQuoted, QUOTE } from './jsonPut.ts';

// Fields that several messages have in common. As proto3 has it, what is 0 or empty is left out.

const NAME = fieldName('name');
const NANOS_PER_SECOND = 1_000_000_000;
const NANOS_DIGITS = 9;
/** From the year 2001 on, and to the year 2286, seconds have ten digits. */
const FIRST_SECONDS = 1e9;
const MAX_SECONDS = 1e10;
const ZERO = 0x30;

/** The name of a field, after others. */
export function fieldName(name: string): Uint8Array {
  return constant(`,"${name}":`);
}

/** The same where what follows is in quotation marks, of which this is the first. */
export function quotedFieldName(name: string): Uint8Array {
  return constant(`,"${name}":"`);
}

export function putTextField(out: Output, at: number, name: Uint8Array, text: string): number {
  return text === '' ? at : putQuoted(out, putBytes(out, at, name), text);
}

/** The field `name`, of which the text often comes again. */
export function putName({ out, names }: JsonEncoding, at: number, name: string): number {
  const known = names.find(name);
  if (known !== undefined) return putBytes(out, at, known);
  const end = putTextField(out, at, NAME, name);
  if (names.wants(name)) names.keep(ownCopyOf(name), out.copied(at, end));
  return end;
}

export function putCount(out: Output, at: number, name: Uint8Array, value: number): number {
  if (value === 0) return at;
  const bytes = out.room(at, FIELD_BYTES);
  bytes.set(name, at);
  return putNumber(bytes, at + name.length, value);
}

/** @throws Error where `id` is not that many hex digits. */
export function putId(out: Output, at: number, name: Uint8Array, id: unknown, digits: number, field: string): number {
  const bytes = out.room(at, FIELD_BYTES);
  bytes.set(name, at);
  const isLong = typeof id === 'string' && id.length === digits;
  const end = isLong ? putHexDigits(bytes, at + name.length, id) : NOTHING;
  if (end === NOTHING) throw new Error(`its ${field} must be ${digits} hex digits, but is ${shown(id)}`);
  bytes[end] = QUOTE;
  return end + 1;
}

/** The same for an id that may be that of the span before. */
export function putKnownId(
  out: Output,
  known: KnownId,
  at: number,
  name: Uint8Array,
  id: unknown,
  digits: number,
  field: string,
): number {
  const start = at + name.length;
  if (!known.is(id)) {
    const end = putId(out, at, name, id, digits, field);
    known.keep(id as string, start);
    return end;
  }
  const bytes = out.room(at, FIELD_BYTES);
  bytes.set(name, at);
  const end = known.put(out, start, digits);
  bytes[end] = QUOTE;
  return end + 1;
}

/** A field with a time, up to the last seconds that were written: those of the next are most often the same. */
export interface TimeField {
  readonly name: Uint8Array;
  readonly start: Uint8Array;
  seconds: number;
}

export function timeField(name: string): TimeField {
  return { name: quotedFieldName(name), start: constant(`,"${name}":"${FIRST_SECONDS}`), seconds: FIRST_SECONDS };
}

/**
 * Writes nanoseconds since the epoch, exact.
 *
 * @throws Error where the pair is no time that OTLP can hold.
 */
export function putTime(
  out: Output,
  at: number,
  field: TimeField,
  time: readonly [number, number],
  what: string,
): number {
  const seconds = time[0];
  const nanos = time[1];
  if (!isPlain(seconds, FIRST_SECONDS, MAX_SECONDS) || !isPlain(nanos, 0, NANOS_PER_SECOND)) {
    return putAnyTime(out, at, field, nanosOfHrTime([seconds, nanos], what));
  }
  if (seconds !== field.seconds) setSeconds(field, seconds);
  const bytes = out.room(at, FIELD_BYTES);
  bytes.set(field.start, at);
  const end = putDigits(bytes, at + field.start.length, nanos, NANOS_DIGITS);
  bytes[end] = QUOTE;
  return end + 1;
}

function putAnyTime(out: Output, at: number, { name }: TimeField, nanos: bigint): number {
  if (nanos === 0n) return at;
  const end = putAsIs(out, putBytes(out, at, name), nanos.toString());
  out.room(end, 1)[end] = QUOTE;
  return end + 1;
}

function isPlain(value: number, least: number, below: number): boolean {
  return Number.isInteger(value) && value >= least && value < below;
}

function setSeconds(field: TimeField, seconds: number): void {
  field.seconds = seconds;
  let rest = seconds;
  for (let at = field.start.length - 1; at >= field.name.length; at--) {
    const tenth = Math.trunc(rest / 10);
    field.start[at] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
}
