import type { Buffer } from '../../../internal/buffer.ts';
import type { OutputBuffer } from '../../protobuf/outputBuffer.ts';
import type { ReusedBytes } from '../../protobuf/reusedBytes.ts';
import { writeLongUtf8 } from '../../protobuf/write.ts';

const QUOTE = 0x22;
const ZERO = 0x30;
const BACKSLASH = 0x5c;

/** Up to this length a loop over the characters is faster than a call into the engine. */
const SHORT_ASCII = 32;
/** Bytes that are looked at together. */
const WORD_BYTES = 4;
const HIGH_BITS = 0x8080_8080 | 0;
/** The longest escape of one byte: `\u001f`. */
const MAX_BYTES_PER_BYTE = 6;
/** Up to this length, room for the longest form of a string is taken unmeasured. */
const UNMEASURED_BYTES = 4096;
const HEX_DIGITS = new Uint8Array([...'0123456789abcdef'].map((digit) => digit.charCodeAt(0)));

/** What stands between the backslash and the last two digits in the escape of a control character: `u00`. */
const LOW_ESCAPE = new Uint8Array([0x75, ZERO, ZERO]);

/** Whether a byte must be escaped in a JSON string. */
const NEEDS_ESCAPE = new Uint8Array(0x100).fill(1, 0, 0x20);
NEEDS_ESCAPE[QUOTE] = 1;
NEEDS_ESCAPE[BACKSLASH] = 1;

/** Writes JSON text, as bytes, behind what was written before. What ends with a quotation mark has its first one already. */
export class JsonOutput {
  private readonly out: OutputBuffer;
  private readonly source: Buffer;
  private readonly view: DataView;
  /** Where the next byte goes. */
  private to = 0;

  /** @param source what strings and ids are copied from, and a view of it */
  constructor(out: OutputBuffer, source: Buffer, view: DataView) {
    this.out = out;
    this.source = source;
    this.view = view;
  }

  get length(): number {
    return this.to;
  }

  byte(byte: number): void {
    this.out.room(this.to, 1)[this.to++] = byte;
  }

  part(part: ReusedBytes): void {
    this.out.room(this.to, part.length);
    this.to = part.writeTo(this.out, this.to);
  }

  /** ASCII as it is. */
  ascii(text: string): void {
    const { to } = this;
    const bytes = this.out.room(to, text.length);
    if (text.length > SHORT_ASCII) writeLongUtf8(bytes, to, text);
    else for (let at = 0; at < text.length; at++) bytes[to + at] = text.charCodeAt(at);
    this.to = to + text.length;
  }

  /** ASCII as it is, and a quotation mark. */
  quotedAscii(text: string): void {
    this.ascii(text);
    this.byte(QUOTE);
  }

  /** The last `count` digits of a whole number below 2^31, and a quotation mark. */
  quotedDigits(value: number, count: number): void {
    const { to } = this;
    const bytes = this.out.room(to, count + 1);
    let rest = value;
    for (let at = to + count - 1; at >= to; at--) {
      const tenth = (rest / 10) | 0;
      bytes[at] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    bytes[to + count] = QUOTE;
    this.to = to + count + 1;
  }

  /** Bytes of the source in hex, and a quotation mark. */
  quotedHex(start: number, end: number): void {
    const bytes = this.out.room(this.to, 2 * (end - start) + 1);
    let { to } = this;
    for (let at = start; at < end; at++) {
      const byte = this.source[at] as number;
      bytes[to] = HEX_DIGITS[byte >> 4] as number;
      bytes[to + 1] = HEX_DIGITS[byte & 0xf] as number;
      to += 2;
    }
    bytes[to] = QUOTE;
    this.to = to + 1;
  }

  /** A string of the source, escaped, and a quotation mark. */
  quotedString(start: number, end: number): void {
    const { source } = this;
    const length = end - start;
    const most = length <= UNMEASURED_BYTES ? length * MAX_BYTES_PER_BYTE : escapedLength(source, start, end);
    const bytes = this.out.room(this.to, most + 1);
    let { to } = this;
    let at = start;
    while (at < end) {
      const plain = this.copyPlain(to, at, end);
      to += plain;
      at += plain;
      for (const stop = Math.min(at + WORD_BYTES, end); at < stop; at++) {
        const byte = source[at] as number;
        if (NEEDS_ESCAPE[byte] === 0) bytes[to++] = byte;
        else to = writeEscape(bytes, to, byte);
      }
    }
    bytes[to] = QUOTE;
    this.to = to + 1;
  }

  /**
   * Copies words until one holds a byte that must be escaped, and returns how many bytes these are. The test looks at four bytes
   * together: see "Determine if a word has a byte less than n" and "has a byte equal to n" in Sean Anderson's Bit Twiddling Hacks.
   */
  private copyPlain(to: number, from: number, end: number): number {
    const { view } = this;
    const target = this.out.view;
    let at = 0;
    for (const last = end - from - WORD_BYTES; at <= last; at += WORD_BYTES) {
      const word = view.getInt32(from + at, true);
      const quote = word ^ 0x2222_2222;
      const backslash = word ^ 0x5c5c_5c5c;
      const escapes =
        ((word - 0x2020_2020) & ~word) | ((quote - 0x0101_0101) & ~quote) | ((backslash - 0x0101_0101) & ~backslash);
      if ((escapes & HIGH_BITS) !== 0) break;
      target.setInt32(to + at, word, true);
    }
    return at;
  }
}

function escapedLength(bytes: Buffer, start: number, end: number): number {
  let length = end - start;
  for (let at = start; at < end; at++) if (NEEDS_ESCAPE[bytes[at] as number] !== 0) length += MAX_BYTES_PER_BYTE - 1;
  return length;
}

function writeEscape(bytes: Buffer, at: number, byte: number): number {
  bytes[at] = BACKSLASH;
  if (byte === QUOTE || byte === BACKSLASH) {
    bytes[at + 1] = byte;
    return at + 2;
  }
  bytes.set(LOW_ESCAPE, at + 1);
  bytes[at + 4] = ZERO + (byte >> 4);
  bytes[at + 5] = HEX_DIGITS[byte & 0xf] as number;
  return at + 6;
}
