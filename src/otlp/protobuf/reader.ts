import { Buffer } from '../../internal/buffer.ts';
import { TextCache } from '../cache/textCache.ts';
import { type DecodeLimits, messageTooLarge } from './decodeLimits.ts';

/** Messages inside messages, groups included. */
const MAX_DEPTH = 100;
const MAX_VARINT_BYTES = 10;
const MAX_TAG_BYTES = 5;
const MAX_UINT32 = 0xffff_ffff;

const VARINT = 0;
const EIGHT_BYTES = 1;
const LENGTH_AND_CONTENT = 2;
const GROUP_START = 3;
const GROUP_END = 4;
const FOUR_BYTES = 5;

/** One for all messages. Made for the first one, since it has 140 KB. */
let texts: TextCache | undefined;

function sharedTexts(): TextCache {
  texts ??= new TextCache();
  return texts;
}

/** `Buffer.toString` without its checks of arguments. */
interface TextReader {
  hexSlice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
}

/** Reads protobuf strictly: malformed bytes throw an Error, and nothing is read beyond the end of the present message. */
export class Reader {
  readonly bytes: Buffer;
  readonly view: DataView;
  at = 0;
  /** The end of the present message. */
  end: number;
  /** The halves of the last 64-bit number. */
  low = 0;
  high = 0;
  /** How many items the message may still become, and how many bytes of heap they may still take. */
  private itemsLeft: number;
  private bytesLeft: number;
  /** Where parsed JSON is read: the present value. */
  parsed: unknown = undefined;
  /** Of views: texts that were not UTF-8 and are read with U+FFFD. `undefined` where they are refused. */
  malformedTexts: number | undefined = undefined;
  /** Of views: whether something that was read came again and has been replaced, so that the bytes have more than what was made of them. */
  hasReplaced = false;
  readonly #texts = sharedTexts();
  readonly #limits: DecodeLimits;
  #depth = 0;

  constructor(bytes: Uint8Array, limits: DecodeLimits) {
    this.#limits = limits;
    this.itemsLeft = limits.maxItems;
    // Strings and bytes take about as much heap as they take in the message.
    this.bytesLeft = limits.maxDecodedBytes - bytes.byteLength;
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.byteLength;
  }

  /** Begins anew, between two places, for a view: what is malformed in a text is read as U+FFFD, and values are frozen. */
  restart(start: number, end: number): void {
    this.at = start;
    this.end = end;
    this.malformedTexts = 0;
    this.hasReplaced = false;
    this.itemsLeft = this.#limits.maxItems;
    this.bytesLeft = this.#limits.maxDecodedBytes;
  }

  /**
   * Counts items against the limits, before they are made.
   *
   * @param bytes the heap that they take without their strings
   * @throws SpanflowError `MESSAGE_TOO_LARGE`
   */
  spend(items: number, bytes: number): void {
    this.itemsLeft -= items;
    this.bytesLeft -= bytes;
    if (this.itemsLeft < 0 || this.bytesLeft < 0) this.#overspent();
  }

  /** Field number times 8, plus the wire type; 0 at the end of the message. */
  tag(): number {
    const at = this.at;
    if (at >= this.end) return 0;
    const first = this.bytes[at] as number;
    if (first >= 0x80) return this.#longTag();
    this.at = at + 1;
    if (first < 8) throw new Error('field number 0');
    return first;
  }

  /** Enters a message that begins here with its length. Returns the end of the outer message, for {@link leave}. */
  enter(): number {
    const outer = this.end;
    this.end = this.#contentEnd();
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new Error(`more than ${MAX_DEPTH} messages in each other`);
    return outer;
  }

  leave(outer: number): void {
    this.#depth -= 1;
    this.end = outer;
  }

  /** The lowest 32 bits of a varint. */
  int32(): number {
    const at = this.at;
    if (at < this.end) {
      const byte = this.bytes[at] as number;
      if (byte < 0x80) {
        this.at = at + 1;
        return byte;
      }
    }
    this.varint64();
    return this.low;
  }

  bool(): boolean {
    this.varint64();
    return (this.low | this.high) !== 0;
  }

  /** A varint into {@link low} and {@link high}, as signed numbers. */
  varint64(): void {
    this.low = 0;
    this.high = 0;
    for (let index = 0; index < MAX_VARINT_BYTES; index++) {
      const byte = this.#byte();
      const bits = byte & 0x7f;
      const shift = index * 7;
      if (shift < 32) this.low |= bits << shift;
      if (shift > 28) this.high |= bits << (shift - 32);
      else if (shift === 28) this.high |= bits >> 4;
      if (byte < 0x80) return;
    }
    throw new Error(`a varint of more than ${MAX_VARINT_BYTES} bytes`);
  }

  fixed32(): number {
    return this.view.getUint32(this.#pass(4), true);
  }

  /** Eight bytes into {@link low} and {@link high}, as unsigned numbers. */
  fixed64(): void {
    const at = this.#pass(8);
    this.low = this.view.getUint32(at, true);
    this.high = this.view.getUint32(at + 4, true);
  }

  double(): number {
    return this.view.getFloat64(this.#pass(8), true);
  }

  /** Passes over a length and its bytes. Returns where the bytes begin. */
  content(): number {
    const end = this.#contentEnd();
    const start = this.at;
    this.at = end;
    return start;
  }

  text(): string {
    const start = this.content();
    try {
      return this.#texts.read(this.bytes, this.view, start, this.at);
    } catch (thrown) {
      if (this.malformedTexts === undefined) throw thrown;
      this.malformedTexts += 1;
      return (this.bytes as unknown as TextReader).utf8Slice(start, this.at);
    }
  }

  hex(): string {
    const start = this.content();
    return (this.bytes as unknown as TextReader).hexSlice(start, this.at);
  }

  /** A value that has been read to its end: frozen where a view holds it, since a change would be lost. */
  finished(value: unknown): unknown {
    if (this.malformedTexts === undefined || value === null || ArrayBuffer.isView(value)) return value;
    return Object.freeze(value);
  }

  /** A copy of bytes: a view would keep the whole request in memory for as long as one item lives. */
  copy(): Uint8Array {
    const start = this.content();
    return new Uint8Array(this.bytes.subarray(start, this.at));
  }

  /** Passes over the value of a field, after its tag. */
  skip(tag: number): void {
    switch (tag & 7) {
      case VARINT:
        this.varint64();
        return;
      case EIGHT_BYTES:
        this.#pass(8);
        return;
      case LENGTH_AND_CONTENT:
        this.at = this.#contentEnd();
        return;
      case GROUP_START:
        this.#skipGroup(tag);
        return;
      case FOUR_BYTES:
        this.#pass(4);
        return;
      default:
        throw new Error(`wire type ${tag & 7} where a field should begin`);
    }
  }

  #overspent(): never {
    const option = this.itemsLeft < 0 ? 'maxItems' : 'maxDecodedBytes';
    throw messageTooLarge(option, this.#limits, this.bytes.length);
  }

  #skipGroup(start: number): void {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new Error(`more than ${MAX_DEPTH} groups in each other`);
    for (;;) {
      const tag = this.tag();
      if (tag === 0) throw new Error('a group that does not end');
      if ((tag & 7) !== GROUP_END) {
        this.skip(tag);
        continue;
      }
      if (tag >>> 3 !== start >>> 3) throw new Error('the end of another group');
      this.#depth -= 1;
      return;
    }
  }

  #longTag(): number {
    const start = this.at;
    const tag = this.#longVarint();
    if (this.at - start > MAX_TAG_BYTES || tag > MAX_UINT32) throw new Error('a field number beyond 29 bits');
    if (tag < 8) throw new Error('field number 0');
    return tag;
  }

  /** Reads a length. Returns where its bytes end. */
  #contentEnd(): number {
    const at = this.at;
    const first = at < this.end ? (this.bytes[at] as number) : 0x80;
    const length = first < 0x80 ? first : this.#longVarint();
    if (first < 0x80) this.at = at + 1;
    if (length > this.end - this.at) throw new Error('a length beyond the end of its message');
    return this.at + length;
  }

  /** A varint of more than one byte, most often two; `Infinity` where it has more than 32 bits. */
  #longVarint(): number {
    const at = this.at;
    const second = at + 1 < this.end ? (this.bytes[at + 1] as number) : 0x80;
    if (second < 0x80) {
      this.at = at + 2;
      return ((this.bytes[at] as number) & 0x7f) | (second << 7);
    }
    this.varint64();
    return this.high === 0 ? this.low >>> 0 : Number.POSITIVE_INFINITY;
  }

  #byte(): number {
    if (this.at >= this.end) throw new Error('its end inside a number');
    return this.bytes[this.at++] as number;
  }

  /** Passes over bytes. Returns where they begin. */
  #pass(bytes: number): number {
    const at = this.at;
    if (bytes > this.end - at) throw new Error('its end inside a number');
    this.at = at + bytes;
    return at;
  }
}
