import { DOUBLE_BYTES, type KnownKey, STRING_VALUE } from './known-key.ts';
import type { Place } from './known-name.ts';
import { KnownPart } from './known-part.ts';
import { ownCopyOf } from './memo.ts';
import type { Output } from './output.ts';
import { likelyBytes, putUtf8, putVarint, roomFor, varintBytes } from './put.ts';

/** Room for an entry but for its key and a text in it. */
export const ENTRY_BYTES = 64;

/** Writes a `KeyValue` of which all is known but perhaps a number at its end. */
export function putKnown(out: Output, start: number, tag: number, message: KnownPart, value: unknown): number {
  const bytes = out.room(start, ENTRY_BYTES + message.length);
  bytes[start] = tag;
  const at = message.put(out, start + 1);
  if (typeof value !== 'number') return at;
  if ((value | 0) === value) return putVarint(bytes, at, value);
  out.view.setFloat64(at, value, true);
  return at + DOUBLE_BYTES;
}

/** What is known of an entry with this value, or nothing. */
export function knownPart(known: KnownKey, value: unknown): KnownPart | undefined {
  if (typeof value === 'string') return known.messages.find(value);
  if (typeof value === 'boolean') return value ? known.truth : known.falsehood;
  if (typeof value !== 'number') return undefined;
  if ((value | 0) !== value) return Number.isSafeInteger(value) ? undefined : known.double;
  return value > 0 || Object.is(value, 0) ? known.integers[varintBytes(value)] : undefined;
}

/** The same in a place where it may have been the last time. */
export function knownAt(place: Place, value: unknown): KnownPart | undefined {
  if (typeof value !== 'string') return knownPart(place.known, value);
  const { sure } = place;
  if (sure !== undefined && sure.text === value) return sure;
  const message = place.known.messages.find(value);
  place.sure = message === place.last ? message : undefined;
  place.last = message;
  return message;
}

/** Writes a `KeyValue` with a text, and remembers it. */
export function putNewText(out: Output, at: number, tag: number, { start, messages }: KnownKey, text: string): number {
  const end = putTextEntry(out, at, tag, start, text, likelyBytes(text));
  if (messages.wants(text)) {
    const own = ownCopyOf(text);
    messages.keep(own, new KnownPart(out, at + 1, end, own));
  }
  return end;
}

function putTextEntry(out: Output, at: number, tag: number, start: KnownPart, text: string, size: number): number {
  const bytes = out.room(at, ENTRY_BYTES + start.length + roomFor(text, size));
  const value = putEntryStart(out, at, tag, start, 1 + varintBytes(size) + size);
  bytes[value] = STRING_VALUE;
  const begin = putVarint(bytes, value + 1, size);
  const written = putUtf8(bytes, begin, text);
  return written === size ? begin + size : putTextEntry(out, at, tag, start, text, written);
}

/** A `KeyValue` up to its value, which will take `size` bytes. */
function putEntryStart(out: Output, start: number, tag: number, key: KnownPart, size: number): number {
  const { bytes } = out;
  bytes[start] = tag;
  const at = putVarint(bytes, start + 1, key.length + varintBytes(size) + size);
  return putVarint(bytes, key.put(out, at), size);
}
