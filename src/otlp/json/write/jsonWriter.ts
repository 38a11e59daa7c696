import type { Buffer } from 'node:buffer';
import type { OutputBuffer } from '../../protobuf/outputBuffer.ts';
import { writeLongUtf8 } from '../../protobuf/write.ts';
import type { FieldText, MessageText } from './jsonFields.ts';

const TWO_32 = 0x1_0000_0000;
const BILLION = 1_000_000_000;
const BILLION_DIGITS = 9;
/** Bytes that are looked at together. */
const WORD = 4;
const QUOTE = 0x22;
const COMMA = 0x2c;
const ZERO = 0x30;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** The longest escape of one byte: `\u001f`. */
const MAX_BYTES_PER_BYTE = 6;
/** Up to this length, room for the longest form of a string is taken unmeasured. */
const UNMEASURED_BYTES = 4096;
const HEX_DIGITS = new Uint8Array([...'0123456789abcdef'].map((digit) => digit.charCodeAt(0)));

/** Whether a byte must be escaped in a JSON string. */
const NEEDS_ESCAPE = new Uint8Array(0x100).fill(1, 0, 0x20);
NEEDS_ESCAPE[QUOTE] = 1;
NEEDS_ESCAPE[BACKSLASH] = 1;

/** A message of which the end has not been written. */
class OpenMessage {
  fields: MessageText = [];
  /** Where it ends in the source. */
  end = 0;
  /** The field that was written last. */
  last: FieldText | undefined;
}

/**
 * Writes a protobuf message of our own encoder as OTLP/JSON.
 *
 * The schema says what each field is, so every message of every signal is written here. What is on the wire is trusted: it is
 * well-formed, no field is unknown, and the items of a list follow each other.
 */
export class JsonWriter {
  private readonly source: Buffer;
  private readonly view: DataView;
  private readonly out: OutputBuffer;
  private readonly open: OpenMessage[] = [new OpenMessage()];
  private depth = 0;
  /** The next byte of the source, and of the output. */
  private from = 0;
  private to = 0;

  constructor(source: Buffer, fields: MessageText, out: OutputBuffer) {
    this.source = source;
    this.view = new DataView(source.buffer, source.byteOffset, source.length);
    this.out = out;
    this.begin(fields, source.length);
  }

  /**
   * Writes on until this much of the source has been written.
   *
   * @returns the length of the whole text, once it is complete
   */
  write(until: number): number | undefined {
    while (this.depth > 0) {
      const message = this.open[this.depth] as OpenMessage;
      if (this.from === message.end) this.close(message);
      else if (this.from < until) this.writeField(message);
      else return undefined;
    }
    return this.to;
  }

  private begin(fields: MessageText, end: number): void {
    this.depth += 1;
    let message = this.open[this.depth];
    if (message === undefined) {
      message = new OpenMessage();
      this.open.push(message);
    }
    message.fields = fields;
    message.end = end;
    message.last = undefined;
  }

  private close({ last }: OpenMessage): void {
    if (last === undefined) this.putByte(OPEN_OBJECT);
    else if (last.isRepeated) this.putByte(CLOSE_LIST);
    this.putByte(CLOSE_OBJECT);
    this.depth -= 1;
  }

  private writeField(message: OpenMessage): void {
    const field = message.fields[this.varint() >>> 3] as FieldText;
    const { last } = message;
    if (field === last) {
      this.putByte(COMMA);
      if (field.type === 'string') this.putByte(QUOTE);
    } else {
      if (last?.isRepeated) this.putByte(CLOSE_LIST);
      const start = last === undefined ? field.first : field.next;
      this.out.room(this.to, start.length);
      this.to = start.put(this.out, this.to);
      message.last = field;
    }
    if (field.message !== undefined) {
      const length = this.varint();
      this.begin(field.message, this.from + length);
    } else this.writeValue(field.type);
  }

  private writeValue(type: string): void {
    if (type === 'string') this.writeString();
    else if (type === 'int64') this.putQuoted(this.int64());
    else if (type === 'double') this.writeDouble();
    else if (type === 'hex') this.writeHex();
    else if (type === 'fixed64') this.writeFixed64();
    else if (type === 'bool') this.putAscii(this.varint() === 1 ? 'true' : 'false');
    else if (type === 'fixed32') this.putAscii(`${this.view.getUint32(this.pass(4), true)}`);
    else if (type === 'bytes') this.writeBase64();
    else this.putAscii(`${this.varint()}`);
  }

  /** Where the next `count` bytes of the source begin, which are then behind. */
  private pass(count: number): number {
    const start = this.from;
    this.from = start + count;
    return start;
  }

  /** A varint up to 2^53. */
  private varint(): number {
    const byte = this.source[this.from] as number;
    if (byte > 0x7f) return this.longVarint();
    this.from += 1;
    return byte;
  }

  private longVarint(): number {
    let value = 0;
    let byte = 0x80;
    for (let factor = 1; byte > 0x7f; factor *= 0x80) {
      byte = this.source[this.from++] as number;
      value += (byte & 0x7f) * factor;
    }
    return value;
  }

  private int64(): string {
    const { source } = this;
    const start = this.from;
    // Up to seven bytes are an exact number.
    for (let at = start; at < start + 7; at++) if ((source[at] as number) < 0x80) return `${this.varint()}`;
    let value = 0n;
    let byte = 0x80;
    for (let shift = 0n; byte > 0x7f; shift += 7n) {
      byte = source[this.from++] as number;
      value |= BigInt(byte & 0x7f) << shift;
    }
    return BigInt.asIntN(64, value).toString();
  }

  private writeFixed64(): void {
    const at = this.pass(8);
    const low = this.view.getUint32(at, true);
    const high = this.view.getUint32(at + 4, true);
    // The quotient is rounded, so it can be one too small or too large; the rest, in 32 bits, is exact and says so.
    let billions = Math.floor((high * TWO_32 + low) / BILLION);
    let rest = (low - Math.imul(billions >>> 0, BILLION)) | 0;
    if (rest < 0 || rest >= BILLION) {
      const step = rest < 0 ? -1 : 1;
      billions += step;
      rest -= step * BILLION;
    }
    if (billions === 0) this.putQuoted(`${rest}`);
    else this.putBillions(billions, rest);
  }

  private putBillions(billions: number, below: number): void {
    this.putAscii(`${billions}`);
    const { to } = this;
    let rest = below;
    const bytes = this.out.room(to, BILLION_DIGITS + 1);
    for (let digit = to + BILLION_DIGITS - 1; digit >= to; digit--) {
      const tenth = (rest / 10) | 0;
      bytes[digit] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    bytes[to + BILLION_DIGITS] = QUOTE;
    this.to = to + BILLION_DIGITS + 1;
  }

  /** What JSON has no number for is a string; -0 too, since readers that take it for an integer would lose its sign. */
  private writeDouble(): void {
    const value = this.view.getFloat64(this.pass(8), true);
    if (Object.is(value, -0)) this.putAscii('"-0"');
    else this.putAscii(Number.isFinite(value) ? `${value}` : `"${value}"`);
  }

  private writeBase64(): void {
    const start = this.pass(this.varint());
    this.putQuoted(this.source.toString('base64', start, this.from));
  }

  private writeHex(): void {
    const { source } = this;
    const length = this.varint();
    const start = this.pass(length);
    const bytes = this.out.room(this.to, 2 * length + 1);
    let to = this.to;
    for (let at = start; at < start + length; at++) {
      const byte = source[at] as number;
      bytes[to] = HEX_DIGITS[byte >> 4] as number;
      bytes[to + 1] = HEX_DIGITS[byte & 0xf] as number;
      to += 2;
    }
    bytes[to] = QUOTE;
    this.to = to + 1;
  }

  private writeString(): void {
    const { source } = this;
    const length = this.varint();
    const start = this.pass(length);
    const end = this.from;
    const most = length <= UNMEASURED_BYTES ? length * MAX_BYTES_PER_BYTE : escapedLength(source, start, end);
    const bytes = this.out.room(this.to, most + 1);
    let to = this.to;
    let at = start;
    while (at < end) {
      const run = this.copyPlain(to, at, end);
      to += run;
      at += run;
      for (const stop = Math.min(at + WORD, end); at < stop; at++) {
        const byte = source[at] as number;
        if (NEEDS_ESCAPE[byte] === 0) bytes[to++] = byte;
        else to = putEscape(bytes, to, byte);
      }
    }
    bytes[to] = QUOTE;
    this.to = to + 1;
  }

  /** Copies words until one holds a byte that must be escaped, and says how many bytes these are. */
  private copyPlain(to: number, from: number, end: number): number {
    const { view } = this;
    const target = this.out.view;
    let at = 0;
    for (const last = end - from - WORD; at <= last; at += WORD) {
      const word = view.getInt32(from + at, true);
      const quote = word ^ 0x2222_2222;
      const backslash = word ^ 0x5c5c_5c5c;
      const escapes =
        ((word - 0x2020_2020) & ~word) | ((quote - 0x0101_0101) & ~quote) | ((backslash - 0x0101_0101) & ~backslash);
      if ((escapes & (0x8080_8080 | 0)) !== 0) break;
      target.setInt32(to + at, word, true);
    }
    return at;
  }

  private putByte(byte: number): void {
    this.out.room(this.to, 1)[this.to++] = byte;
  }

  /** ASCII as it is. */
  private putAscii(text: string): void {
    const { to } = this;
    const bytes = this.out.room(to, text.length);
    if (text.length > 32) writeLongUtf8(bytes, to, text);
    else for (let at = 0; at < text.length; at++) bytes[to + at] = text.charCodeAt(at);
    this.to = to + text.length;
  }

  /** The same up to a quotation mark, of which the first is written. */
  private putQuoted(text: string): void {
    this.putAscii(text);
    this.putByte(QUOTE);
  }
}

function escapedLength(bytes: Buffer, start: number, end: number): number {
  let length = end - start;
  for (let at = start; at < end; at++) if (NEEDS_ESCAPE[bytes[at] as number] !== 0) length += MAX_BYTES_PER_BYTE - 1;
  return length;
}

function putEscape(bytes: Buffer, at: number, byte: number): number {
  bytes[at] = BACKSLASH;
  if (byte === QUOTE || byte === BACKSLASH) {
    bytes[at + 1] = byte;
    return at + 2;
  }
  bytes.fill('u00', at + 1, at + 4);
  bytes[at + 4] = ZERO + (byte >> 4);
  bytes[at + 5] = HEX_DIGITS[byte & 0xf] as number;
  return at + 6;
}
