import type { Buffer } from '../../../internal/buffer.ts';
import type { OutputBuffer } from '../../protobuf/outputBuffer.ts';
import type { FieldText, MessageText } from './jsonFields.ts';
import { JsonOutput } from './jsonOutput.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const TWO_32 = 0x1_0000_0000;
const BILLION = 1_000_000_000;
const BILLION_DIGITS = 9;
/** As many bytes of a varint are an exact number. */
const EXACT_BYTES = 7;

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
  private readonly json: JsonOutput;
  /** Messages in each other, from the second on: the first stands for none. */
  private readonly open: OpenMessage[] = [new OpenMessage()];
  private depth = 0;
  /** The next byte of the source. */
  private from = 0;

  constructor(source: Buffer, fields: MessageText, out: OutputBuffer) {
    this.source = source;
    this.view = new DataView(source.buffer, source.byteOffset, source.length);
    this.json = new JsonOutput(out, source, this.view);
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
    return this.json.length;
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
    if (last === undefined) this.json.byte(OPEN_OBJECT);
    else if (last.isRepeated) this.json.byte(CLOSE_LIST);
    this.json.byte(CLOSE_OBJECT);
    this.depth -= 1;
  }

  private writeField(message: OpenMessage): void {
    const field = message.fields[this.varint() >>> 3] as FieldText;
    this.writeStart(message, field);
    if (field.isPacked) this.writePacked(field);
    else if (field.message === undefined) this.writeValue(field.type);
    else {
      const length = this.varint();
      this.begin(field.message, this.from + length);
    }
  }

  private writeStart(message: OpenMessage, field: FieldText): void {
    const { last } = message;
    if (field === last) {
      this.writeNext(field);
      return;
    }
    if (last?.isRepeated) this.json.byte(CLOSE_LIST);
    this.json.part(last === undefined ? field.first : field.next);
    message.last = field;
  }

  /** What stands between two values of a list. */
  private writeNext({ isQuoted }: FieldText): void {
    this.json.byte(COMMA);
    if (isQuoted) this.json.byte(QUOTE);
  }

  private writePacked(field: FieldText): void {
    const length = this.varint();
    const end = this.from + length;
    this.writeValue(field.type);
    while (this.from < end) {
      this.writeNext(field);
      this.writeValue(field.type);
    }
  }

  private writeValue(type: string): void {
    const { json } = this;
    if (type === 'string') json.quotedString(this.pass(this.varint()), this.from);
    else if (type === 'int64') json.quotedAscii(this.int64());
    else if (type === 'double') this.writeDouble();
    else if (type === 'hex') json.quotedHex(this.pass(this.varint()), this.from);
    else if (type === 'fixed64') this.writeFixed64();
    else if (type === 'sfixed64') json.quotedAscii(`${this.view.getBigInt64(this.pass(8), true)}`);
    else if (type === 'uint64') json.quotedAscii(this.uint64());
    else if (type === 'sint32') json.ascii(this.sint32());
    else if (type === 'bool') json.ascii(this.varint() === 1 ? 'true' : 'false');
    else if (type === 'fixed32') json.ascii(`${this.view.getUint32(this.pass(4), true)}`);
    else if (type === 'bytes') json.quotedAscii(this.source.toString('base64', this.pass(this.varint()), this.from));
    else json.ascii(`${this.varint()}`);
  }

  /** Passes over bytes of the source, and returns where they begin. */
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

  private sint32(): string {
    const zigzag = this.varint();
    return `${zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2}`;
  }

  private int64(): string {
    return `${this.isExact() ? this.varint() : BigInt.asIntN(64, this.varint64())}`;
  }

  private uint64(): string {
    return `${this.isExact() ? this.varint() : this.varint64()}`;
  }

  /** Whether the next varint has so few bytes that a number holds it. */
  private isExact(): boolean {
    const start = this.from;
    for (let at = start; at < start + EXACT_BYTES; at++) if ((this.source[at] as number) < 0x80) return true;
    return false;
  }

  private varint64(): bigint {
    let value = 0n;
    let byte = 0x80;
    for (let shift = 0n; byte > 0x7f; shift += 7n) {
      byte = this.source[this.from++] as number;
      value |= BigInt(byte & 0x7f) << shift;
    }
    return value;
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
    if (billions === 0) this.json.quotedAscii(`${rest}`);
    else {
      this.json.ascii(`${billions}`);
      this.json.quotedDigits(rest, BILLION_DIGITS);
    }
  }

  /** What JSON has no number for is a string; -0 too, since readers that take it for an integer would lose its sign. */
  private writeDouble(): void {
    const value = this.view.getFloat64(this.pass(8), true);
    if (Object.is(value, -0)) this.json.ascii('"-0"');
    else this.json.ascii(Number.isFinite(value) ? `${value}` : `"${value}"`);
  }
}
