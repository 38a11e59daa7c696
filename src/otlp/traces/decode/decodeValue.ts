import type { Attributes } from '@opentelemetry/api';
import { integerOf } from '../../protobuf/int64.ts';
import type { Reader } from '../../protobuf/reader.ts';
import { listOf } from './plainObject.ts';

// opentelemetry.proto.common.v1: the field's number, times 8, plus how it is written.
const KEY_VALUE_KEY = 0x0a;
const KEY_VALUE_VALUE = 0x12;
const STRING_VALUE = 0x0a;
const BOOL_VALUE = 0x10;
const INT_VALUE = 0x18;
const DOUBLE_VALUE = 0x21;
const ARRAY_VALUE = 0x2a;
const KVLIST_VALUE = 0x32;
const BYTES_VALUE = 0x3a;
const STRING_VALUE_STRINDEX = 0x40;
const REPEATED_VALUES = 0x0a;

/** What they take beside their texts and what is in them. */
const ATTRIBUTE_BYTES = 96;
const ELEMENT_BYTES = 32;
const ARRAY_BYTES = 160;
const MAP_BYTES = 64;
const BYTES_BYTES = 200;
const INDEX_BYTES = 256;
const MAX_ARRAY_INDEX = 4096;
const BYTES_PER_INDEX = 12;

const OWN_PROPERTY = { configurable: true, enumerable: true, writable: true };

/** Reads a `KeyValue` into attributes: of several values under one key the last stays, at the place of the first. */
export function readAttribute(reader: Reader, attributes: Attributes): void {
  reader.spend(1, ATTRIBUTE_BYTES);
  let key = '';
  let value: unknown = null;
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === KEY_VALUE_KEY) key = reader.text();
    else if (tag === KEY_VALUE_VALUE) value = readValue(reader, value);
    else reader.skip(tag);
  }
  reader.leave(outer);
  setAttribute(reader, attributes, key, value);
}

export function setAttribute(reader: Reader, attributes: Attributes, key: string, value: unknown): void {
  if (mayBeIndex(key)) reader.spend(0, indexBytes(key));
  if (key !== '__proto__') attributes[key] = value as Attributes[string];
  // Assigned, it would change what the object inherits from.
  else Object.defineProperty(attributes, key, { value, ...OWN_PROPERTY });
}

/** Whether the engine may hold what has this key in an array, where it would hold others in a table. */
export function mayBeIndex(key: string): boolean {
  const first = key.charCodeAt(0);
  return first >= 0x30 && first <= 0x39;
}

/** What the engine takes for such a key: an array up to it and half as long again, or a table where it would be large. */
function indexBytes(key: string): number {
  return INDEX_BYTES + (Number(key) <= MAX_ARRAY_INDEX ? Number(key) * BYTES_PER_INDEX : 0);
}

/**
 * Reads an `AnyValue`; `null` where there is no value, or one that belongs to another signal (`string_value_strindex`).
 *
 * @param earlier what the same field held before: as protobuf has it, an array or a list goes on where it stopped
 */
export function readValue(reader: Reader, earlier: unknown): unknown {
  let value = earlier;
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case STRING_VALUE:
        value = reader.text();
        break;
      case BOOL_VALUE:
        value = reader.bool();
        break;
      case INT_VALUE:
        reader.varint64();
        value = integerOf(reader);
        break;
      case DOUBLE_VALUE:
        value = reader.double();
        break;
      case ARRAY_VALUE:
        reader.spend(0, ARRAY_BYTES);
        value = readArray(reader, Array.isArray(value) ? value : listOf());
        break;
      case KVLIST_VALUE:
        reader.spend(0, MAP_BYTES);
        value = readMap(reader, isMap(value) ? value : {});
        break;
      case BYTES_VALUE:
        reader.spend(0, BYTES_BYTES);
        value = reader.copy();
        break;
      case STRING_VALUE_STRINDEX:
        reader.int32();
        value = null;
        break;
      default:
        reader.skip(tag);
    }
  }
  reader.leave(outer);
  return value;
}

function readArray(reader: Reader, values: unknown[]): unknown[] {
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === REPEATED_VALUES) {
      reader.spend(1, ELEMENT_BYTES);
      values.push(readValue(reader, null));
    } else reader.skip(tag);
  }
  reader.leave(outer);
  return values;
}

function readMap(reader: Reader, map: Attributes): Attributes {
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === REPEATED_VALUES) readAttribute(reader, map);
    else reader.skip(tag);
  }
  reader.leave(outer);
  return map;
}

function isMap(value: unknown): value is Attributes {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
