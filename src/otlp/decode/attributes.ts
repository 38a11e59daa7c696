import type { Attributes } from '@opentelemetry/api';
import { Buffer } from '../../internal/buffer.ts';
import { integerOf } from '../protobuf/int64.ts';
import type { Reader } from '../protobuf/reader.ts';
import { fieldsOf, readMessage } from '../protobuf/readMessage.ts';
import type { Costs } from '../protobuf/scan.ts';
import { listOf } from './plainObject.ts';

// Most of a request are attributes, so `KeyValue` and `AnyValue` are read without a table of functions. Their tags:
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
const REPEATED = 0x0a;

// Heap that an object of each kind takes, without its strings and without what is inside it.
const ATTRIBUTE_BYTES = 96;
const ELEMENT_BYTES = 32;
const ARRAY_BYTES = 160;
const MAP_BYTES = 64;
const BYTES_BYTES = 200;
const INDEX_BYTES = 256;
const MAX_ARRAY_INDEX = 4096;
const BYTES_PER_INDEX = 12;

export const VALUE_COSTS: Costs = {
  KeyValue: [1, ATTRIBUTE_BYTES],
  'ArrayValue.values': [1, ELEMENT_BYTES],
  ArrayValue: [0, ARRAY_BYTES],
  KeyValueList: [0, MAP_BYTES],
  'AnyValue.bytesValue': [0, BYTES_BYTES],
};

const OWN_PROPERTY = { configurable: true, enumerable: true, writable: true };

const arrayFields = fieldsOf<unknown[]>({
  [REPEATED]: (values, reader) => {
    reader.spend(1, ELEMENT_BYTES);
    const value = readValue(reader, null);
    values.push(typeof value === 'object' ? reader.finished(value) : value);
  },
});

const mapFields = fieldsOf<Attributes>({ [REPEATED]: readAttribute });

/** Reads one `KeyValue` into attributes. Of several values with the same key the last one stays, at the place of the first. */
export function readAttribute(attributes: Attributes, reader: Reader): void {
  reader.spend(1, ATTRIBUTE_BYTES);
  if (reader.parsed !== undefined) addParsed(attributes, reader.parsed as ParsedKeyValue, reader);
  else readKeyValue(attributes, reader);
}

function readKeyValue(attributes: Attributes, reader: Reader): void {
  let key = '';
  let value: unknown = null;
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === KEY_VALUE_KEY) key = reader.text();
    else if (tag === KEY_VALUE_VALUE) value = readValue(reader, value);
    else reader.skip(tag);
  }
  reader.leave(outer);
  addAttribute(attributes, reader, key, value);
}

function addParsed(attributes: Attributes, { key, value }: ParsedKeyValue, reader: Reader): void {
  addAttribute(attributes, reader, key?.toWellFormed() ?? '', parsedValue(value, reader));
}

function addAttribute(attributes: Attributes, reader: Reader, key: string, read: unknown): void {
  const value = typeof read === 'object' ? reader.finished(read) : read;
  if (isIndexLike(key)) reader.spend(0, indexBytes(key));
  if (Object.hasOwn(attributes, key)) reader.hasReplaced = true;
  if (key !== '__proto__') attributes[key] = value as Attributes[string];
  // An assignment would replace the prototype of the object.
  else Object.defineProperty(attributes, key, { value, ...OWN_PROPERTY });
}

/**
 * Reads an `AnyValue`. It is `null` without a value, and with a value that only profiles have (`string_value_strindex`).
 *
 * @param earlier what the same field held before: protobuf continues a list or a map that comes twice
 */
export function readValue(reader: Reader, earlier: unknown): unknown {
  if (reader.parsed !== undefined) return parsedValue(reader.parsed as ParsedValue, reader);
  let value = earlier;
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (value !== null) reader.hasReplaced = true;
    if (tag === STRING_VALUE) value = reader.text();
    else if (tag === INT_VALUE) {
      reader.varint64();
      value = integerOf(reader);
    } else if (tag === DOUBLE_VALUE) value = reader.double();
    else if (tag === BOOL_VALUE) value = reader.bool();
    else value = readOtherValue(reader, tag, value);
  }
  reader.leave(outer);
  return value;
}

/** In JSON; that it is one has been looked at. A field that is `null` is absent. */
interface ParsedKeyValue {
  readonly key?: string | null;
  readonly value?: ParsedValue | null;
}

type ParsedValue = Readonly<Record<string, unknown>>;

function parsedValue(of: ParsedValue | null | undefined, reader: Reader): unknown {
  for (const name in of) {
    const value = of[name];
    if (value === null) continue;
    if (name === 'stringValue') return (value as string).toWellFormed();
    if (name === 'intValue') return parsedInteger(value);
    if (name === 'doubleValue') return Number(value);
    if (name === 'boolValue') return value;
    const other = parsedOther(name, value, reader);
    if (other !== undefined) return other;
  }
  return null;
}

/** `undefined` for a field that is not known. */
function parsedOther(name: string, value: unknown, reader: Reader): unknown {
  switch (name) {
    case 'arrayValue': {
      const values = listOf<unknown[]>();
      for (const one of (value as { values?: ParsedValue[] | null }).values ?? [])
        values.push(finishedIn(parsedValue(one, reader), reader));
      return values;
    }
    case 'kvlistValue': {
      const map: Attributes = {};
      for (const one of (value as { values?: ParsedKeyValue[] | null }).values ?? []) addParsed(map, one, reader);
      return map;
    }
    case 'bytesValue':
      return new Uint8Array(Buffer.from(value as string, 'base64'));
    case 'stringValueStrindex':
      return null;
    default:
      return undefined;
  }
}

function parsedInteger(value: unknown): number | bigint {
  const near = Number(value);
  return Number.isSafeInteger(near) ? near + 0 : BigInt(value as string);
}

function finishedIn(value: unknown, reader: Reader): unknown {
  return typeof value === 'object' ? reader.finished(value) : value;
}

function readOtherValue(reader: Reader, tag: number, earlier: unknown): unknown {
  switch (tag) {
    case ARRAY_VALUE: {
      reader.spend(0, ARRAY_BYTES);
      const values = Array.isArray(earlier) ? earlier : listOf();
      readMessage(reader, arrayFields, values);
      return values;
    }
    case KVLIST_VALUE: {
      reader.spend(0, MAP_BYTES);
      const map = isMap(earlier) ? earlier : {};
      readMessage(reader, mapFields, map);
      return map;
    }
    case BYTES_VALUE:
      reader.spend(0, BYTES_BYTES);
      return reader.copy();
    case STRING_VALUE_STRINDEX:
      reader.int32();
      return null;
    default:
      reader.skip(tag);
      return earlier;
  }
}

/** Whether V8 may keep the value in the elements of the object, where an array index takes the room of all indices below it. */
function isIndexLike(key: string): boolean {
  const first = key.charCodeAt(0);
  return first >= 0x30 && first <= 0x39;
}

/** V8 takes an array of one and a half times the index, or a dictionary where the array would be large. */
export function indexBytes(key: string): number {
  return INDEX_BYTES + (Number(key) <= MAX_ARRAY_INDEX ? Number(key) * BYTES_PER_INDEX : 0);
}

function isMap(value: unknown): value is Attributes {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
