import { isUint8Array } from '../../internal/isUint8Array.ts';
import { NOT_WRITTEN, writeBytes, writeLength, writeVarint } from '../protobuf/write.ts';
import { type AttributeKey, attributeKey, writeEntryKey } from './attributeKey.ts';
import type { EncoderState } from './encoderState.ts';
import {
  hasDouble,
  writeBigInt,
  writeBoolean,
  writeDouble,
  writeNumber,
  writeStringItem,
  writeStringValue,
} from './scalarValue.ts';

// opentelemetry.proto.common.v1: the field's number, times 8, plus how it is written (0 varint, 1 eight bytes, 2 length and content).
const ARRAY_VALUE = 0x2a;
const KVLIST_VALUE = 0x32;
const BYTES_VALUE = 0x3a;
const REPEATED_VALUES = 0x0a;

/**
 * Writes a `KeyValue` with any value, or {@link NOT_WRITTEN} where OTLP has no form for it, or for a value inside it.
 *
 * @param depth how many messages contain the value, from the request down
 * @throws Error where a value is circular, nested too deep, or too many.
 */
export function writeEntry(
  state: EncoderState,
  at: number,
  tag: number,
  key: string,
  known: AttributeKey | undefined,
  value: unknown,
  depth: number,
): number {
  const { out } = state;
  out.room(at, known?.start.length ?? 0)[at] = tag;
  const inner = known === undefined ? writeEntryKey(out, at + 2, key) : known.start.writeTo(out, at + 2);
  const end = writeValue(state, inner + 1, value, depth);
  return end === NOT_WRITTEN ? NOT_WRITTEN : writeLength(out, at + 1, writeLength(out, inner, end));
}

/**
 * Writes the content of an `AnyValue`, or {@link NOT_WRITTEN} where OTLP has no form for it, or for a value inside it.
 *
 * @param depth how many messages contain the value, from the request down
 * @throws Error as {@link writeEntry} does.
 */
export function writeValue(state: EncoderState, at: number, value: unknown, depth: number): number {
  const { out } = state;
  if (typeof value === 'object') return value === null ? at : writeObject(state, at, value, depth);
  if (typeof value === 'string') return writeStringValue(out, at, value);
  if (typeof value === 'number') return writeNumber(out, at, value);
  if (typeof value === 'boolean') return writeBoolean(out, at, value);
  if (typeof value === 'bigint') return writeBigInt(out, at, value);
  return value === undefined ? at : NOT_WRITTEN;
}

function writeObject(state: EncoderState, at: number, value: object, depth: number): number {
  const isArray = Array.isArray(value);
  if (!isArray && isUint8Array(value)) return writeBytesValue(state, at, value);
  const inside = state.enter(value, depth);
  const end = isArray ? writeArray(state, at, value, inside) : writeMap(state, at, value, inside);
  state.ancestors.pop();
  return end;
}

function writeBytesValue(state: EncoderState, at: number, value: Uint8Array): number {
  // A copy: what the program still writes to does not change under the writer, and a subclass keeps no say.
  const copy = new Uint8Array(value);
  state.spend(1, copy.length);
  const bytes = state.out.room(at, 0);
  bytes[at] = BYTES_VALUE;
  return writeBytes(state.out, writeVarint(bytes, at + 1, copy.length), copy);
}

function writeArray(state: EncoderState, start: number, items: readonly unknown[], depth: number): number {
  const { out } = state;
  out.room(start, 0)[start] = ARRAY_VALUE;
  let at = start + 2;
  const count = items.length; // read once: it may be a getter's, and grow
  let areDoubles: boolean | undefined; // asked at the first number
  for (let index = 0; index < count; index++) {
    const item = items[index];
    state.spend(1, typeof item === 'string' ? item.length : 0);
    if (typeof item === 'string') {
      at = writeStringItem(out, at, item);
      continue;
    }
    out.room(at, 0)[at] = REPEATED_VALUES;
    if (typeof item === 'number') areDoubles ??= hasDouble(items, count);
    const isDouble = typeof item === 'number' && areDoubles;
    const end = isDouble ? writeDouble(out, at + 2, item) : writeValue(state, at + 2, item, depth);
    if (end === NOT_WRITTEN) return NOT_WRITTEN;
    at = writeLength(out, at + 1, end);
  }
  return writeLength(out, start + 1, at);
}

function writeMap(state: EncoderState, start: number, map: object, depth: number): number {
  const { out } = state;
  const keys = Object.keys(map);
  if (ArrayBuffer.isView(map) || (keys.length === 0 && !isPlainObject(map))) return NOT_WRITTEN;
  out.room(start, 0)[start] = KVLIST_VALUE;
  let at = start + 2;
  for (const key of keys) {
    const value = (map as Record<string, unknown>)[key];
    const known = attributeKey(state.keys, key);
    state.spend(1, typeof value === 'string' ? key.length + value.length : key.length);
    at = writeEntry(state, at, REPEATED_VALUES, key, known, value, depth);
    if (at === NOT_WRITTEN) return NOT_WRITTEN;
  }
  return writeLength(out, start + 1, at);
}

/** A Date, a Map or a Promise shows no property of its own: an empty list in its place would be a lie. */
function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
