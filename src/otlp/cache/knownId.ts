import type { Output } from '../protobuf/outputBuffer.ts';

const WORD = 8;

/** The id that was written last in some role, as bytes or as digits: the spans of a trace often follow each other. */
export class KnownId {
  #id: string | undefined;
  /** Where it is written. */
  #at = 0;

  is(id: unknown): boolean {
    return this.#id !== undefined && this.#id === id;
  }

  /** Writes its bytes, a multiple of eight, once more, where there is room for them. */
  put(out: Output, start: number, length: number): number {
    const view = out.view;
    for (let done = 0; done < length; done += WORD)
      view.setBigInt64(start + done, view.getBigInt64(this.#at + done, true), true);
    return start + length;
  }

  keep(id: string, at: number): void {
    this.#id = id;
    this.#at = at;
  }

  /** What is written there may be overwritten from now on. */
  forget(): void {
    this.#id = undefined;
  }
}
