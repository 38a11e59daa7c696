import { types } from 'node:util';
import { isOwn, propertyOf } from '../strategies/propertyOf.ts';
import { FIELD_BYTES, missingOf, putCount } from './encode-field.ts';
import { ENTRY_BYTES, knownAt, knownPart, putKnown, putNewText } from './encode-known.ts';
import { putBigInt, putBoolean, putNumber, putTextItem, putTextValue, REPEATED_VALUES } from './encode-scalar.ts';
import type { Encoding } from './encoding.ts';
import { KnownKey, putEntryKey } from './known-key.ts';
import type { KnownName, Place, Places } from './known-name.ts';
import type { Output } from './output.ts';
import { NOTHING, putBytes, putLength, putVarint } from './put.ts';

// opentelemetry.proto.common.v1: the field's number, times 8, plus how it is written (0 varint, 1 eight bytes, 2 length and content).
const ARRAY_VALUE = 0x2a;
const KVLIST_VALUE = 0x32;
const BYTES_VALUE = 0x3a;

/** What has attributes. */
export interface Owner {
  /** Of its attributes; the count of those that are missing has the next one. */
  readonly tag: number;
  /** How many messages contain an attribute's value, from the request down. */
  readonly depth: number;
}

/**
 * Writes the attributes of one owner, and how many of them are missing: those without an OTLP form (functions, symbols) are left out.
 *
 * @param name the owner's, if it has a known one
 * @param dropped how many the program left out itself
 * @throws Error where a value is circular, nested too deep, or too many.
 */
export function putAttributes(
  encoding: Encoding,
  start: number,
  { tag, depth }: Owner,
  name: KnownName | undefined,
  attributes: object | null | undefined,
  dropped: number | undefined,
): number {
  const { out } = encoding;
  if (attributes === undefined || attributes === null) return putMissing(out, start, tag, missingOf(dropped, 0));
  const places = name === undefined ? encoding.places : name.places;
  let at = start;
  let index = 0;
  let leftOut = 0;
  for (const key in attributes) {
    if (!isOwn(attributes, key)) continue;
    const value = propertyOf(attributes, key);
    const place = places.at(index, key) ?? placeFor(encoding, places, index, key);
    index += 1;
    encoding.spend(1, typeof value === 'string' ? key.length + value.length : key.length);
    const message = place === undefined ? undefined : knownAt(place, value);
    if (message !== undefined) {
      at = putKnown(out, at, tag, message, value);
      continue;
    }
    if (typeof value === 'object') encoding.attribute = key;
    const end = putNewEntry(encoding, at, tag, key, place?.known, value, depth);
    if (end === NOTHING) leftOut += 1;
    else at = end;
  }
  return putMissing(out, at, tag, missingOf(dropped, leftOut));
}

/** Behind the attributes. */
function putMissing(out: Output, at: number, attributesTag: number, missing: number): number {
  return missing === 0 ? at : putCount(out.room(at, FIELD_BYTES), at, ((attributesTag >> 3) + 1) << 3, missing);
}

function placeFor(encoding: Encoding, places: Places, index: number, key: string): Place | undefined {
  const known = keyOf(encoding, key);
  return known === undefined ? undefined : places.keep(index, known);
}

/** Nothing while keys come and go too fast to be remembered. */
function keyOf({ keys }: Encoding, key: string): KnownKey | undefined {
  const before = keys.find(key);
  if (before !== undefined || !keys.wants(key)) return before;
  const known = new KnownKey(key);
  keys.keep(known.key, known);
  return known;
}

/** Writes a `KeyValue` that is not known, or {@link NOTHING} where OTLP has no form for the value, or for one inside it. */
function putNewEntry(
  encoding: Encoding,
  at: number,
  tag: number,
  key: string,
  known: KnownKey | undefined,
  value: unknown,
  depth: number,
): number {
  return typeof value === 'string' && known !== undefined
    ? putNewText(encoding.out, at, tag, known, value)
    : putOtherEntry(encoding, at, tag, key, known, value, depth);
}

function putOtherEntry(
  encoding: Encoding,
  at: number,
  tag: number,
  key: string,
  known: KnownKey | undefined,
  value: unknown,
  depth: number,
): number {
  const { out } = encoding;
  out.room(at, ENTRY_BYTES + (known?.start.length ?? 0))[at] = tag;
  const inner = known === undefined ? putEntryKey(out, at + 2, key) : known.start.put(out, at + 2);
  out.room(inner, 1); // an empty value asks for none
  const end = putValue(encoding, inner + 1, value, depth);
  return end === NOTHING ? NOTHING : putLength(out, at + 1, putLength(out, inner, end));
}

/** Writes the content of an `AnyValue`, or {@link NOTHING} where OTLP has no form for it, or for a value inside it. */
function putValue(encoding: Encoding, at: number, value: unknown, depth: number): number {
  const { out } = encoding;
  if (typeof value === 'object') return value === null ? at : putObject(encoding, at, value, depth);
  if (typeof value === 'string') return putTextValue(out, at, value);
  if (typeof value === 'number') return putNumber(out, at, value);
  if (typeof value === 'boolean') return putBoolean(out, at, value);
  if (typeof value === 'bigint') return putBigInt(out, at, value);
  return value === undefined ? at : NOTHING;
}

function putObject(encoding: Encoding, at: number, value: object, depth: number): number {
  const isArray = Array.isArray(value);
  if (!isArray && types.isUint8Array(value)) return putBytesValue(encoding, at, value);
  const inside = encoding.enter(value, depth);
  const end = isArray ? putArray(encoding, at, value, inside) : putMap(encoding, at, value, inside);
  encoding.ancestors.pop();
  return end;
}

function putBytesValue(encoding: Encoding, at: number, value: Uint8Array): number {
  // A copy: what the program still writes to does not change under the writer, and a subclass keeps no say.
  const copy = new Uint8Array(value);
  encoding.spend(1, copy.length);
  const bytes = encoding.out.room(at, ENTRY_BYTES);
  bytes[at] = BYTES_VALUE;
  return putBytes(encoding.out, putVarint(bytes, at + 1, copy.length), copy);
}

function putArray(encoding: Encoding, start: number, items: readonly unknown[], depth: number): number {
  const { out } = encoding;
  out.room(start, ENTRY_BYTES)[start] = ARRAY_VALUE;
  let at = start + 2;
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    encoding.spend(1, typeof item === 'string' ? item.length : 0);
    if (typeof item === 'string') {
      at = putTextItem(out, at, item);
      continue;
    }
    out.room(at, ENTRY_BYTES)[at] = REPEATED_VALUES;
    const end = putValue(encoding, at + 2, item, depth);
    if (end === NOTHING) return NOTHING;
    at = putLength(out, at + 1, end);
  }
  return putLength(out, start + 1, at);
}

function putMap(encoding: Encoding, start: number, map: object, depth: number): number {
  const { out } = encoding;
  const keys = Object.keys(map);
  if (ArrayBuffer.isView(map) || (keys.length === 0 && !isPlainObject(map))) return NOTHING;
  out.room(start, ENTRY_BYTES)[start] = KVLIST_VALUE;
  let at = start + 2;
  for (const key of keys) {
    const value = (map as Record<string, unknown>)[key];
    const known = keyOf(encoding, key);
    encoding.spend(1, typeof value === 'string' ? key.length + value.length : key.length);
    const message = known === undefined ? undefined : knownPart(known, value);
    if (message !== undefined) at = putKnown(out, at, REPEATED_VALUES, message, value);
    else at = putNewEntry(encoding, at, REPEATED_VALUES, key, known, value, depth);
    if (at === NOTHING) return NOTHING;
  }
  return putLength(out, start + 1, at);
}

/** A Date, a Map or a Promise shows no property of its own: an empty list in its place would be a lie. */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
