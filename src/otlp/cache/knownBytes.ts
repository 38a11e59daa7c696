const WORD = 4;

/** Bytes that were read before. */
export class KnownBytes {
  /** Of fewer none is made. */
  static readonly LEAST = WORD;

  readonly length: number;
  readonly #words: Int32Array;

  /** What stands there. */
  constructor(view: DataView, start: number, end: number) {
    this.length = end - start;
    this.#words = new Int32Array(wordsIn(this.length));
    keepWords(this.#words, 0, view, start, this.length);
  }

  /** Whether the same stand there, where there are as many. */
  standAt(view: DataView, start: number): boolean {
    return areWords(this.#words, 0, view, start, this.length);
  }
}

/** How many words hold so many bytes: four each, and the last four once more if they end inside a word. */
function wordsIn(length: number): number {
  return Math.ceil(length / WORD);
}

/** Keeps bytes, four at least, as words from `index` on. */
export function keepWords(words: Int32Array, index: number, view: DataView, start: number, length: number): void {
  const last = length - WORD;
  for (let at = 0; at < length; at += WORD) words[index + at / WORD] = view.getInt32(start + Math.min(at, last), true);
}

/** Whether these bytes were kept there. */
export function areWords(words: Int32Array, index: number, view: DataView, start: number, length: number): boolean {
  const last = length - WORD;
  let word = index;
  for (let at = 0; at < last; at += WORD) if (view.getInt32(start + at, true) !== words[word++]) return false;
  return view.getInt32(start + last, true) === words[word];
}
