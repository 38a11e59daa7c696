import { isOwn, propertyOf } from '../../flow/propertyOf.ts';
import type { OutputBuffer } from '../protobuf/outputBuffer.ts';
import { writeEntry } from './anyValue.ts';
import { attributeKey, type Place, type ReusedName, writeNewString } from './attributeKey.ts';
import type { EncoderState } from './encoderState.ts';
import { countOf, writeUint32Field } from './fields.ts';

/** Up to this many places are remembered for each name. */
const MAX_PLACES = 32;

/**
 * Writes the attributes of one owner, and in the next field how many are missing: those without an OTLP form (functions, symbols) are left out.
 *
 * @param tag of the attributes
 * @param depth how many messages contain an attribute's value, from the request down
 * @param dropped how many the program left out itself
 * @param name the owner's, if it is remembered
 * @throws Error where a value is circular, nested too deep, or too many.
 */
export function writeAttributes(
  state: EncoderState,
  start: number,
  tag: number,
  depth: number,
  attributes: object | null | undefined,
  dropped: number | undefined,
  name?: ReusedName,
): number {
  state.leftOut = 0;
  const at = writeEntries(state, start, tag, depth, attributes, name, 'leftOut');
  return writeUint32Field(state.out, at, ((tag >> 3) + 1) << 3, countOf(countOf(dropped) + state.leftOut));
}

/**
 * The same for an owner that has no count of what is missing (a data point): an attribute without an OTLP form keeps its key, and has an empty value.
 *
 * @throws Error as {@link writeAttributes} does.
 */
export function writeUncounted(
  state: EncoderState,
  start: number,
  tag: number,
  depth: number,
  attributes: object | null | undefined,
  name?: ReusedName,
): number {
  return writeEntries(state, start, tag, depth, attributes, name, 'empty');
}

/** Writes one attribute, or `NOT_WRITTEN` where OTLP has no form for its value. */
export function writeAttribute(
  state: EncoderState,
  at: number,
  tag: number,
  depth: number,
  key: string,
  value: unknown,
): number {
  state.spend(1, typeof value === 'string' ? key.length + value.length : key.length);
  state.attribute = key;
  const known = attributeKey(state.keys, key);
  const text = typeof value === 'string' ? known?.strings.find(value) : undefined;
  if (text === undefined) return writeEntry(state, at, tag, key, known, value, depth);
  state.out.room(at, text.length)[at] = tag;
  return text.writeTo(state.out, at + 1);
}

function writeEntries(
  state: EncoderState,
  start: number,
  tag: number,
  depth: number,
  attributes: object | null | undefined,
  name: ReusedName | undefined,
  formless: 'leftOut' | 'empty',
): number {
  const places = name === undefined ? state.places : name.places;
  let at = start;
  let index = 0;
  let searched = 0;
  for (const key in attributes) {
    if (!isOwn(attributes, key)) continue;
    const value = propertyOf(attributes, key);
    let place = places[index];
    if (place === undefined || place.known.key !== key) {
      place = placeFor(state, places, index, key);
      searched += 1;
    }
    index += 1;
    state.spend(1, typeof value === 'string' ? key.length + value.length : key.length);
    if (typeof value === 'string' && place !== undefined) {
      at = writeStringAttribute(state.out, at, tag, place, value);
      continue;
    }
    state.attribute = key;
    const end = writeEntry(state, at, tag, key, place?.known, value, depth);
    if (end >= 0) at = end;
    else if (formless === 'leftOut') state.leftOut += 1;
    else at = writeEntry(state, at, tag, key, place?.known, undefined, depth);
  }
  state.keys.hit(index - searched);
  return at;
}

/** The place of a key that did not stand there before; `undefined` where the key is not remembered. */
function placeFor(state: EncoderState, places: Place[], index: number, key: string): Place | undefined {
  const known = attributeKey(state.keys, key);
  if (known === undefined) return undefined;
  const place = { known, last: undefined };
  if (index < MAX_PLACES && index <= places.length) places[index] = place;
  return place;
}

function writeStringAttribute(out: OutputBuffer, at: number, tag: number, place: Place, text: string): number {
  const { strings } = place.known;
  let known = place.last;
  if (known !== undefined && known.text === text) strings.hit(1);
  else {
    known = strings.find(text);
    place.last = known;
    if (known === undefined) return writeNewString(out, at, tag, place.known, text);
  }
  out.room(at, known.length)[at] = tag;
  return known.writeTo(out, at + 1);
}
