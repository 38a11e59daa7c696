import { types } from 'node:util';
import { shown } from '../errors.ts';
import { bitsOf, fitsInt64 } from './int64.ts';
import type { AnyValueMessage, KeyValueMessage } from './messages.ts';

/** Messages inside messages that protobuf's own readers accept: 47 arrays or 31 objects inside one span attribute. */
const MAX_MESSAGE_DEPTH = 100;
const MESSAGES_PER_ARRAY = 2;
const MESSAGES_PER_MAP = 3;

// An array of itself twice, 40 deep, is small in memory and endless on the wire; so is a list of one long string a million times.
// Without these limits one such span would stop the program, or take its whole request with it.
const MAX_VALUES_PER_SPAN = 262_144;
/** Characters and bytes, in all values and keys: the OTLP specification's limit for a whole request. */
const MAX_LENGTH_PER_SPAN = 64 * 1024 * 1024;

/** Where the walk through the values of one span is. One object serves a whole request, so that no span costs one. */
export interface ValueWalk {
  /** The attribute at the top, for messages. */
  attribute: string;
  /** Objects that contain the present value: one that comes again is circular. */
  readonly ancestors: object[];
  /** Values, events and links that this span may still have. */
  valuesLeft: number;
  /** Characters and bytes that they may still have. */
  lengthLeft: number;
  /** Attributes of the present owner that were left out, because OTLP has no form for them. */
  leftOut: number;
}

export function valueWalk(): ValueWalk {
  return {
    attribute: '',
    ancestors: [],
    valuesLeft: MAX_VALUES_PER_SPAN,
    lengthLeft: MAX_LENGTH_PER_SPAN,
    leftOut: 0,
  };
}

/** Begins another span, whatever state the last one was left in. */
export function restart(walk: ValueWalk): void {
  walk.ancestors.length = 0;
  walk.valuesLeft = MAX_VALUES_PER_SPAN;
  walk.lengthLeft = MAX_LENGTH_PER_SPAN;
  walk.leftOut = 0;
}

/** @throws Error where the span has more than one span may have. */
export function spend(walk: ValueWalk, length: number): void {
  walk.valuesLeft -= 1;
  walk.lengthLeft -= length;
  if (walk.valuesLeft < 0) throw new Error(`it has more than ${MAX_VALUES_PER_SPAN} values`);
  if (walk.lengthLeft < 0) throw new Error(`its values are longer than ${MAX_LENGTH_PER_SPAN}`);
}

/** Any string that protobuf accepts: lone surrogates become U+FFFD; what is not a string becomes one. */
export function text(value: unknown): string {
  if (value === undefined || value === null) return '';
  return (typeof value === 'string' ? value : String(value)).toWellFormed();
}

/**
 * The attributes of one owner. Those without an OTLP form (functions, symbols) are left out and counted in `walk.leftOut`.
 *
 * @param depth how many messages contain each of the values
 * @throws Error where a value is circular, nested too deep, or too many.
 */
export function keyValues(attributes: unknown, depth: number, walk: ValueWalk): KeyValueMessage[] {
  const encoded: KeyValueMessage[] = [];
  walk.leftOut = 0;
  if (attributes === undefined || attributes === null) return encoded;
  for (const key of Object.keys(attributes)) {
    walk.attribute = key;
    walk.lengthLeft -= key.length;
    const value = anyValue((attributes as Record<string, unknown>)[key], depth, walk);
    if (value === undefined) walk.leftOut += 1;
    else encoded.push({ key: text(key), value });
  }
  return encoded;
}

/** `undefined` where OTLP has no form for the value, or for one inside it. */
function anyValue(value: unknown, depth: number, walk: ValueWalk): AnyValueMessage | undefined {
  spend(walk, typeof value === 'string' ? value.length : 0);
  switch (typeof value) {
    case 'string':
      return { stringValue: value.toWellFormed() };
    case 'boolean':
      return { boolValue: value };
    case 'number':
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? { intValue: value } : { doubleValue: value };
    case 'bigint':
      return fitsInt64(value) ? { intValue: bitsOf(value) } : { stringValue: value.toString() };
    case 'undefined':
      return {};
    case 'object':
      return value === null ? {} : objectValue(value, depth, walk);
    default:
      return undefined;
  }
}

function objectValue(value: object, depth: number, walk: ValueWalk): AnyValueMessage | undefined {
  if (types.isUint8Array(value)) return bytesValue(value, walk);
  if (walk.ancestors.includes(value)) throw new Error(`its attribute ${shown(walk.attribute)} is circular`);
  const isArray = Array.isArray(value);
  const inside = depth + (isArray ? MESSAGES_PER_ARRAY : MESSAGES_PER_MAP);
  if (inside > MAX_MESSAGE_DEPTH) throw new Error(`its attribute ${shown(walk.attribute)} is nested too deep`);
  walk.ancestors.push(value);
  const encoded = isArray ? arrayValue(value, inside, walk) : mapValue(value, inside, walk);
  walk.ancestors.pop();
  return encoded;
}

function bytesValue(value: Uint8Array, walk: ValueWalk): AnyValueMessage {
  // A copy: what the program still writes to does not change under the writer, and a subclass keeps no say.
  const copy = new Uint8Array(value);
  spend(walk, copy.length);
  return { bytesValue: copy };
}

function arrayValue(items: readonly unknown[], depth: number, walk: ValueWalk): AnyValueMessage | undefined {
  const values: AnyValueMessage[] = [];
  for (let index = 0; index < items.length; index++) {
    const value = anyValue(items[index], depth, walk);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return { arrayValue: { values } };
}

function mapValue(map: object, depth: number, walk: ValueWalk): AnyValueMessage | undefined {
  const keys = Object.keys(map);
  if (ArrayBuffer.isView(map) || (keys.length === 0 && !isPlain(map))) return undefined;
  const values: KeyValueMessage[] = [];
  for (const key of keys) {
    walk.lengthLeft -= key.length;
    const value = anyValue((map as Record<string, unknown>)[key], depth, walk);
    if (value === undefined) return undefined;
    values.push({ key: text(key), value });
  }
  return { kvlistValue: { values } };
}

/** A Date, a Map or a Promise shows no property of its own: an empty list in its place would be a lie. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
