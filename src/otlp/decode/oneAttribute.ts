import { READ_ALL, type WirePlace } from '../../model/received.ts';
import { endOfValue, startOfContent } from '../protobuf/endOfValue.ts';
import { hasKey, isPlainKey, valueField } from '../protobuf/keyValue.ts';
import { readValue } from './attributes.ts';
import type { ReceivedRequest } from './receivedRequest.ts';

// Of `AnyValue`.
const STRING_VALUE = 0x0a;
const BOOL_VALUE = 0x10;
const INT_VALUE = 0x18;
const DOUBLE_VALUE = 0x21;

const MAX_SHORT = 0x7f;

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
    isLastPlain = isPlainKey(key);
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

/** Where the value of the attribute begins, if it has this key. */
function placeOfValue(bytes: Uint8Array, start: number, end: number, key: string): number {
  const field = valueField(bytes, start, end);
  if (field < 0 || field === end) return UNUSUAL;
  return hasKey(bytes, start, key) ? field + 1 : ABSENT;
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
