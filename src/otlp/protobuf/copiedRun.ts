import type { Buffer } from '../../internal/buffer.ts';
import type { WirePlace } from '../../model/received.ts';
import type { OutputBuffer } from './outputBuffer.ts';

/**
 * Copies fields as they stand in a request that was received. Fields that follow each other there and here are copied together, since
 * a copy costs more than its bytes do.
 */
export class CopiedRun {
  readonly #out: OutputBuffer;
  #bytes: Uint8Array = new Uint8Array();
  /** What is still to be copied: from where to where, and to which place. */
  #from = 0;
  #end = 0;
  #to = 0;

  constructor(out: OutputBuffer) {
    this.#out = out;
  }

  /** Adds a field. Returns where it ends. */
  add({ bytes, at, end }: WirePlace, tag: number, to: number): number {
    const toEnd = to + 1 + end - at;
    const before = this.#out.room(toEnd, 0);
    const isNext =
      bytes === this.#bytes &&
      at === this.#end + 1 &&
      bytes[at - 1] === tag &&
      to === this.#to + this.#end - this.#from;
    if (!isNext) {
      this.end();
      before[to] = tag;
      this.#bytes = bytes;
      this.#from = at;
      this.#to = to + 1;
    }
    this.#end = end;
    return toEnd;
  }

  /** Copies what has not been copied. */
  end(): void {
    if (this.#end > this.#from) (this.#bytes as Buffer).copy(this.#out.bytes, this.#to, this.#from, this.#end);
    this.#from = this.#end;
  }
}
