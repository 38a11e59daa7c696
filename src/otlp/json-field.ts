import { shown } from '../errors.ts';
import { nanosOfHrTime } from './int64.ts';
import type { JsonEncoding } from './json-encoding.ts';
import { constant, type JsonWriter } from './json-writer.ts';
import { ownCopyOf } from './memo.ts';

// Fields that several messages have in common. As proto3 has it, what is 0 or empty is left out.

const NAME = constant(',"name":');
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

/** A field with a time, up to the last seconds that were written: those of the next are most often the same. */
export interface TimeField {
  readonly name: Uint8Array;
  readonly start: Uint8Array;
  seconds: number;
}

export function timeField(name: string): TimeField {
  return { name: quotedFieldName(name), start: constant(`,"${name}":"${FIRST_SECONDS}`), seconds: FIRST_SECONDS };
}

function setSeconds(field: TimeField, seconds: number): void {
  const { start } = field;
  field.seconds = seconds;
  let rest = seconds;
  for (let at = start.length - 1; at >= field.name.length; at--) {
    const tenth = Math.trunc(rest / 10);
    start[at] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
}

export function writeText(writer: JsonWriter, name: Uint8Array, text: string): void {
  if (text === '') return;
  writer.raw(name);
  writer.text(text);
}

/** The field `name`, of which the text often comes again. */
export function writeName({ writer, names }: JsonEncoding, name: string): void {
  const known = names.find(name);
  if (known !== undefined) {
    writer.raw(known);
    return;
  }
  const start = writer.at;
  writeText(writer, NAME, name);
  if (names.wants(name)) names.keep(ownCopyOf(name), writer.copyFrom(start));
}

export function writeCount(writer: JsonWriter, name: Uint8Array, value: number): void {
  if (value === 0) return;
  writer.raw(name);
  writer.integer(value);
}

/** @throws Error where `id` is not that many hex digits. */
export function writeId(writer: JsonWriter, name: Uint8Array, id: unknown, digits: number, field: string): void {
  writer.raw(name);
  if (typeof id !== 'string' || id.length !== digits || !writer.hex(id)) {
    throw new Error(`its ${field} must be ${digits} hex digits, but is ${shown(id)}`);
  }
  writer.quote();
}

/**
 * Writes nanoseconds since the epoch, exact.
 *
 * @throws Error where the pair is no time that OTLP can hold.
 */
export function writeTime(writer: JsonWriter, field: TimeField, time: readonly [number, number], what: string): void {
  const seconds = time[0];
  const nanos = time[1];
  if (!isPlain(seconds, FIRST_SECONDS, MAX_SECONDS) || !isPlain(nanos, 0, NANOS_PER_SECOND)) {
    const total = nanosOfHrTime([seconds, nanos], what);
    if (total === 0n) return;
    writer.raw(field.name);
    writer.ascii(total.toString());
  } else {
    if (seconds !== field.seconds) setSeconds(field, seconds);
    writer.raw(field.start);
    writer.digits(nanos, NANOS_DIGITS);
  }
  writer.quote();
}

function isPlain(value: number, least: number, below: number): boolean {
  return Number.isInteger(value) && value >= least && value < below;
}
