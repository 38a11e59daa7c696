import { FIELD_BYTES } from './encode-field.ts';
import type { Output } from './output.ts';

const WORD = 4;

/** The id that was written last in some role: the spans of a trace often follow each other. */
export class KnownId {
  #id: string | undefined;
  /** Where its bytes are. */
  #at = 0;

  is(id: string): boolean {
    return this.#id === id;
  }

  /** Writes the field once more. */
  put(out: Output, start: number, tag: number, length: number): number {
    const bytes = out.room(start, FIELD_BYTES);
    bytes[start] = tag;
    bytes[start + 1] = length;
    const { view } = out;
    const at = start + 2;
    for (let done = 0; done < length; done += WORD)
      view.setInt32(at + done, view.getInt32(this.#at + done, true), true);
    return at + length;
  }

  keep(id: string, at: number): void {
    this.#id = id;
    this.#at = at;
  }

  /** Its bytes may be overwritten from now on. */
  forget(): void {
    this.#id = undefined;
  }
}
