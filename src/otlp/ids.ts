import type { Buffer } from 'node:buffer';

/** A power of two: as many ids are remembered at most. */
const SLOTS = 256;
const WORDS_EACH = 4;
const SPAN_ID_BYTES = 8;
const TRACE_ID_BYTES = 16;

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
    const text = hexOf(bytes, start, end);
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
