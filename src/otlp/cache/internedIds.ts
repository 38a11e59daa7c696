import type { Buffer } from 'node:buffer';

/** A power of two: as many ids are remembered at most. */
const SLOTS = 256;
const WORDS_EACH = 4;
const SPAN_ID_BYTES = 8;
const TRACE_ID_BYTES = 16;

/** Both digits of each byte, as characters: the first in the lower half. */
const DIGITS = Uint16Array.from({ length: 256 }, (_, byte) => {
  const digits = byte.toString(16).padStart(2, '0');
  return digits.charCodeAt(0) | (digits.charCodeAt(1) << 8);
});

/** What `Buffer.toString` calls when it has looked at its arguments. */
interface HexReader {
  hexSlice(start: number, end: number): string;
}

/**
 * Makes hex digits of ids, and remembers those that come again, each in one slot by its hash, which it takes when it comes twice in
 * turn: the spans of a trace share its id, and many of them their parent's. Ids that never come again keep nothing.
 */
export class Ids {
  readonly #texts: string[] = new Array(SLOTS).fill('');
  readonly #words = new Int32Array(SLOTS * WORDS_EACH);
  /** The hash that was last seen in each slot. */
  readonly #seen = new Int32Array(SLOTS);

  read(bytes: Buffer, view: DataView, start: number, end: number): string {
    const length = end - start;
    if (length !== TRACE_ID_BYTES && length !== SPAN_ID_BYTES) return hexOf(bytes, start, end);
    const isTrace = length === TRACE_ID_BYTES;
    const a = view.getInt32(start, true);
    const b = view.getInt32(start + 4, true);
    const c = isTrace ? view.getInt32(start + 8, true) : 0;
    const d = isTrace ? view.getInt32(start + 12, true) : 0;
    const words = this.#words;
    const hash = a ^ b ^ c ^ d;
    const slot = hash & (SLOTS - 1);
    const at = slot * WORDS_EACH;
    const known = this.#texts[slot] as string;
    if (
      known.length === 2 * length &&
      words[at] === a &&
      words[at + 1] === b &&
      words[at + 2] === c &&
      words[at + 3] === d
    )
      return known;
    const text = isTrace ? hexOf(bytes, start, end) : spanHexOf(bytes, start);
    if (this.#seen[slot] !== hash) {
      this.#seen[slot] = hash;
      return text;
    }
    this.#texts[slot] = text;
    words[at] = a;
    words[at + 1] = b;
    words[at + 2] = c;
    words[at + 3] = d;
    return text;
  }
}

function hexOf(bytes: Buffer, start: number, end: number): string {
  return (bytes as unknown as HexReader).hexSlice(start, end);
}

/** Of eight bytes: to make so few digits here is faster than a call into the engine. */
function spanHexOf(bytes: Buffer, at: number): string {
  const a = DIGITS[bytes[at] as number] as number;
  const b = DIGITS[bytes[at + 1] as number] as number;
  const c = DIGITS[bytes[at + 2] as number] as number;
  const d = DIGITS[bytes[at + 3] as number] as number;
  const e = DIGITS[bytes[at + 4] as number] as number;
  const f = DIGITS[bytes[at + 5] as number] as number;
  const g = DIGITS[bytes[at + 6] as number] as number;
  const h = DIGITS[bytes[at + 7] as number] as number;
  return String.fromCharCode(
    a & 0xff,
    a >> 8,
    b & 0xff,
    b >> 8,
    c & 0xff,
    c >> 8,
    d & 0xff,
    d >> 8,
    e & 0xff,
    e >> 8,
    f & 0xff,
    f >> 8,
    g & 0xff,
    g >> 8,
    h & 0xff,
    h >> 8,
  );
}
