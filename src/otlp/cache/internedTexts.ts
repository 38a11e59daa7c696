import type { Buffer } from 'node:buffer';
import { areWords, keepWords } from './knownBytes.ts';
import { ownCopyOf } from './memo.ts';

/** A text that is longer comes again too seldom. */
const MAX_LENGTH = 64;
/** A shorter one is made anew: it is not worth more. */
const MIN_LENGTH = 4;
/** As many texts as they can count are remembered at most. */
const SLOT_BITS = 11;
const SLOTS = 2 ** SLOT_BITS;
const WORDS_EACH = MAX_LENGTH / 4;
/** An odd number whose bits look random. */
const MIX = 0x9e37_79b1 | 0;
const NOT_ASCII = 0x8080_8080 | 0;

/** What `Buffer.toString` calls when it has looked at its arguments. */
interface TextReader {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Makes strings of UTF-8, and remembers those that come again: each has one slot, which it takes when it comes twice in turn of
 * those that belong there. So texts that never come again keep nothing, and cost no more than their hash.
 */
export class Texts {
  readonly #texts: string[] = new Array(SLOTS).fill('');
  /** How many bytes each has. */
  readonly #lengths = new Uint8Array(SLOTS);
  readonly #words = new Int32Array(SLOTS * WORDS_EACH);
  /** The hash of the text that belongs to each slot and came last. */
  readonly #seen = new Int32Array(SLOTS);

  /** @throws Error where the bytes are not UTF-8. */
  read(bytes: Buffer, view: DataView, start: number, end: number): string {
    const length = end - start;
    if (length > MAX_LENGTH) return decoded(bytes, start, end);
    if (length < MIN_LENGTH) return shortText(bytes, start, end);
    const slot = slotOf(view, start, length);
    const isKnown = this.#lengths[slot] === length && areWords(this.#words, slot * WORDS_EACH, view, start, length);
    return isKnown ? (this.#texts[slot] as string) : this.#newText(bytes, view, start, end, slot);
  }

  #newText(bytes: Buffer, view: DataView, start: number, end: number, slot: number): string {
    const text = isAscii(view, start, end) ? latin1(bytes, start, end) : decoded(bytes, start, end);
    const hash = hashOf(view, start, end);
    if (this.#seen[slot] !== hash) {
      this.#seen[slot] = hash;
      return text;
    }
    const own = ownCopyOf(text);
    this.#texts[slot] = own;
    this.#lengths[slot] = end - start;
    keepWords(this.#words, slot * WORDS_EACH, view, start, end - start);
    return own;
  }
}

/** By its length and five words of it, which is all of most keys: texts that differ elsewhere compete for one slot. */
function slotOf(view: DataView, start: number, length: number): number {
  const last = length - 4;
  const quarter = last >> 2;
  let hash = Math.imul(length ^ view.getInt32(start, true), MIX);
  hash = Math.imul(hash ^ view.getInt32(start + quarter, true), MIX);
  hash = Math.imul(hash ^ view.getInt32(start + (last >> 1), true), MIX);
  hash = Math.imul(hash ^ view.getInt32(start + last - quarter, true), MIX);
  hash = Math.imul(hash ^ view.getInt32(start + last, true), MIX);
  return hash >>> (32 - SLOT_BITS); // on which all lower bits have a say
}

/** Of all its bytes. */
function hashOf(view: DataView, start: number, end: number): number {
  const last = end - 4;
  let hash = (end - start) ^ view.getInt32(last, true);
  for (let at = start; at < last; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at, true), MIX);
    hash ^= hash >>> 15;
  }
  return hash;
}

function isAscii(view: DataView, start: number, end: number): boolean {
  const last = end - 4;
  let all = view.getInt32(last, true);
  for (let at = start; at < last; at += 4) all |= view.getInt32(at, true);
  return (all & NOT_ASCII) === 0;
}

/** Three bytes at most. */
function shortText(bytes: Buffer, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte > 0x7f) return decoded(bytes, start, end);
    text += String.fromCharCode(byte);
  }
  return text;
}

function latin1(bytes: Buffer, start: number, end: number): string {
  return (bytes as unknown as TextReader).latin1Slice(start, end);
}

function decoded(bytes: Buffer, start: number, end: number): string {
  const text = (bytes as unknown as TextReader).utf8Slice(start, end);
  // U+FFFD is what stands for bytes that are no UTF-8; only where there is one, it takes a second look.
  return text.includes('\ufffd') ? strict.decode(bytes.subarray(start, end)) : text;
}
