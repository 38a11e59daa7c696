import type { Buffer } from 'node:buffer';
import { ownCopyOf } from './memo.ts';

/** A text that is longer comes again too seldom. */
const MAX_LENGTH = 64;
/** A power of two: as many texts are remembered at most. */
const SLOTS = 2048;
const NOT_ASCII = 0x8080_8080 | 0;

/** A text that came before, by its bytes. */
interface KnownText {
  readonly text: string;
  readonly words: Int32Array;
  readonly bytes: number;
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Makes strings of UTF-8, and remembers those that come again: each has one slot by its hash, which it takes when it comes twice
 * in turn. So texts that never come again keep nothing, and cost no more than their hash.
 */
export class Texts {
  readonly #known: (KnownText | undefined)[] = new Array(SLOTS);
  /** The hash that was last seen in each slot. */
  readonly #seen = new Int32Array(SLOTS);
  readonly #words = new Int32Array(MAX_LENGTH / 4);

  /** @throws Error where the bytes are not UTF-8. */
  read(bytes: Buffer, view: DataView, start: number, end: number): string {
    const length = end - start;
    if (length === 0) return '';
    if (length > MAX_LENGTH) return decoded(bytes, start, end);
    const words = this.#words;
    const count = (length + 3) >> 2;
    let hash = length;
    let all = 0;
    for (let index = 0; index < count; index++) {
      const at = start + index * 4;
      const word = at + 4 <= end ? view.getInt32(at, true) : lastWord(bytes, at, end);
      words[index] = word;
      all |= word;
      hash = Math.imul(hash ^ word, 0x9e37_79b1);
      hash ^= hash >>> 15;
    }
    const slot = hash & (SLOTS - 1);
    const known = this.#known[slot];
    if (known !== undefined && known.bytes === length && isSame(known.words, words)) return known.text;
    const text = (all & NOT_ASCII) === 0 ? bytes.toString('latin1', start, end) : decoded(bytes, start, end);
    if (this.#seen[slot] !== hash) {
      this.#seen[slot] = hash;
      return text;
    }
    const own = ownCopyOf(text);
    this.#known[slot] = { text: own, words: words.slice(0, count), bytes: length };
    return own;
  }
}

function isSame(known: Int32Array, words: Int32Array): boolean {
  for (let index = 0; index < known.length; index++) if (known[index] !== words[index]) return false;
  return true;
}

/** One to three bytes. */
function lastWord(bytes: Buffer, at: number, end: number): number {
  let word = 0;
  for (let index = end - 1; index >= at; index--) word = (word << 8) | (bytes[index] as number);
  return word;
}

function decoded(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end);
  // U+FFFD is what stands for bytes that are no UTF-8; only where there is one, it takes a second look.
  return text.includes('\ufffd') ? strict.decode(bytes.subarray(start, end)) : text;
}
