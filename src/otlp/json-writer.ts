import { Buffer } from 'node:buffer';
import { OutOfMemory } from './writer.ts';

const FIRST_BYTES = 512 * 1024;
/** Larger buffers are given back after a request, so that one huge request does not cost its memory for ever. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;
/** Up to it a loop over the characters is faster than a call into the engine. */
const SHORT_TEXT = 16;
const SHORT_ASCII = 24;
/** Up to it, room for the longest form of a text is taken unmeasured. */
const UNMEASURED_TEXT = 4096;
const MAX_BYTES_PER_UNIT = 3;
const MAX_SHORT_INTEGER = 1e9;
const MAX_DIGITS = 10;

const QUOTE = 0x22;
const COMMA = 0x2c;
const ZERO = 0x30;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Bytes that stand for themselves in a text: not the control characters, not what ends it, not what escapes. */
const STANDS_FOR_ITSELF = new Uint8Array(0x100).fill(1);
STANDS_FOR_ITSELF.fill(0, 0, 0x20);
STANDS_FOR_ITSELF[QUOTE] = 0;
STANDS_FOR_ITSELF[BACKSLASH] = 0;

/** The lower case of each ASCII character that is a hex digit; above ASCII where it is none. */
const HEX_DIGITS = new Uint8Array(0x80).fill(0x80);
for (const digit of '0123456789abcdef') {
  HEX_DIGITS[digit.charCodeAt(0)] = digit.charCodeAt(0);
  HEX_DIGITS[digit.toUpperCase().charCodeAt(0)] = digit.charCodeAt(0);
}

/**
 * Writes JSON in UTF-8 into a buffer that grows and is used again and again.
 *
 * What stands before `at` is written; going back there takes back what came after. Every verb makes its own room. Each field of an
 * object and each item of a list begins with a comma; of the first, the bracket takes its place when the whole is closed.
 */
export class JsonWriter {
  bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  at = 0;

  /** Begins anew, in a buffer of a size that may be kept. */
  reset(): void {
    this.at = 0;
    if (this.bytes.length > MAX_KEPT_BYTES) this.bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  byte(value: number): void {
    if (this.at === this.bytes.length) this.#grow(1);
    this.bytes[this.at++] = value;
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    const end = this.at + bytes.length;
    if (end > this.bytes.length) this.#grow(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at = end;
  }

  /** Bytes as they are, and where they end. */
  start(bytes: Uint8Array): number {
    this.raw(bytes);
    return this.at;
  }

  comma(): void {
    this.byte(COMMA);
  }

  quote(): void {
    this.byte(QUOTE);
  }

  /** Makes an object of the fields that were written since `start`. */
  closeObject(start: number): void {
    if (this.at === start) this.byte(OPEN_OBJECT);
    else this.bytes[start] = OPEN_OBJECT;
    this.byte(CLOSE_OBJECT);
  }

  /** Makes a list of the items that were written since `start`. */
  closeList(start: number): void {
    if (this.at === start) this.byte(OPEN_LIST);
    else this.bytes[start] = OPEN_LIST;
    this.byte(CLOSE_LIST);
  }

  /** A text in quotation marks; lone surrogates become U+FFFD. */
  text(value: string): void {
    if (value.length > SHORT_TEXT || !this.#shortText(value)) this.#longText(value);
  }

  /** ASCII as it is: digits, base64. */
  ascii(value: string): void {
    if (this.at + value.length > this.bytes.length) this.#grow(value.length);
    if (value.length > SHORT_ASCII) {
      this.at += this.bytes.write(value, this.at);
      return;
    }
    for (let index = 0; index < value.length; index++) this.bytes[this.at++] = value.charCodeAt(index);
  }

  /** A whole number. */
  integer(value: number): void {
    if (value < 0 || value >= MAX_SHORT_INTEGER) {
      this.ascii(String(value));
      return;
    }
    let digits = 1;
    for (let power = 10; power <= value; power *= 10) digits += 1;
    this.digits(value, digits);
  }

  /** The last digits of a whole number from 0 to 2^31. */
  digits(value: number, count: number): void {
    if (this.at + MAX_DIGITS > this.bytes.length) this.#grow(MAX_DIGITS);
    let rest = value | 0;
    for (let at = this.at + count - 1; at >= this.at; at--) {
      const tenth = (rest / 10) | 0;
      this.bytes[at] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    this.at += count;
  }

  /** Hex digits, in lower case; `false` where others are among them. */
  hex(value: string): boolean {
    const length = value.length;
    if (this.at + length > this.bytes.length) this.#grow(length);
    let seen = 0;
    let at = this.at;
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      const digit = HEX_DIGITS[unit & 0x7f] as number;
      this.bytes[at++] = digit;
      // What is no digit is above ASCII, and so is what is no ASCII.
      seen |= digit | unit;
    }
    this.at = at;
    return seen < 0x80;
  }

  /** A copy of what was written from `start` on. */
  copyFrom(start: number): Uint8Array {
    return new Uint8Array(this.bytes.subarray(start, this.at));
  }

  /** `false`, and nothing written, where it is not ASCII that stays as it is. */
  #shortText(value: string): boolean {
    const length = value.length;
    if (this.at + 2 + length > this.bytes.length) this.#grow(2 + length);
    let at = this.at + 1;
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f || unit < 0x20 || unit === QUOTE || unit === BACKSLASH) return false;
      this.bytes[at++] = unit;
    }
    this.bytes[this.at] = QUOTE;
    this.bytes[at] = QUOTE;
    this.at = at + 1;
    return true;
  }

  #longText(value: string): void {
    const start = this.at;
    this.quote();
    this.#utf8(value);
    // Bytes are looked through faster than characters; and lone surrogates are mended by now.
    let areAll = 1;
    for (let at = start + 1; at < this.at; at++) areAll &= STANDS_FOR_ITSELF[this.bytes[at] as number] as number;
    this.quote();
    if (areAll === 1) return;
    this.at = start;
    this.#utf8(JSON.stringify(value.toWellFormed()));
  }

  #utf8(value: string): void {
    const atMost = value.length < UNMEASURED_TEXT ? value.length * MAX_BYTES_PER_UNIT : Buffer.byteLength(value);
    if (this.at + atMost > this.bytes.length) this.#grow(atMost);
    this.at += this.bytes.write(value, this.at);
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
    this.bytes = larger;
  }
}

/** What is written again and again as it is: ASCII. */
export function constant(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}
