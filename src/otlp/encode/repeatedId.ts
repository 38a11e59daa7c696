import type { OutputBuffer } from '../protobuf/outputBuffer.ts';
import { writeIdField } from './fields.ts';

const WORD = 8;

/** An id that often comes again in the next item: the spans of a trace, and the children of one span, follow each other. Then its bytes are copied from where it was written last, which takes a fraction of reading the digits. */
export class RepeatedId {
  readonly #label: string;
  readonly #length: number;
  #id: string | undefined; // the last one
  #at = 0; // where its bytes are

  /** @param length in bytes, a multiple of eight */
  constructor(label: string, length: number) {
    this.#label = label;
    this.#length = length;
  }

  /**
   * Writes a field with this id.
   *
   * @throws Error where it is no id of this length
   */
  write(out: OutputBuffer, at: number, tag: number, id: string): number {
    if (id === this.#id) return this.#writeAgain(out, at, tag);
    const end = writeIdField(out, at, tag, id, this.#length, this.#label);
    this.#id = id;
    this.#at = end - this.#length;
    return end;
  }

  /** What was written last is not there any more. */
  forget(): void {
    this.#id = undefined;
  }

  #writeAgain(out: OutputBuffer, at: number, tag: number): number {
    const bytes = out.room(at, 0);
    const { view } = out;
    const start = at + 2;
    bytes[at] = tag;
    bytes[at + 1] = this.#length;
    for (let done = 0; done < this.#length; done += WORD)
      view.setBigInt64(start + done, view.getBigInt64(this.#at + done, true), true);
    return start + this.#length;
  }
}
