import { types } from 'node:util';
import { shown } from '../errors.ts';
import type { Encoding, KnownKey } from './encoding.ts';
import { bitsOf, fitsInt64 } from './int64.ts';
import { Memo, ownCopyOf } from './memo.ts';
import type { Writer } from './writer.ts';

/** Messages inside messages that protobuf's own readers accept: 47 arrays or 31 objects inside one span attribute. */
export const MAX_MESSAGE_DEPTH = 100;
export const MESSAGES_PER_ARRAY = 2;
export const MESSAGES_PER_MAP = 3;

const MAX_PLACES = 64;

// opentelemetry.proto.common.v1: the field's number, times 8, plus how it is written (0 varint, 1 eight bytes, 2 length and content).
const KEY_VALUE_KEY = 0x0a;
const KEY_VALUE_VALUE = 0x12;
const STRING_VALUE = 0x0a;
const BOOL_VALUE = 0x10;
const INT_VALUE = 0x18;
const DOUBLE_VALUE = 0x21;
const ARRAY_VALUE = 0x2a;
const KVLIST_VALUE = 0x32;
const BYTES_VALUE = 0x3a;
const REPEATED_VALUES = 0x0a;

/**
 * Writes the attributes of one owner. Those without an OTLP form (functions, symbols) are left out.
 *
 * @param tag of the owner's field
 * @param depth how many messages contain each of the values
 * @returns how many were left out
 * @throws Error where a value is circular, nested too deep, or too many.
 */
export function writeAttributes(encoding: Encoding, tag: number, attributes: unknown, depth: number): number {
  if (attributes === undefined || attributes === null) return 0;
  let leftOut = 0;
  let place = 0;
  const own = ownOf(attributes);
  for (const key in own) {
    const value = own[key];
    const known = knownKey(encoding, key, place++);
    if (writeKnownKeyValue(encoding, tag, known, value)) continue;
    encoding.attribute = key;
    if (!writeKeyValue(encoding, tag, key, known, value, depth)) leftOut += 1;
  }
  return leftOut;
}

/** The same properties, in an object of which `for in` shows no other: it is much faster than a list of keys. */
export function ownOf(attributes: object): Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(attributes);
  if (prototype === null || (prototype === Object.prototype && !isPolluted()))
    return attributes as Record<string, unknown>;
  return Object.assign(Object.create(null), attributes);
}

function isPolluted(): boolean {
  for (const _ in Object.prototype) return true;
  return false;
}

/** Spans of one kind have the same keys in the same places: looking there first saves most searches. */
function knownKey({ keys, places }: Encoding, key: string, place: number): KnownKey | undefined {
  const last = places[place];
  if (last !== undefined && last.key === key) return last;
  const known = keys.find(key);
  if (known !== undefined && place < MAX_PLACES) places[place] = known;
  return known;
}

/** Writes a `KeyValue` that came before, whole; `false` where there was none like it. */
function writeKnownKeyValue(encoding: Encoding, tag: number, known: KnownKey | undefined, value: unknown): boolean {
  if (known === undefined || !isPlain(value)) return false;
  const message = known.messages.find(value);
  if (message === undefined) return false;
  encoding.spend(1, known.key.length + (typeof value === 'string' ? value.length : 0));
  encoding.writer.field(tag, message);
  return true;
}

/** What a memo can tell apart by itself: it takes -0 for 0. */
function isPlain(value: unknown): value is string | number | boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return value !== 0 || !Object.is(value, -0);
    default:
      return false;
  }
}

/** Writes a `KeyValue`; `false`, and nothing written, where OTLP has no form for the value, or for one inside it. */
function writeKeyValue(
  encoding: Encoding,
  tag: number,
  key: string,
  before: KnownKey | undefined,
  value: unknown,
  depth: number,
): boolean {
  const { writer } = encoding;
  const begin = writer.at;
  encoding.spend(0, key.length);
  const known = before ?? newKey(encoding, key);
  writer.byte(tag);
  const start = writer.open(1);
  if (known === undefined) writeKey(writer, key);
  else writer.raw(known.start);
  const inner = writer.open(1);
  if (!writeValue(encoding, value, depth)) {
    writer.at = begin;
    return false;
  }
  writer.close(inner, 1);
  writer.close(start, 1);
  if (isPlain(value) && known?.messages.wants(value)) known.messages.keep(ownCopyOf(value), writer.copyFrom(start));
  return true;
}

function newKey({ keys, writer }: Encoding, key: string): KnownKey | undefined {
  if (!keys.wants(key)) return undefined;
  const at = writer.at;
  writeKey(writer, key);
  const known = { key, start: writer.copyFrom(at), messages: new Memo<Uint8Array>() };
  writer.at = at;
  keys.keep(known.key, known);
  return known;
}

/** The key, and the tag of the value that follows. */
function writeKey(writer: Writer, key: string): void {
  if (key !== '') {
    writer.byte(KEY_VALUE_KEY);
    writer.text(key);
  }
  writer.byte(KEY_VALUE_VALUE);
}

/** Writes the content of an `AnyValue`; `false` where OTLP has no form for it, or for a value inside it. */
function writeValue(encoding: Encoding, value: unknown, depth: number): boolean {
  const { writer } = encoding;
  encoding.spend(1, typeof value === 'string' ? value.length : 0);
  switch (typeof value) {
    case 'string':
      writer.byte(STRING_VALUE);
      writer.text(value);
      return true;
    case 'number':
      writeNumber(writer, value);
      return true;
    case 'boolean':
      writer.byte(BOOL_VALUE);
      writer.byte(value ? 1 : 0);
      return true;
    case 'object':
      return value === null || writeObject(encoding, value, depth);
    case 'bigint':
      writeBigInt(writer, value);
      return true;
    case 'undefined':
      return true;
    default:
      return false;
  }
}

function writeNumber(writer: Writer, value: number): void {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    writer.byte(INT_VALUE);
    writer.int64(value);
  } else {
    writer.byte(DOUBLE_VALUE);
    writer.double(value);
  }
}

function writeBigInt(writer: Writer, value: bigint): void {
  if (fitsInt64(value)) {
    const { low, high } = bitsOf(value);
    writer.byte(INT_VALUE);
    writer.varint64(low, high);
  } else {
    writer.byte(STRING_VALUE);
    writer.text(value.toString());
  }
}

function writeObject(encoding: Encoding, value: object, depth: number): boolean {
  const isArray = Array.isArray(value);
  if (!isArray && types.isUint8Array(value)) return writeBytes(encoding, value);
  const { ancestors, attribute } = encoding;
  if (ancestors.includes(value)) throw new Error(`its attribute ${shown(attribute)} is circular`);
  const inside = depth + (isArray ? MESSAGES_PER_ARRAY : MESSAGES_PER_MAP);
  if (inside > MAX_MESSAGE_DEPTH) throw new Error(`its attribute ${shown(attribute)} is nested too deep`);
  ancestors.push(value);
  const written = isArray ? writeArray(encoding, value, inside) : writeMap(encoding, value, inside);
  ancestors.pop();
  return written;
}

function writeBytes(encoding: Encoding, value: Uint8Array): boolean {
  // A copy: what the program still writes to does not change under the writer, and a subclass keeps no say.
  const copy = new Uint8Array(value);
  encoding.spend(1, copy.length);
  encoding.writer.byte(BYTES_VALUE);
  encoding.writer.varint(copy.length);
  encoding.writer.raw(copy);
  return true;
}

function writeArray(encoding: Encoding, items: readonly unknown[], depth: number): boolean {
  const { writer } = encoding;
  writer.byte(ARRAY_VALUE);
  const start = writer.open(1);
  for (let index = 0; index < items.length; index++) {
    writer.byte(REPEATED_VALUES);
    const item = writer.open(1);
    if (!writeValue(encoding, items[index], depth)) return false;
    writer.close(item, 1);
  }
  writer.close(start, 1);
  return true;
}

function writeMap(encoding: Encoding, map: object, depth: number): boolean {
  const { writer } = encoding;
  const keys = Object.keys(map);
  if (ArrayBuffer.isView(map) || (keys.length === 0 && !isPlainObject(map))) return false;
  writer.byte(KVLIST_VALUE);
  const start = writer.open(1);
  for (const key of keys) {
    const value = (map as Record<string, unknown>)[key];
    const known = encoding.keys.find(key);
    if (writeKnownKeyValue(encoding, REPEATED_VALUES, known, value)) continue;
    if (!writeKeyValue(encoding, REPEATED_VALUES, key, known, value, depth)) return false;
  }
  writer.close(start, 1);
  return true;
}

/** A Date, a Map or a Promise shows no property of its own: an empty list in its place would be a lie. */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
