import { READ_ALL, type WirePlace } from '../../model/received.ts';
import { endOfValue, startOfContent } from '../protobuf/endOfValue.ts';
import { readValue } from './attributes.ts';
import type { ReceivedRequest } from './receivedRequest.ts';

// Of `KeyValue` and `AnyValue`.
const KEY = 0x0a;
const VALUE = 0x12;
const STRING_VALUE = 0x0a;
const BOOL_VALUE = 0x10;
const INT_VALUE = 0x18;
const DOUBLE_VALUE = 0x21;

const MAX_SHORT = 0x7f;

/** Keys of which each character is one byte. */
const PLAIN_KEY = /^[ -~]{1,127}$/;

/** The last key that was asked for, and whether it is a plain one: most ask for one again and again. */
let lastKey = '';
let isLastPlain = false;

/**
 * The value of one attribute that is a text, a number, a boolean or empty; `undefined` where there is no such attribute; {@link READ_ALL} where
 * they have to be read all: for another value, which is one object for everybody who asks for it, or a key or a message of an unusual form.
 *
 * @param tag of the attributes of an item
 */
export function oneAttribute(request: ReceivedRequest, item: WirePlace, tag: number, key: string): unknown {
  if (key !== lastKey) {
    lastKey = key;
    isLastPlain = PLAIN_KEY.test(key);
  }
  const end = isLastPlain ? endOfAttribute(item, tag, key) : UNUSUAL;
  if (end <= 0) return end === UNUSUAL ? READ_ALL : undefined;
  return scalar(request, foundAt, end);
}

const ABSENT = 0;
const UNUSUAL = -1;

/** Where the value of the attribute that was found begins. */
let foundAt = 0;

/** Where the attribute of a key ends: of several the last one, which is the one that counts. */
function endOfAttribute({ bytes, at: start, end }: WirePlace, attributes: number, key: string): number {
  let found = ABSENT;
  for (let at = startOfContent(bytes, start); at < end; ) {
    const tag = bytes[at] as number;
    if (tag > MAX_SHORT && (bytes[at + 1] as number) > MAX_SHORT) return UNUSUAL;
    const content = tag > MAX_SHORT ? at + 2 : at + 1;
    const next = endOfValue(bytes, content, tag & 7);
    if (next < 0) return UNUSUAL;
    if (tag === attributes) {
      const value = placeOfValue(bytes, startOfContent(bytes, content), next, key);
      if (value === UNUSUAL) return UNUSUAL;
      if (value !== ABSENT) {
        foundAt = value;
        found = next;
      }
    }
    at = next;
  }
  return found;
}

/** Where the value of the attribute begins, if it has this key. Nearly all are written as a key, and then a value. */
function placeOfValue(bytes: Uint8Array, start: number, end: number, key: string): number {
  const keyLength = bytes[start + 1] as number;
  const value = start + 2 + keyLength;
  if (bytes[start] !== KEY || keyLength > MAX_SHORT || value >= end) return UNUSUAL;
  if (bytes[value] !== VALUE || endOfValue(bytes, value + 1, 2) !== end) return UNUSUAL;
  return keyLength === key.length && isAt(bytes, start + 2, key) ? value + 1 : ABSENT;
}

function scalar(request: ReceivedRequest, start: number, end: number): unknown {
  const content = startOfContent(request.bytes, start);
  if (content === end) return null;
  if (!isScalar(request.bytes[content] as number)) return READ_ALL;
  const reader = request.begin(start, end);
  const value = readValue(reader, null);
  // A malformed text is told of once.
  return typeof value === 'object' || reader.malformedTexts !== 0 ? READ_ALL : value;
}

function isScalar(tag: number): boolean {
  return tag === STRING_VALUE || tag === INT_VALUE || tag === DOUBLE_VALUE || tag === BOOL_VALUE;
}

/** From its end: keys differ there sooner. */
function isAt(bytes: Uint8Array, start: number, text: string): boolean {
  for (let index = text.length - 1; index >= 0; index--)
    if (bytes[start + index] !== text.charCodeAt(index)) return false;
  return true;
}
