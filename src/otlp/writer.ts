import { Buffer } from 'node:buffer';

const FIRST_BYTES = 256 * 1024;
/** Larger buffers are given back after a request, so that one huge request does not cost its memory for ever. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;
/** Below it a loop over the characters is faster than a call into the engine. */
const SHORT_TEXT = 16;
/** Up to it, room for the longest form of a text is taken unmeasured. */
const UNMEASURED_TEXT = 4096;
const MAX_BYTES_PER_UNIT = 3;
const MAX_VARINT_BYTES = 10;
const TWO_32 = 0x1_0000_0000;

/** The value of each ASCII character as a hex digit; negative where it is none. */
const NIBBLES = new Int8Array(0x80).fill(-1);
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16);
  NIBBLES[digit.charCodeAt(0)] = value;
  NIBBLES[digit.toUpperCase().charCodeAt(0)] = value;
}

/** There is no memory for a request as large as this: nothing that one span could help. */
export class OutOfMemory extends Error {}

/**
 * Writes protobuf into a buffer that grows and is used again and again.
 *
 * What stands before `at` is written; going back there takes back what came after. Every verb makes its own room.
 */
export class Writer {
  bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  at = 0;
  #view = new DataView(this.bytes.buffer);

  /** Begins anew, in a buffer of a size that may be kept. */
  reset(): void {
    this.at = 0;
    if (this.bytes.length > MAX_KEPT_BYTES) this.#use(Buffer.allocUnsafeSlow(FIRST_BYTES));
  }

  byte(value: number): void {
    if (this.at === this.bytes.length) this.#grow(1);
    this.bytes[this.at++] = value;
  }

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    if (this.at + MAX_VARINT_BYTES > this.bytes.length) this.#grow(MAX_VARINT_BYTES);
    let rest = value;
    while (rest > 0x7fff_ffff) {
      this.bytes[this.at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    while (rest > 0x7f) {
      this.bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.at++] = rest;
  }

  /** A varint of 64 bits, as two halves. */
  varint64(low: number, high: number): void {
    if (this.at + MAX_VARINT_BYTES > this.bytes.length) this.#grow(MAX_VARINT_BYTES);
    let lower = low >>> 0;
    let upper = high >>> 0;
    while (upper !== 0) {
      this.bytes[this.at++] = (lower & 0x7f) | 0x80;
      lower = ((lower >>> 7) | (upper << 25)) >>> 0;
      upper >>>= 7;
    }
    this.varint(lower);
  }

  /** A safe integer as `int64` has it: negative numbers take ten bytes. */
  int64(value: number): void {
    if (value >= 0) this.varint(value);
    else this.varint64(value, Math.floor(value / TWO_32));
  }

  fixed32(value: number): void {
    if (this.at + 4 > this.bytes.length) this.#grow(4);
    this.#view.setInt32(this.at, value, true);
    this.at += 4;
  }

  /** A tag of one byte, and eight bytes as two halves. */
  fixed64(tag: number, low: number, high: number): void {
    const at = this.at;
    if (at + 9 > this.bytes.length) this.#grow(9);
    this.bytes[at] = tag;
    this.#view.setInt32(at + 1, low, true);
    this.#view.setInt32(at + 5, high, true);
    this.at = at + 9;
  }

  double(value: number): void {
    if (this.at + 8 > this.bytes.length) this.#grow(8);
    this.#view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    const end = this.at + bytes.length;
    if (end > this.bytes.length) this.#grow(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at = end;
  }

  /** A tag of one byte, and what follows it. */
  field(tag: number, bytes: Uint8Array): void {
    const start = this.at + 1;
    const end = start + bytes.length;
    if (end > this.bytes.length) this.#grow(1 + bytes.length);
    this.bytes[this.at] = tag;
    this.bytes.set(bytes, start);
    this.at = end;
  }

  /** A tag of one byte, a length of one, and the bytes that hex digits mean; `false` where others are among them. */
  hex(tag: number, text: string): boolean {
    const digits = text.length;
    if (this.at + 2 + digits / 2 > this.bytes.length) this.#grow(2 + digits / 2);
    let at = this.at;
    this.bytes[at++] = tag;
    this.bytes[at++] = digits / 2;
    let seen = 0;
    for (let index = 0; index + 1 < digits; index += 2) {
      const first = text.charCodeAt(index);
      const second = text.charCodeAt(index + 1);
      const byte = ((NIBBLES[first & 0x7f] as number) << 4) | (NIBBLES[second & 0x7f] as number);
      this.bytes[at++] = byte;
      // What is no digit is negative, and what is no ASCII is above a byte: either stays visible.
      seen |= byte | (((first | second) & 0xff80) << 8);
    }
    this.at = at;
    return seen >= 0 && seen <= 0xff;
  }

  /** The length of a text and the text, in UTF-8; lone surrogates become U+FFFD. */
  text(value: string): void {
    if (value.length > SHORT_TEXT || !this.#shortText(value)) this.#longText(value);
  }

  /**
   * Begins a message whose length nobody knows yet.
   *
   * @param width how many bytes its length will probably take: where that is right, nothing has to move
   * @returns what {@link close} needs
   */
  open(width: number): number {
    if (this.at + width > this.bytes.length) this.#grow(width);
    const start = this.at;
    this.at = start + width;
    return start;
  }

  /** Ends the message that began at `start`, and says how many bytes its length took. */
  close(start: number, width: number): number {
    const length = this.at - start - width;
    if (width === 1 && length <= 0x7f) {
      this.bytes[start] = length;
      return 1;
    }
    const needed = varintBytes(length);
    if (needed !== width) this.#move(start + width, needed - width);
    const end = this.at;
    this.at = start;
    this.varint(length);
    this.at = end;
    return needed;
  }

  /** A copy of what was written from `start` on. */
  copyFrom(start: number): Uint8Array {
    return new Uint8Array(this.bytes.subarray(start, this.at));
  }

  /** `false`, and nothing written, where it is not ASCII. */
  #shortText(value: string): boolean {
    const length = value.length;
    if (this.at + 1 + length > this.bytes.length) this.#grow(1 + length);
    let at = this.at + 1;
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) return false;
      this.bytes[at++] = unit;
    }
    this.bytes[this.at] = length;
    this.at = at;
    return true;
  }

  #longText(value: string): void {
    const atMost = value.length < UNMEASURED_TEXT ? value.length * MAX_BYTES_PER_UNIT : Buffer.byteLength(value);
    const width = varintBytes(value.length);
    const start = this.at;
    if (start + width + atMost > this.bytes.length) this.#grow(width + atMost);
    const written = this.bytes.write(value, start + width);
    this.at = start + width + written;
    this.close(start, width);
  }

  /** Moves everything from `from` on by some bytes. */
  #move(from: number, by: number): void {
    if (this.at + by > this.bytes.length) this.#grow(by);
    this.bytes.copyWithin(from + by, from, this.at);
    this.at += by;
  }

  #grow(by: number): void {
    const least = this.at + by;
    let larger: Buffer<ArrayBuffer>;
    try {
      larger = Buffer.allocUnsafeSlow(Math.max(least, this.bytes.length * 2));
    } catch (thrown) {
      throw new OutOfMemory(`${least} bytes cannot be had`, { cause: thrown });
    }
    larger.set(this.bytes.subarray(0, this.at));
    this.#use(larger);
  }

  #use(bytes: Buffer<ArrayBuffer>): void {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** How many bytes a number takes as a varint. */
export function varintBytes(value: number): number {
  if (value <= 0x7f) return 1;
  if (value <= 0x3fff) return 2;
  let bytes = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}
