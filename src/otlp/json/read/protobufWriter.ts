import { Output } from '../../protobuf/outputBuffer.ts';
import { MAX_VARINT_BYTES, putBytes, putLength, putText, putVarint, putVarint64 } from '../../protobuf/write.ts';

/** Writes protobuf, field after field, into a buffer of its own. */
export class Writer {
  readonly #out = new Output();
  #at = 0;

  /** The bytes that were written, valid until more are written. */
  get written(): Uint8Array {
    return this.#out.bytes.subarray(0, this.#at);
  }

  /** Begins again at the start of the buffer, which is replaced if it has become too large to keep. */
  reset(): void {
    this.#at = 0;
    this.#out.reset();
  }

  byte(value: number): void {
    this.#out.room(this.#at, 1)[this.#at] = value;
    this.#at += 1;
  }

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    this.#at = putVarint(this.#out.room(this.#at, MAX_VARINT_BYTES), this.#at, value);
  }

  /** A 64-bit varint, from two halves. */
  varint64(low: number, high: number): void {
    this.#at = putVarint64(this.#out.room(this.#at, MAX_VARINT_BYTES), this.#at, low, high);
  }

  fixed32(value: number): void {
    this.#out.room(this.#at, 4);
    this.#out.view.setInt32(this.#at, value, true);
    this.#at += 4;
  }

  double(value: number): void {
    this.#out.room(this.#at, 8);
    this.#out.view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#at = putBytes(this.#out, this.#at, bytes);
  }

  /** The length of a text and the text, in UTF-8; lone surrogates become U+FFFD. */
  text(value: string): void {
    this.#at = putText(this.#out, this.#at, value);
  }

  /** Begins a message whose length is not known yet. Returns its start, for {@link close}. */
  open(): number {
    this.#out.room(this.#at, 1);
    this.#at += 1;
    return this.#at - 1;
  }

  close(start: number): void {
    this.#at = putLength(this.#out, start, this.#at);
  }
}
