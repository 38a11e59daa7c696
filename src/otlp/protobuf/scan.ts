import { type DecodeLimits, messageTooLarge } from './decodeLimits.ts';

/** What a message counts against the limits when it is read: items, and bytes of heap without its strings. */
export type Cost = readonly [items: number, heap: number];
/** By the message, or by the message that has a field and the field's name. */
export type Costs = Readonly<Record<string, Cost>>;

/** What stands in a field of a length and its bytes, if there is anything to check in it. */
export interface Content {
  readonly kind: number;
  /** The fields of a message. */
  readonly shape: Shape;
  /** Bytes of an id that is not empty. */
  readonly length: number;
  /** What it counts against the limits: items, and bytes of heap; of a list of numbers for each of its bytes. */
  readonly items: number;
  readonly heap: number;
}

// What a content can be. Numbers, since a `switch` over them is a table.
const MESSAGE = 0;
const ATTRIBUTE = 1;
const KEY_TEXT = 2;
const ID = 3;
const BYTES = 4;
const FIXED64S = 5;
const VARINTS = 6;
export const KINDS = { MESSAGE, ATTRIBUTE, KEY_TEXT, ID, BYTES, FIXED64S, VARINTS } as const;

/** By the number of the field. A field that is not in it is passed over. */
export type Shape = (Content | undefined)[];

/** The highest number of a field in a {@link Shape}: its tag takes one byte. */
export const MAX_FIELD = 15;

// As the reader has them.
const MAX_DEPTH = 100;
const MAX_VARINT_BYTES = 10;
const MAX_TAG_BYTES = 5;
const MAX_UINT32 = 0xffff_ffff;

const EIGHT_BYTES = 8;
const FOUR_BYTES = 4;
/** An index-like key takes its place in an array, or in a table. See `indexBytes` in the decoder. */
const ZERO = 0x30;
const NINE = 0x39;

// Of `KeyValue` and `AnyValue`, see `isShortAttribute`.
const KEY = 0x0a;
const VALUE = 0x12;
const STRING_VALUE = 0x0a;
const BOOL_VALUE = 0x10;
const INT_VALUE = 0x18;
const DOUBLE_VALUE = 0x21;

/**
 * Checks the structure of a message in one pass: tags, lengths, ends of messages and groups, nesting, lengths of ids, and the limits. It
 * makes no object and reads no value. What passes, the `Reader` reads without an error, except for texts that are not UTF-8.
 */
export class Scan {
  at = 0;
  private readonly bytes: Uint8Array;
  private readonly limits: DecodeLimits;
  private readonly keyBytes: (key: string) => number;
  private itemsLeft: number;
  private heapLeft: number;
  private depth = 0;

  /** @param keyBytes the heap that a key takes which begins with a digit */
  constructor(bytes: Uint8Array, limits: DecodeLimits, keyBytes: (key: string) => number) {
    this.bytes = bytes;
    this.limits = limits;
    this.keyBytes = keyBytes;
    this.itemsLeft = limits.maxItems;
    this.heapLeft = limits.maxDecodedBytes - bytes.length;
  }

  /** @throws Error where it is malformed; SpanflowError `MESSAGE_TOO_LARGE`. */
  run(shape: Shape): void {
    this.spend(0, 0);
    this.message(shape, this.bytes.length, 0);
  }

  /** @param group the number of the group that ends with it; 0: none */
  private message(shape: Shape, end: number, group: number): void {
    const bytes = this.bytes;
    let at = this.at;
    while (at < end) {
      let tag = bytes[at] as number;
      if (tag < 0x80) at += 1;
      else {
        this.at = at;
        tag = this.longTag(end);
        at = this.at;
      }
      if (tag < 8) throw new Error('field number 0');
      switch (tag & 7) {
        case 2: {
          let length = at < end ? (bytes[at] as number) : 0x80;
          if (length < 0x80) at += 1;
          else {
            this.at = at;
            length = this.varint(end);
            at = this.at;
          }
          if (length > end - at) throw new Error('a length beyond the end of its message');
          const content = tag < 0x80 ? shape[tag >>> 3] : undefined;
          if (content !== undefined) {
            this.itemsLeft -= content.items;
            this.heapLeft -= content.heap;
            if (this.itemsLeft < 0 || this.heapLeft < 0) this.overspent();
            const isPassed =
              content.kind === ATTRIBUTE && this.depth + 2 <= MAX_DEPTH && isShortAttribute(bytes, at, at + length);
            if (!isPassed) {
              this.at = at;
              this.content(content, at, at + length);
            }
          }
          at += length;
          break;
        }
        case 0:
          at = endOfVarint(bytes, at, end);
          break;
        case 1:
          at += EIGHT_BYTES;
          if (tag < 0x80) this.number(shape[tag >>> 3]);
          break;
        case 5:
          at += FOUR_BYTES;
          break;
        case 3:
          this.at = at;
          this.enter();
          this.message(NOTHING_KNOWN, end, tag >>> 3);
          this.depth -= 1;
          at = this.at;
          break;
        default:
          this.at = at;
          if ((tag & 7) === 4 && tag >>> 3 === group) return;
          throw new Error(`wire type ${tag & 7} where a field should begin`);
      }
      if (at > end) throw new Error('its end inside a number');
    }
    this.at = at;
    if (group !== 0) throw new Error('a group that does not end');
  }

  private content(content: Content, at: number, end: number): void {
    switch (content.kind) {
      case ATTRIBUTE:
      case MESSAGE:
        this.inside(content.shape, end);
        return;
      case KEY_TEXT:
        if (isDigit(this.bytes[at]) && at < end) this.spend(0, this.keyBytes(this.ascii(at, end)));
        return;
      case ID:
        if (end > at && end - at !== content.length)
          throw new Error(`an id of ${end - at} bytes, not ${content.length}`);
        return;
      case BYTES:
        return;
      default:
        this.numbers(content, at, end);
    }
  }

  private inside(shape: Shape, end: number): void {
    this.enter();
    this.message(shape, end, 0);
    this.depth -= 1;
  }

  private enter(): void {
    this.depth += 1;
    if (this.depth > MAX_DEPTH) throw new Error(`more than ${MAX_DEPTH} messages in each other`);
  }

  private numbers({ kind, heap }: Content, start: number, end: number): void {
    if (this.depth === MAX_DEPTH) this.enter();
    this.spend(0, (end - start - 1) * heap);
    if (kind === VARINTS) for (let at = start; at < end; ) at = endOfVarint(this.bytes, at, end);
    else if ((end - start) % EIGHT_BYTES !== 0) throw new Error('its end inside a number');
  }

  /** One of a list, in a field of its own. */
  private number(content: Content | undefined): void {
    if (content !== undefined && content.kind === FIXED64S) this.spend(0, EIGHT_BYTES * content.heap);
  }

  private spend(items: number, heap: number): void {
    this.itemsLeft -= items;
    this.heapLeft -= heap;
    if (this.itemsLeft < 0 || this.heapLeft < 0) this.overspent();
  }

  private overspent(): never {
    throw messageTooLarge(this.itemsLeft < 0 ? 'maxItems' : 'maxDecodedBytes', this.limits, this.bytes.length);
  }

  /** The digits that a key begins with, or all of it: enough to tell an index. */
  private ascii(start: number, end: number): string {
    return String.fromCharCode(...this.bytes.subarray(start, Math.min(end, start + 32)));
  }

  private longTag(end: number): number {
    const start = this.at;
    const tag = this.varint(end);
    if (this.at - start > MAX_TAG_BYTES || tag > MAX_UINT32) throw new Error('a field number beyond 29 bits');
    return tag;
  }

  /** A varint as the nearest number. */
  private varint(end: number): number {
    const start = this.at;
    this.at = endOfVarint(this.bytes, start, end);
    let value = 0;
    for (let at = this.at - 1; at >= start; at--) {
      const bits = (this.bytes[at] as number) & (at - start === MAX_VARINT_BYTES - 1 ? 1 : 0x7f);
      value = value * 0x80 + bits;
    }
    return value;
  }
}

const NOTHING_KNOWN: Shape = Array.from({ length: MAX_FIELD + 1 }, () => undefined);

function endOfVarint(bytes: Uint8Array, start: number, end: number): number {
  const stop = Math.min(end, start + MAX_VARINT_BYTES);
  for (let at = start; at < stop; at++) if ((bytes[at] as number) < 0x80) return at + 1;
  throw new Error(stop === end ? 'its end inside a number' : `a varint of more than ${MAX_VARINT_BYTES} bytes`);
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

/**
 * Whether these bytes are an attribute as nearly all are: a key that is no index, and a text, a number or a boolean, each shorter than
 * 128 bytes. Most of a request are attributes, and looked at this way they take half of the time.
 */
function isShortAttribute(bytes: Uint8Array, at: number, end: number): boolean {
  const keyLength = bytes[at + 1] as number;
  const value = at + keyLength + 4;
  const length = end - value;
  if (length < 2 || length >= 0x80 || keyLength >= 0x80) return false;
  if (bytes[at] !== KEY || bytes[value - 2] !== VALUE || bytes[value - 1] !== length || isDigit(bytes[at + 2]))
    return false;
  switch (bytes[value]) {
    case STRING_VALUE:
      return bytes[value + 1] === length - 2;
    case DOUBLE_VALUE:
      return length === 1 + EIGHT_BYTES;
    case INT_VALUE:
    case BOOL_VALUE:
      return isVarint(bytes, value + 1, end);
    default:
      return false;
  }
}

/** Whether these bytes are one varint. */
function isVarint(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > MAX_VARINT_BYTES) return false;
  for (let at = start; at < end - 1; at++) if ((bytes[at] as number) < 0x80) return false;
  return (bytes[end - 1] as number) < 0x80;
}
