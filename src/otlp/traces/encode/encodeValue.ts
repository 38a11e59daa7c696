import { types } from 'node:util';
import { type KnownKey, knownKey, putEntryKey } from '../../cache/knownKey.ts';
import { NOTHING, putBytes, putLength, putVarint } from '../../protobuf/write.ts';
import { hasDouble, putBigInt, putBoolean, putDouble, putNumber, putTextItem, putTextValue } from './encodeScalar.ts';
import type { Encoding } from './encoding.ts';

// opentelemetry.proto.common.v1: the field's number, times 8, plus how it is written (0 varint, 1 eight bytes, 2 length and content).
const ARRAY_VALUE = 0x2a;
const KVLIST_VALUE = 0x32;
const BYTES_VALUE = 0x3a;
const REPEATED_VALUES = 0x0a;

/**
 * Writes a `KeyValue` with any value, or {@link NOTHING} where OTLP has no form for it, or for a value inside it.
 *
 * @param depth how many messages contain the value, from the request down
 * @throws Error where a value is circular, nested too deep, or too many.
 */
export function putEntry(
  encoding: Encoding,
  at: number,
  tag: number,
  key: string,
  known: KnownKey | undefined,
  value: unknown,
  depth: number,
): number {
  const { out } = encoding;
  out.room(at, known?.start.length ?? 0)[at] = tag;
  const inner = known === undefined ? putEntryKey(out, at + 2, key) : known.start.put(out, at + 2);
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
  const bytes = encoding.out.room(at, 0);
  bytes[at] = BYTES_VALUE;
  return putBytes(encoding.out, putVarint(bytes, at + 1, copy.length), copy);
}

function putArray(encoding: Encoding, start: number, items: readonly unknown[], depth: number): number {
  const { out } = encoding;
  out.room(start, 0)[start] = ARRAY_VALUE;
  let at = start + 2;
  const count = items.length; // read once: it may be a getter's, and grow
  let areDoubles: boolean | undefined; // asked at the first number
  for (let index = 0; index < count; index++) {
    const item = items[index];
    encoding.spend(1, typeof item === 'string' ? item.length : 0);
    if (typeof item === 'string') {
      at = putTextItem(out, at, item);
      continue;
    }
    out.room(at, 0)[at] = REPEATED_VALUES;
    if (typeof item === 'number') areDoubles ??= hasDouble(items, count);
    const isDouble = typeof item === 'number' && areDoubles;
    const end = isDouble ? putDouble(out, at + 2, item) : putValue(encoding, at + 2, item, depth);
    if (end === NOTHING) return NOTHING;
    at = putLength(out, at + 1, end);
  }
  return putLength(out, start + 1, at);
}

function putMap(encoding: Encoding, start: number, map: object, depth: number): number {
  const { out } = encoding;
  const keys = Object.keys(map);
  if (ArrayBuffer.isView(map) || (keys.length === 0 && !isPlainObject(map))) return NOTHING;
  out.room(start, 0)[start] = KVLIST_VALUE;
  let at = start + 2;
  for (const key of keys) {
    const value = (map as Record<string, unknown>)[key];
    const known = knownKey(encoding, key);
    encoding.spend(1, typeof value === 'string' ? key.length + value.length : key.length);
    at = putEntry(encoding, at, REPEATED_VALUES, key, known, value, depth);
    if (at === NOTHING) return NOTHING;
  }
  return putLength(out, start + 1, at);
}

/** A Date, a Map or a Promise shows no property of its own: an empty list in its place would be a lie. */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
