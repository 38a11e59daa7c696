import { Buffer } from 'node:buffer';
import { types } from 'node:util';
import { isOwn, propertyOf } from '../../../flow/propertyOf.ts';
import { ownCopyOf } from '../../cache/memo.ts';
import { fitsInt64 } from '../../protobuf/int64.ts';
import type { Output } from '../../protobuf/outputBuffer.ts';
import { NOTHING, putBytes } from '../../protobuf/write.ts';
import { missingOf } from '../../traces/encode/encodeField.ts';
import { hasDouble, isInteger } from '../../traces/encode/encodeScalar.ts';
import { isPlainObject } from '../../traces/encode/encodeValue.ts';
import type { JsonEncoding } from './jsonEncoding.ts';
import { fieldName, putCount } from './jsonField.ts';
import { KnownKeyJson, startOf } from './jsonKnown.ts';
import {
  CLOSE_OBJECT,
  COMMA,
  closeList,
  constant,
  FIELD_BYTES,
  putAsIs,
  putNumber,
  putQuoted,
  QUOTE,
} from './jsonPut.ts';

const MAX_PLACES = 64;

const ATTRIBUTES = fieldName('attributes');
const DROPPED_ATTRIBUTES = fieldName('droppedAttributesCount');

const STRING_VALUE = constant('{"stringValue":');
const INT_VALUE = constant('{"intValue":"');
const DOUBLE_VALUE = constant('{"doubleValue":');
const BYTES_VALUE = constant('{"bytesValue":"');
const TRUE = constant('{"boolValue":true}');
const FALSE = constant('{"boolValue":false}');
const EMPTY = constant('{}');
const ARRAY = constant('{"arrayValue":{"values":');
const EMPTY_ARRAY = constant('{"arrayValue":{}}');
const KVLIST = constant('{"kvlistValue":{"values":');
const EMPTY_KVLIST = constant('{"kvlistValue":{}}');

/**
 * Writes the attributes of one owner, and how many of them are missing: those without an OTLP form (functions, symbols) are left out.
 *
 * @param dropped how many the program left out itself
 * @param depth how many messages contain each of the values
 * @throws Error where a value is circular, nested too deep, or too many.
 */
export function putAttributes(
  encoding: JsonEncoding,
  begin: number,
  attributes: object | null | undefined,
  dropped: number | undefined,
  depth: number,
): number {
  const { out, places } = encoding;
  let list = begin;
  let at = begin;
  let place = 0;
  let leftOut = 0;
  for (const key in attributes) {
    if (!isOwn(attributes, key)) continue;
    const value = propertyOf(attributes, key);
    if (place === 0) at = list = putBytes(out, begin, ATTRIBUTES);
    // Spans of one kind have the same keys in the same places: looking there first saves most searches.
    let known = places[place];
    if (known === undefined || known.key !== key) known = keyAt(encoding, key, place);
    place += 1;
    if (typeof value === 'object') encoding.attribute = key;
    const end = putPair(encoding, at, key, known, value, depth);
    if (end === NOTHING) leftOut += 1;
    else at = end;
  }
  at = at === list ? begin : closeList(out, list, at);
  return putCount(out, at, DROPPED_ATTRIBUTES, missingOf(dropped, leftOut));
}

function keyAt(encoding: JsonEncoding, key: string, place: number): KnownKeyJson | undefined {
  const known = keyOf(encoding, key);
  if (known !== undefined && place < MAX_PLACES) encoding.places[place] = known;
  return known;
}

/** Nothing while keys come and go too fast to be remembered. */
function keyOf({ keys }: JsonEncoding, key: string): KnownKeyJson | undefined {
  const before = keys.find(key);
  if (before !== undefined || !keys.wants(key)) return before;
  const known = new KnownKeyJson(key);
  keys.keep(known.key, known);
  return known;
}

/** Writes a `KeyValue`, after others, or {@link NOTHING} where OTLP has no form for the value, or for one inside it. */
function putPair(
  encoding: JsonEncoding,
  at: number,
  key: string,
  known: KnownKeyJson | undefined,
  value: unknown,
  depth: number,
): number {
  const { out } = encoding;
  encoding.spend(1, typeof value === 'string' ? key.length + value.length : key.length);
  if (known !== undefined) {
    if (typeof value === 'string') return putTextPair(out, at, known, value);
    if (typeof value === 'number') return putNumberPair(out, at, known, value);
    if (typeof value === 'boolean') return putBytes(out, at, value ? known.truth : known.falsehood);
  }
  const start = putBytes(out, at, known?.start ?? startOf(key));
  const end = putValue(encoding, start, value, depth);
  return end === NOTHING ? NOTHING : putEnd(out, end);
}

function putTextPair(out: Output, at: number, { pairs, text }: KnownKeyJson, value: string): number {
  const pair = pairs.find(value);
  if (pair !== undefined) return putBytes(out, at, pair);
  const end = putEnd(out, putEnd(out, putQuoted(out, putBytes(out, at, text), value)));
  if (pairs.wants(value)) pairs.keep(ownCopyOf(value), out.copied(at, end));
  return end;
}

function putNumberPair(out: Output, at: number, { integer, double }: KnownKeyJson, value: number): number {
  const isWhole = isInteger(value);
  const start = isWhole ? integer : double;
  const bytes = out.room(at, start.length + FIELD_BYTES);
  bytes.set(start, at);
  const end = putNumberValue(bytes, at + start.length, value, isWhole);
  bytes[end] = CLOSE_OBJECT;
  return end + 1;
}

/** Writes a number up to the end of its `AnyValue`. An integer is in quotation marks, of which the first is written. */
function putNumberValue(bytes: Buffer, start: number, value: number, isWhole: boolean): number {
  let at = start;
  if (isWhole) {
    at = putNumber(bytes, at, value);
    bytes[at++] = QUOTE;
  } else if (Number.isFinite(value) && !Object.is(value, -0)) {
    at = putNumber(bytes, at, value);
  } else {
    // -0 too: readers for which a number without a fraction is an integer would lose its sign.
    at += bytes.write(Object.is(value, -0) ? '"-0"' : `"${value}"`, at);
  }
  bytes[at] = CLOSE_OBJECT;
  return at + 1;
}

function putEnd(out: Output, at: number): number {
  out.room(at, 1)[at] = CLOSE_OBJECT;
  return at + 1;
}

/** Writes an `AnyValue`, or {@link NOTHING} where OTLP has no form for it, or for a value inside it. */
function putValue(encoding: JsonEncoding, at: number, value: unknown, depth: number): number {
  const { out } = encoding;
  // One comparison after the other: a switch over `typeof` makes a string of it first.
  if (typeof value === 'object')
    return value === null ? putBytes(out, at, EMPTY) : putObject(encoding, at, value, depth);
  if (typeof value === 'string') return putText(out, at, value);
  if (typeof value === 'number') return putAnyNumber(out, at, value, isInteger(value));
  if (typeof value === 'boolean') return putBytes(out, at, value ? TRUE : FALSE);
  if (typeof value === 'bigint') return putBigInt(out, at, value);
  return value === undefined ? putBytes(out, at, EMPTY) : NOTHING;
}

function putText(out: Output, at: number, value: string): number {
  return putEnd(out, putQuoted(out, putBytes(out, at, STRING_VALUE), value));
}

function putAnyNumber(out: Output, at: number, value: number, isWhole: boolean): number {
  const bytes = out.room(at, FIELD_BYTES);
  const start = isWhole ? INT_VALUE : DOUBLE_VALUE;
  bytes.set(start, at);
  return putNumberValue(bytes, at + start.length, value, isWhole);
}

function putBigInt(out: Output, at: number, value: bigint): number {
  if (!fitsInt64(value)) return putText(out, at, value.toString());
  return putDigitsEnd(out, putAsIs(out, putBytes(out, at, INT_VALUE), value.toString()));
}

/** The quotation mark and the bracket behind what needs no escaping. */
function putDigitsEnd(out: Output, at: number): number {
  const bytes = out.room(at, 2);
  bytes[at] = QUOTE;
  bytes[at + 1] = CLOSE_OBJECT;
  return at + 2;
}

function putObject(encoding: JsonEncoding, at: number, value: object, depth: number): number {
  const isArray = Array.isArray(value);
  if (!isArray && types.isUint8Array(value)) return putBytesValue(encoding, at, value);
  const inside = encoding.enter(value, depth);
  const end = isArray ? putArray(encoding, at, value, inside) : putMap(encoding, at, value, inside);
  encoding.ancestors.pop();
  return end;
}

function putBytesValue(encoding: JsonEncoding, at: number, value: Uint8Array): number {
  const { out } = encoding;
  // A copy: a subclass keeps no say.
  const copy = Buffer.from(new Uint8Array(value).buffer);
  encoding.spend(1, copy.length);
  return putDigitsEnd(out, putAsIs(out, putBytes(out, at, BYTES_VALUE), copy.toString('base64')));
}

function putArray(encoding: JsonEncoding, begin: number, items: readonly unknown[], depth: number): number {
  const { out } = encoding;
  const list = putBytes(out, begin, ARRAY);
  let at = list;
  const count = items.length; // read once: it may be a getter's, and grow
  let areDoubles: boolean | undefined; // asked at the first number
  for (let index = 0; index < count; index++) {
    const item = items[index];
    encoding.spend(1, typeof item === 'string' ? item.length : 0);
    out.room(at, 1)[at] = COMMA;
    if (typeof item === 'number') areDoubles ??= hasDouble(items, count);
    const isDouble = typeof item === 'number' && areDoubles;
    at = isDouble ? putAnyNumber(out, at + 1, item, false) : putValue(encoding, at + 1, item, depth);
    if (at === NOTHING) return NOTHING;
  }
  return at === list ? putBytes(out, begin, EMPTY_ARRAY) : putEnd(out, putEnd(out, closeList(out, list, at)));
}

function putMap(encoding: JsonEncoding, begin: number, map: object, depth: number): number {
  const { out } = encoding;
  const keys = Object.keys(map);
  if (ArrayBuffer.isView(map) || (keys.length === 0 && !isPlainObject(map))) return NOTHING;
  const list = putBytes(out, begin, KVLIST);
  let at = list;
  for (const key of keys) {
    const value = (map as Record<string, unknown>)[key];
    at = putPair(encoding, at, key, keyOf(encoding, key), value, depth);
    if (at === NOTHING) return NOTHING;
  }
  return at === list ? putBytes(out, begin, EMPTY_KVLIST) : putEnd(out, putEnd(out, closeList(out, list, at)));
}
