const WORD = 4;

/** Bytes that were read before, four at least. */
export class KnownBytes {
  readonly length: number;
  readonly #words: Int32Array;

  /** What stands there. */
  constructor(view: DataView, start: number, end: number) {
    this.length = end - start;
    this.#words = new Int32Array(Math.ceil(this.length / WORD));
    for (let index = 0; index < this.#words.length; index++)
      this.#words[index] = view.getInt32(Math.min(start + index * WORD, end - WORD), true);
  }

  /** Whether the same stand there, where there are as many. */
  standAt(view: DataView, start: number): boolean {
    const words = this.#words;
    const last = words.length - 1;
    for (let index = 0; index < last; index++)
      if (view.getInt32(start + index * WORD, true) !== words[index]) return false;
    return view.getInt32(start + this.length - WORD, true) === words[last];
  }
}
