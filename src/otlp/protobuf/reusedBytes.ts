import type { OutputBuffer } from './outputBuffer.ts';

const WORD = 8;

/**
 * Bytes that were written before and are written again, held as words of eight: `TypedArray.set` is a call into the engine, and an
 * attribute has too few bytes to be worth one.
 */
export class ReusedBytes {
  /** The string that these bytes encode, if they encode one. */
  readonly text: string;
  readonly length: number;
  readonly #words: BigInt64Array;

  /** Copies the bytes between `start` and `end`. */
  constructor(out: OutputBuffer, start: number, end: number, text = '') {
    this.text = text;
    this.length = end - start;
    this.#words = new BigInt64Array(Math.ceil(this.length / WORD));
    out.room(end, 0);
    for (let index = 0; index < this.#words.length; index++)
      this.#words[index] = out.view.getBigInt64(start + index * WORD, true);
  }

  /** Writes the bytes, and returns where they end. There has to be room for them and for one word more. */
  writeTo(out: OutputBuffer, at: number): number {
    const view = out.view;
    const words = this.#words;
    for (let index = 0; index < words.length; index++)
      view.setBigInt64(at + index * WORD, words[index] as bigint, true);
    return at + this.length;
  }
}
