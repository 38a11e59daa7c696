import { Buffer } from 'node:buffer';
import { types } from 'node:util';
import { shown } from '../errors.ts';
import { missingOf } from './encode-field.ts';
import { isPlainObject, MAX_MESSAGE_DEPTH, MESSAGES_PER_ARRAY, MESSAGES_PER_MAP, ownOf } from './encode-value.ts';
import { fitsInt64 } from './int64.ts';
import type { JsonEncoding, KnownKeyJson } from './json-encoding.ts';
import { fieldName, writeCount } from './json-field.ts';
import { constant, type JsonWriter } from './json-writer.ts';
import { Memo, ownCopyOf } from './memo.ts';

const MAX_PLACES = 64;

const ATTRIBUTES = fieldName('attributes');
const DROPPED_ATTRIBUTES = fieldName('droppedAttributesCount');

const PAIR = constant(',{');
const PAIR_KEY = constant('"key":');
const PAIR_VALUE = constant('"value":');
const STRING_VALUE = constant('{"stringValue":');
const TRUE = constant('{"boolValue":true}');
const FALSE = constant('{"boolValue":false}');
const INT_VALUE = constant('{"intValue":"');
const DOUBLE_VALUE = constant('{"doubleValue":');
const ARRAY_VALUE = constant('{"arrayValue":');
const KVLIST_VALUE = constant('{"kvlistValue":');
const BYTES_VALUE = constant('{"bytesValue":"');
const VALUES = constant('{"values":');
const EMPTY = constant('{}');
const QUOTED_END = constant('"}');

const CLOSE_OBJECT = 0x7d;

/**
 * Writes the attributes of one owner, and how many were left out.
 *
 * @param depth how many messages contain each of the values
 * @param dropped how many were left out before
 * @throws Error where a value is circular, nested too deep, or too many.
 */
export function writeAttributes(encoding: JsonEncoding, given: unknown, depth: number, dropped?: number): void {
  const { writer } = encoding;
  const begin = writer.at;
  let list = begin;
  let leftOut = 0;
  let place = 0;
  const own = ownOf(given ?? {});
  for (const key in own) {
    const value = propertyOf(own, key);
    if (list === begin) list = writer.start(ATTRIBUTES);
    const known = knownKey(encoding, key, place++);
    if (writeKnownPair(encoding, known, value)) continue;
    encoding.attribute = key;
    if (!writePair(encoding, key, known, value, depth)) leftOut += 1;
  }
  if (writer.at === list) writer.at = begin;
  else writer.closeList(list);
  writeCount(writer, DROPPED_ATTRIBUTES, missingOf(dropped, leftOut));
}

/**
 * A function of its own, since a `for in` that has met one object with very many properties makes V8 14 throw away its optimized code
 * again and again where it reads the property in the loop itself.
 */
function propertyOf(own: Record<string, unknown>, key: string): unknown {
  return own[key];
}

/** Spans of one kind have the same keys in the same places: looking there first saves most searches. */
function knownKey({ keys, places }: JsonEncoding, key: string, place: number): KnownKeyJson | undefined {
  const last = places[place];
  if (last !== undefined && last.key === key) return last;
  const known = keys.find(key);
  if (known !== undefined && place < MAX_PLACES) places[place] = known;
  return known;
}

/** Writes a `KeyValue` that came before, whole; `false` where there was none like it. */
function writeKnownPair(encoding: JsonEncoding, known: KnownKeyJson | undefined, value: unknown): boolean {
  if (known === undefined || !isPlain(value)) return false;
  const pair = known.pairs.find(value);
  if (pair === undefined) return false;
  encoding.spend(1, known.key.length + (typeof value === 'string' ? value.length : 0));
  encoding.writer.raw(pair);
  return true;
}

/** What a memo can tell apart by itself: it takes -0 for 0. */
function isPlain(value: unknown): value is string | number | boolean {
  // The engine compares `typeof` at once; in a `switch` it makes a string of it first.
  if (typeof value === 'string' || typeof value === 'boolean') return true;
  return typeof value === 'number' && !Object.is(value, -0);
}

/** Writes a `KeyValue`; `false`, and nothing written, where OTLP has no form for the value, or for one inside it. */
function writePair(
  encoding: JsonEncoding,
  key: string,
  known: KnownKeyJson | undefined,
  value: unknown,
  depth: number,
): boolean {
  const { writer } = encoding;
  const begin = writer.at;
  encoding.spend(0, key.length);
  if (known === undefined) writeNewKey(encoding, key);
  else writer.raw(known.start);
  if (!writeValue(encoding, value, depth)) {
    writer.at = begin;
    return false;
  }
  writer.byte(CLOSE_OBJECT);
  if (isPlain(value) && known?.pairs.wants(value)) known.pairs.keep(ownCopyOf(value), writer.copyFrom(begin));
  return true;
}

/** Writes a pair up to its value. */
function writeNewKey({ keys, writer }: JsonEncoding, key: string): void {
  const begin = writer.at;
  writer.raw(PAIR);
  if (key !== '') {
    writer.raw(PAIR_KEY);
    writer.text(key);
    writer.comma();
  }
  writer.raw(PAIR_VALUE);
  if (keys.wants(key)) keys.keep(key, { key, start: writer.copyFrom(begin), pairs: new Memo<Uint8Array>() });
}

/** Writes an `AnyValue`; `false` where OTLP has no form for it, or for a value inside it. */
function writeValue(encoding: JsonEncoding, value: unknown, depth: number): boolean {
  const { writer } = encoding;
  encoding.spend(1, typeof value === 'string' ? value.length : 0);
  if (typeof value === 'string') writeString(writer, value);
  else if (typeof value === 'number') writeNumber(writer, value);
  else if (typeof value === 'boolean') writer.raw(value ? TRUE : FALSE);
  else if (value === undefined || value === null) writer.raw(EMPTY);
  else if (typeof value === 'object') return writeObject(encoding, value, depth);
  else if (typeof value === 'bigint') writeBigInt(writer, value);
  else return false;
  return true;
}

function writeString(writer: JsonWriter, value: string): void {
  writer.raw(STRING_VALUE);
  writer.text(value);
  writer.byte(CLOSE_OBJECT);
}

function writeNumber(writer: JsonWriter, value: number): void {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    writer.raw(INT_VALUE);
    writer.integer(value);
    writer.raw(QUOTED_END);
    return;
  }
  writer.raw(DOUBLE_VALUE);
  // -0 too is a text: so that it is told apart from 0 by readers for which a number without a fraction is an integer.
  if (value === 0) writer.text('-0');
  else if (Number.isFinite(value)) writer.ascii(String(value));
  else writer.text(String(value));
  writer.byte(CLOSE_OBJECT);
}

function writeBigInt(writer: JsonWriter, value: bigint): void {
  if (!fitsInt64(value)) {
    writeString(writer, value.toString());
    return;
  }
  writer.raw(INT_VALUE);
  writer.ascii(value.toString());
  writer.raw(QUOTED_END);
}

function writeObject(encoding: JsonEncoding, value: object, depth: number): boolean {
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

function writeBytes(encoding: JsonEncoding, value: Uint8Array): boolean {
  const { writer } = encoding;
  // A copy: a subclass keeps no say.
  const copy = Buffer.from(new Uint8Array(value).buffer);
  encoding.spend(1, copy.length);
  writer.raw(BYTES_VALUE);
  writer.ascii(copy.toString('base64'));
  writer.raw(QUOTED_END);
  return true;
}

function writeArray(encoding: JsonEncoding, items: readonly unknown[], depth: number): boolean {
  const { writer } = encoding;
  writer.raw(ARRAY_VALUE);
  const start = writer.at;
  writer.raw(VALUES);
  const list = writer.at;
  for (let index = 0; index < items.length; index++) {
    writer.comma();
    if (!writeValue(encoding, items[index], depth)) return false;
  }
  closeValues(writer, start, list);
  return true;
}

function writeMap(encoding: JsonEncoding, map: object, depth: number): boolean {
  const { writer } = encoding;
  const keys = Object.keys(map);
  if (ArrayBuffer.isView(map) || (keys.length === 0 && !isPlainObject(map))) return false;
  writer.raw(KVLIST_VALUE);
  const start = writer.at;
  writer.raw(VALUES);
  const list = writer.at;
  for (const key of keys) {
    const value = (map as Record<string, unknown>)[key];
    const known = encoding.keys.find(key);
    if (writeKnownPair(encoding, known, value)) continue;
    if (!writePair(encoding, key, known, value, depth)) return false;
  }
  closeValues(writer, start, list);
  return true;
}

/** Ends an `ArrayValue` or `KeyValueList`, and the `AnyValue` that it is. */
function closeValues(writer: JsonWriter, start: number, list: number): void {
  if (writer.at === list) {
    writer.at = start;
    writer.raw(EMPTY);
  } else {
    writer.closeList(list);
    writer.byte(CLOSE_OBJECT);
  }
  writer.byte(CLOSE_OBJECT);
}
