import { warn } from '../../../internal/tracingSuppression.ts';

/** How bodies are compressed. */
export type Compression = 'gzip' | 'zstd' | 'none';

/** What a backend says that does not know a coding: 415 (RFC 9110, 15.5.16), or, as a Collector, 400 and the name of the header. */
const UNSUPPORTED_TEXT = /\bzstd\b|\bcontent-?\s?encoding\b/i;

/** The content coding of one destination's requests: the one that was asked for, until the backend refuses it. */
export class ContentCoding {
  #current: Compression;

  constructor(asked: Compression) {
    this.#current = asked;
  }

  get current(): Compression {
    return this.#current;
  }

  /**
   * A request in this coding was refused. Returns whether another coding may help; then `current` is that one.
   *
   * @param said what the backend said
   */
  refused(used: Compression, status: number, said: string, where: string): boolean {
    const isRefused = status === 415 || (status === 400 && UNSUPPORTED_TEXT.test(said));
    if (used !== 'zstd' || !isRefused) return false;
    if (this.#current === 'zstd') {
      this.#current = 'gzip';
      warn(`spanflow: ${where} does not take zstd (it answered ${status}): it gets gzip from now on`);
    }
    return true;
  }
}
