import { isOwn, propertyOf } from '../../../flow/propertyOf.ts';
import type { KnownKey } from '../../cache/knownKey.ts';
import { type KnownName, knownText, type Place, placeFor } from '../../cache/knownName.ts';
import type { KnownPart } from '../../cache/knownPart.ts';
import type { Output } from '../../protobuf/outputBuffer.ts';
import { NOTHING, putLength, putShortAscii, SHORT_TEXT } from '../../protobuf/write.ts';
import { missingOf, putCount } from './encodeField.ts';
import { putNewText } from './encodeKnown.ts';
import { putBoolean, putNumber } from './encodeScalar.ts';
import { putEntry } from './encodeValue.ts';
import type { Encoding } from './encoding.ts';

/** What has attributes. */
export interface Owner {
  /** Of its attributes; the count of those that are missing has the next one. */
  readonly tag: number;
  /** How many messages contain an attribute's value, from the request down. */
  readonly depth: number;
}

/** An array of more is not tried as one of short texts. */
const MAX_SHORT_TEXTS = 64;
/** Tag and length of an item and of its text. */
const ITEM_BYTES = 4;
/** The same and a short text. */
const MAX_ITEM_BYTES = ITEM_BYTES + SHORT_TEXT;

// opentelemetry.proto.common.v1: the field's number, times 8, plus how it is written (0 varint, 1 eight bytes, 2 length and content).
const STRING_VALUE = 0x0a;
const ARRAY_VALUE = 0x2a;
const REPEATED_VALUES = 0x0a;

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
    if (end < 0) leftOut += 1;
    else at = end;
  }
  encoding.keys.hit(index - searched);
  const missing = missingOf(dropped, leftOut);
  return missing === 0 ? at : putCount(encoding.out.room(at, 0), at, ((owner.tag >> 3) + 1) << 3, missing);
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
  if (place === undefined) return putOther(encoding, at, owner, key, undefined, value);
  if (typeof value === 'string') return putTextAttribute(encoding.out, at, owner.tag, place, value);
  const end = putUsual(encoding, at, owner.tag, place.known.start, value);
  return end < 0 ? putOther(encoding, at, owner, key, place.known, value) : end;
}

function putTextAttribute(out: Output, at: number, tag: number, place: Place, text: string): number {
  const message = knownText(place, text);
  if (message === undefined) return putNewText(out, at, tag, place.known, text);
  out.room(at, message.length)[at] = tag;
  return message.put(out, at + 1);
}

/** Writes what most attributes have that are no texts; {@link NOTHING} for others. */
function putUsual(encoding: Encoding, at: number, tag: number, start: KnownPart, value: unknown): number {
  const out = encoding.out;
  out.room(at, start.length)[at] = tag;
  const inner = start.put(out, at + 2);
  const end = putUsualValue(encoding, inner + 1, value);
  return end < 0 ? NOTHING : putLength(out, at + 1, putLength(out, inner, end));
}

/** Writes the content of its `AnyValue`. */
function putUsualValue(encoding: Encoding, at: number, value: unknown): number {
  if (typeof value === 'number') return putNumber(encoding.out, at, value);
  if (typeof value === 'boolean') return putBoolean(encoding.out, at, value);
  return Array.isArray(value) ? putShortTexts(encoding, at, value) : NOTHING;
}

/** An array of a few short texts in ASCII; {@link NOTHING} for others. */
function putShortTexts(encoding: Encoding, at: number, items: readonly unknown[]): number {
  const count = items.length; // read once: it may be a getter's, and grow
  if (!(count >= 0 && count <= MAX_SHORT_TEXTS)) return NOTHING; // a proxy may say anything
  const out = encoding.out;
  const bytes = out.room(at, MAX_SHORT_TEXTS * MAX_ITEM_BYTES);
  let end = at + 2;
  let characters = 0;
  for (let index = 0; index < count; index++) {
    const text = items[index];
    if (typeof text !== 'string') return NOTHING;
    bytes[end] = REPEATED_VALUES;
    bytes[end + 1] = text.length + 2;
    bytes[end + 2] = STRING_VALUE;
    bytes[end + 3] = text.length;
    end = putShortAscii(bytes, end + ITEM_BYTES, text);
    if (end < 0) return NOTHING;
    characters += text.length;
  }
  encoding.spend(count, characters);
  bytes[at] = ARRAY_VALUE;
  return putLength(out, at + 1, end);
}

function putOther(
  encoding: Encoding,
  at: number,
  owner: Owner,
  key: string,
  known: KnownKey | undefined,
  value: unknown,
): number {
  encoding.attribute = key;
  return putEntry(encoding, at, owner.tag, key, known, value, owner.depth);
}
