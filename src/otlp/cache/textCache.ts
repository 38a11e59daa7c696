import type { Buffer } from '../../internal/buffer.ts';
import { ownCopyOf } from './memo.ts';

const WORD_BYTES = 4;
/** Longer strings seldom come again, shorter ones are made as fast as they are found. */
const MAX_BYTES = 64;
const MIN_BYTES = WORD_BYTES;
const WORDS_PER_SLOT = MAX_BYTES / WORD_BYTES;
const SLOT_BITS = 11;
const SLOTS = 2 ** SLOT_BITS;
/** An odd number with bits that look random. */
const MIX = 0x9e37_79b1 | 0;

/** `Buffer.toString` without its checks of arguments. */
interface Utf8Reader {
  utf8Slice(start: number, end: number): string;
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Makes strings from UTF-8, and keeps those that come again: keys, and most values of attributes. A kept string is found by its bytes
 * without a call into the engine, its hash is known when it becomes a property, and spans share it.
 *
 * Each string has one slot, by its hash, and gets it when it comes there twice in turn. So strings that never come again keep nothing
 * and displace nothing.
 */
export class TextCache {
  readonly #texts: string[] = new Array(SLOTS).fill('');
  /** The bytes of each string, as words; the last word ends where the string ends. */
  readonly #words = new Int32Array(SLOTS * WORDS_PER_SLOT);
  readonly #lengths = new Uint8Array(SLOTS);
  /** The hash of the last string that was looked for in each slot and not found. */
  readonly #missed = new Int32Array(SLOTS);

  /** @throws Error where the bytes are not UTF-8. */
  read(bytes: Buffer, view: DataView, start: number, end: number): string {
    const length = end - start;
    if (length < MIN_BYTES || length > MAX_BYTES) return decoded(bytes, start, end);
    const last = end - WORD_BYTES;
    let hash = length ^ view.getInt32(last, true);
    for (let at = start; at < last; at += WORD_BYTES) {
      hash = Math.imul(hash ^ view.getInt32(at, true), MIX);
      hash ^= hash >>> 15;
    }
    const slot = Math.imul(hash, MIX) >>> (32 - SLOT_BITS);
    if (this.#lengths[slot] === length && this.#isKept(slot, view, start, last)) return this.#texts[slot] as string;
    const text = decoded(bytes, start, end);
    if (this.#missed[slot] === hash) this.#keep(slot, text, view, start, last);
    this.#missed[slot] = hash;
    return text;
  }

  #isKept(slot: number, view: DataView, start: number, last: number): boolean {
    let word = slot * WORDS_PER_SLOT;
    for (let at = start; at < last; at += WORD_BYTES) {
      if (this.#words[word++] !== view.getInt32(at, true)) return false;
    }
    return this.#words[word] === view.getInt32(last, true);
  }

  #keep(slot: number, text: string, view: DataView, start: number, last: number): void {
    let word = slot * WORDS_PER_SLOT;
    for (let at = start; at < last; at += WORD_BYTES) this.#words[word++] = view.getInt32(at, true);
    this.#words[word] = view.getInt32(last, true);
    this.#lengths[slot] = last + WORD_BYTES - start;
    this.#texts[slot] = ownCopyOf(text);
  }
}

function decoded(bytes: Buffer, start: number, end: number): string {
  const text = (bytes as unknown as Utf8Reader).utf8Slice(start, end);
  // U+FFFD stands for itself, or for bytes that are not UTF-8.
  return text.includes('\ufffd') ? strict.decode(bytes.subarray(start, end)) : text;
}
