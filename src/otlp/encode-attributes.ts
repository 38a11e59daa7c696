import { isOwn, propertyOf } from '../strategies/propertyOf.ts';
import { FIELD_BYTES, missingOf, putCount } from './encode-field.ts';
import { putNewText } from './encode-known.ts';
import {
  BOOL_VALUE,
  DOUBLE_BYTES,
  DOUBLE_VALUE,
  ENTRY_BYTES,
  INT_VALUE,
  REPEATED_VALUES,
  STRING_VALUE,
} from './encode-scalar.ts';
import { ARRAY_VALUE, putEntry } from './encode-value.ts';
import type { Encoding } from './encoding.ts';
import { type KnownName, knownText, type Place, placeFor } from './known-name.ts';
import type { KnownPart } from './known-part.ts';
import type { Output } from './output.ts';
import { NOTHING, putAscii, putLength, putVarint, SHORT_TEXT } from './put.ts';

/** What has attributes. */
export interface Owner {
  /** Of its attributes; the count of those that are missing has the next one. */
  readonly tag: number;
  /** How many messages contain an attribute's value, from the request down. */
  readonly depth: number;
}

/** Up to it, the length of an entry with a number takes one byte. */
const SHORT_START = 100;
/** An array of more is not tried as one of short texts. */
const MAX_SHORT_TEXTS = 64;
/** Tag and length of an item and of its text. */
const ITEM_BYTES = 4;

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
  owner: Owner,
  name: KnownName | undefined,
  attributes: object | null | undefined,
  dropped: number | undefined,
): number {
  const places = name === undefined ? encoding.places : name.places;
  let at = start;
  let index = 0;
  let searched = 0;
  let leftOut = 0;
  for (const key in attributes) {
    if (!isOwn(attributes, key)) continue;
    const value = propertyOf(attributes, key);
    let place: Place | undefined = places[index];
    if (place === undefined || place.key !== key) {
      place = placeFor(encoding, places, index, key);
      searched += 1;
    }
    index += 1;
    encoding.spend(1, typeof value === 'string' ? key.length + value.length : key.length);
    const end = putAttribute(encoding, at, owner, key, place, value);
    if (end === NOTHING) leftOut += 1;
    else at = end;
  }
  encoding.keys.hit(index - searched);
  const missing = missingOf(dropped, leftOut);
  return missing === 0 ? at : putCount(encoding.out.room(at, FIELD_BYTES), at, ((owner.tag >> 3) + 1) << 3, missing);
}

/** Writes one, or {@link NOTHING} where OTLP has no form for its value. */
function putAttribute(
  encoding: Encoding,
  at: number,
  owner: Owner,
  key: string,
  place: Place | undefined,
  value: unknown,
): number {
  const end = place === undefined ? NOTHING : putUsual(encoding, at, owner.tag, place, value);
  if (end !== NOTHING) return end;
  encoding.attribute = key;
  return putEntry(encoding, at, owner.tag, key, place?.known, value, owner.depth);
}

/** Writes what most attributes have; {@link NOTHING} for others. */
function putUsual(encoding: Encoding, at: number, tag: number, place: Place, value: unknown): number {
  const out = encoding.out;
  if (typeof value === 'string') return putTextAttribute(out, at, tag, place, value);
  const start = place.known.start;
  if (start.length > SHORT_START) return NOTHING;
  if (typeof value === 'number') return putNumberAttribute(out, at, tag, start, value);
  if (typeof value === 'boolean') return putBooleanAttribute(out, at, tag, start, value);
  return Array.isArray(value) ? putTextsAttribute(encoding, at, tag, start, value) : NOTHING;
}

function putTextAttribute(out: Output, at: number, tag: number, place: Place, text: string): number {
  const message = knownText(place, text);
  if (message === undefined) return putNewText(out, at, tag, place.known, text);
  out.room(at, ENTRY_BYTES + message.length)[at] = tag;
  return message.put(out, at + 1);
}

/** A double, or an integer from 1 to 2^31. */
function putNumberAttribute(out: Output, at: number, tag: number, start: KnownPart, number: number): number {
  const bytes = out.room(at, ENTRY_BYTES + start.length);
  const content = start.put(out, at + 2);
  let end = content + 2 + DOUBLE_BYTES;
  if ((number | 0) === number && number > 0) {
    bytes[content + 1] = INT_VALUE;
    end = putVarint(bytes, content + 2, number);
  } else {
    if (Number.isSafeInteger(number)) return NOTHING;
    bytes[content + 1] = DOUBLE_VALUE;
    out.view.setFloat64(content + 2, number, true);
  }
  bytes[at] = tag;
  bytes[at + 1] = end - at - 2;
  bytes[content] = end - content - 1;
  return end;
}

function putBooleanAttribute(out: Output, at: number, tag: number, start: KnownPart, boolean: boolean): number {
  const bytes = out.room(at, ENTRY_BYTES + start.length);
  const content = start.put(out, at + 2);
  bytes[at] = tag;
  bytes[at + 1] = start.length + 3;
  bytes[content] = 2;
  bytes[content + 1] = BOOL_VALUE;
  bytes[content + 2] = boolean ? 1 : 0;
  return content + 3;
}

/** An array of a few short texts in ASCII; {@link NOTHING} for others. */
function putTextsAttribute(
  encoding: Encoding,
  at: number,
  tag: number,
  start: KnownPart,
  items: readonly unknown[],
): number {
  const count = items.length; // read once: it may be a getter's, and grow
  if (count > MAX_SHORT_TEXTS) return NOTHING;
  const { out } = encoding;
  const bytes = out.room(at, ENTRY_BYTES + start.length + MAX_SHORT_TEXTS * (ITEM_BYTES + SHORT_TEXT));
  const value = start.put(out, at + 2);
  let end = value + 3;
  let characters = 0;
  for (let index = 0; index < count; index++) {
    const text = items[index];
    if (typeof text !== 'string' || text.length > SHORT_TEXT) return NOTHING;
    bytes[end] = REPEATED_VALUES;
    bytes[end + 1] = text.length + 2;
    bytes[end + 2] = STRING_VALUE;
    bytes[end + 3] = text.length;
    end = putAscii(bytes, end + ITEM_BYTES, text);
    if (end === NOTHING) return NOTHING;
    characters += text.length;
  }
  encoding.spend(count, characters);
  bytes[at] = tag;
  bytes[value + 1] = ARRAY_VALUE;
  return putLength(out, at + 1, putLength(out, value, putLength(out, value + 2, end)));
}
