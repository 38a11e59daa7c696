import { OutputBuffer } from '../../protobuf/outputBuffer.ts';
import {
  MAX_VARINT_BYTES,
  writeBytes,
  writeLength,
  writeString,
  writeVarint,
  writeVarint64,
} from '../../protobuf/write.ts';

/** Writes protobuf field after field, and keeps the place itself. */
export class Writer {
  readonly #out = new OutputBuffer();
  #at = 0;

  /** What was written, until more is. */
  get written(): Uint8Array {
    return this.#out.bytes.subarray(0, this.#at);
  }

  /** Begins anew, in a buffer of a size that may be kept. */
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
    this.#at = writeVarint(this.#out.room(this.#at, MAX_VARINT_BYTES), this.#at, value);
  }

  /** A varint of 64 bits, as two halves. */
  varint64(low: number, high: number): void {
    this.#at = writeVarint64(this.#out.room(this.#at, MAX_VARINT_BYTES), this.#at, low, high);
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
    this.#at = writeBytes(this.#out, this.#at, bytes);
  }

  /** The length of a string and the string, in UTF-8; lone surrogates become U+FFFD. */
  text(value: string): void {
    this.#at = writeString(this.#out, this.#at, value);
  }

  /** Begins a message whose length is not known yet. Returns what {@link close} needs. */
  open(): number {
    this.#out.room(this.#at, 1);
    this.#at += 1;
    return this.#at - 1;
  }

  close(start: number): void {
    this.#at = writeLength(this.#out, start, this.#at);
  }
}
