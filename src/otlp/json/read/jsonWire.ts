import { Buffer } from '../../../internal/buffer.ts';
import { shown } from '../../../model/errors.ts';
import { escaped } from '../../../model/escaped.ts';
import { type DecodeLimits, messageTooLarge } from '../../protobuf/decodeLimits.ts';
import { bitsOf } from '../../protobuf/int64.ts';
import { isBase64 } from './base64.ts';
import { exactInteger } from './exactInteger.ts';
import { writeNanos, writeWhole } from './jsonInteger.ts';
import type { JsonField, JsonMessage } from './jsonSchema.ts';
import { exceedsParsed } from './jsonSize.ts';
import { isUnsafe, NumberText, parsed, parsedExactly, textOf } from './jsonText.ts';
import { Writer } from './protobufWriter.ts';

const MAX_DEPTH = 100;
const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;
// One repeated character class: a repeated group would overflow V8's stack on long texts.
const HEX = /^[0-9a-f]*$/i;

const traceId = Buffer.alloc(16);
const spanId = Buffer.alloc(8);

/** One for all messages: no code of the program runs while it is in use. Made for the first one, since it has 256 KiB. */
let shared: Writer | undefined;

function sharedWriter(): Writer {
  shared ??= new Writer();
  return shared;
}

/**
 * JSON as the protobuf message that it means. The next call overwrites the memory of the result.
 *
 * @param json the text, or its bytes in UTF-8
 * @throws Error with the place and the reason where the JSON is not such a message; SpanflowError `MESSAGE_TOO_LARGE`.
 */
export function wireOf(json: string | Uint8Array, message: JsonMessage, limits: DecodeLimits): Uint8Array {
  const text = textWithin(json, limits);
  return wireOfParsed(text, parsed(text), message);
}

/** @throws Error where the input is no text; SpanflowError `MESSAGE_TOO_LARGE` where its JSON would take too much heap. */
export function textWithin(json: string | Uint8Array, limits: DecodeLimits): string {
  const text = textOf(json);
  if (exceedsParsed(text, limits.maxDecodedBytes)) throw messageTooLarge('maxDecodedBytes', limits, json.length);
  return text;
}

/** The same as {@link wireOf}, given the text and what it is as JSON. */
export function wireOfParsed(text: string, json: unknown, message: JsonMessage): Uint8Array {
  try {
    return new JsonToWire(false).write(json, message);
  } catch (thrown) {
    if (!(thrown instanceof UnsafeInteger)) throw thrown;
  }
  // The text has an integer without quotation marks that a double may not hold. It is parsed again, with such numbers as text.
  return new JsonToWire(true).write(parsedExactly(text), message);
}

/** A JSON number may be an integer that a double does not hold: the text must be parsed again. */
class UnsafeInteger extends Error {}

type Range = readonly [least: bigint, most: bigint];

const RANGES: Readonly<Record<string, Range>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  fixed32: [0n, 2n ** 32n - 1n],
  sint32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  sfixed64: [-(2n ** 63n), 2n ** 63n - 1n],
  fixed64: [0n, 2n ** 64n - 1n],
};

/** Writes parsed JSON as the protobuf message that it means. */
class JsonToWire {
  readonly #writer = sharedWriter();
  /** Names and indices of the present value, for errors. */
  readonly #path: (string | number)[] = [];

  /** Whether integers that a double may not hold are {@link NumberText}. */
  readonly #exact: boolean;

  constructor(exact: boolean) {
    this.#exact = exact;
  }

  /** @throws Error with the place and the reason; {@link UnsafeInteger} for an integer that may not be exact. */
  write(json: unknown, message: JsonMessage): Uint8Array {
    this.#writer.reset();
    this.#message(json, message, 0);
    return this.#writer.written;
  }

  #message(json: unknown, { fields }: JsonMessage, depth: number): void {
    if (typeof json !== 'object' || json === null || Array.isArray(json) || json instanceof NumberText)
      throw this.#wrong('an object', json);
    if (depth > MAX_DEPTH) throw new Error(`more than ${MAX_DEPTH} messages are in each other`);
    let oneof: string | undefined;
    for (const name in json) {
      const field = fields.get(name);
      const value = (json as Record<string, unknown>)[name];
      if (field === undefined || value === undefined || value === null) continue;
      if (field.oneof !== undefined && oneof === field.oneof) throw this.#wrong('one value only', json);
      oneof = field.oneof ?? oneof;
      this.#path.push(field.name);
      if (field.repeated) this.#list(value, field, depth);
      else this.#field(value, field, depth);
      this.#path.pop();
    }
  }

  #list(json: unknown, field: JsonField, depth: number): void {
    if (!Array.isArray(json)) throw this.#wrong('an array', json);
    for (let index = 0; index < json.length; index++) {
      this.#path.push(index);
      this.#field(json[index], field, depth);
      this.#path.pop();
    }
  }

  #field(json: unknown, field: JsonField, depth: number): void {
    const writer = this.#writer;
    writer.varint(field.tag);
    if (field.message === undefined) {
      this.#scalar(json, field);
      return;
    }
    const start = writer.open();
    this.#message(json, field.message, depth + 1);
    writer.close(start);
  }

  #scalar(json: unknown, field: JsonField): void {
    const writer = this.#writer;
    switch (field.type) {
      case 'string':
        writer.text(this.#text(json, 'a string', undefined));
        break;
      case 'bool':
        if (typeof json !== 'boolean') throw this.#wrong('true or false', json);
        writer.byte(json ? 1 : 0);
        break;
      case 'double':
        writer.double(this.#double(json));
        break;
      case 'hex':
        this.#hex(this.#text(json, 'hex digits', undefined));
        break;
      case 'bytes':
        this.#base64(this.#text(json, 'base64', undefined));
        break;
      default:
        this.#integer(json, field);
    }
  }

  #hex(text: string): void {
    const id = text.length === traceId.length * 2 ? traceId : spanId;
    // `write` stops at a character that is not a hex digit.
    const isId = text.length === id.length * 2 && id.write(text, 'hex') === id.length;
    if (!isId && text.length % 2 === 1) throw this.#wrong('hex digits', text);
    this.#bytes(isId ? id : Buffer.from(this.#text(text, 'hex digits', HEX), 'hex'));
  }

  #base64(text: string): void {
    if (!isBase64(text)) throw this.#wrong('base64', text);
    this.#bytes(Buffer.from(text, 'base64'));
  }

  #bytes(bytes: Buffer): void {
    this.#writer.varint(bytes.length);
    this.#writer.raw(bytes);
  }

  #text(json: unknown, what: string, form: RegExp | undefined): string {
    if (typeof json !== 'string' || form?.test(json) === false) throw this.#wrong(what, json);
    return json;
  }

  #double(json: unknown): number {
    if (typeof json === 'number') return json;
    if (json instanceof NumberText) return Number(json.text);
    if (json === 'NaN' || json === 'Infinity' || json === '-Infinity') return Number(json);
    return Number(this.#text(json, 'a number', NUMBER));
  }

  #integer(json: unknown, { type, names }: JsonField): void {
    const writer = this.#writer;
    const value = names === undefined ? json : (namedIn(names, json) ?? json);
    const isWritten = (type === 'fixed64' && writeNanos(writer, value)) || writeWhole(writer, value, type);
    if (!isWritten) this.#anyInteger(value, type, names === undefined ? '' : ' or a known name');
  }

  #anyInteger(json: unknown, type: string, orElse: string): void {
    if (!this.#exact && isUnsafe(json)) throw new UnsafeInteger();
    const [least, most] = RANGES[type] as Range;
    const value = integerIn(json);
    if (value === undefined || value < least || value > most)
      throw this.#wrong(`an integer from ${least} to ${most}${orElse}`, json);
    const { low, high } = bitsOf(type === 'sint32' ? zigzag(value) : value);
    if (type === 'fixed32') this.#writer.fixed32(low);
    else if (type !== 'fixed64' && type !== 'sfixed64') this.#writer.varint64(low, high);
    else {
      this.#writer.fixed32(low);
      this.#writer.fixed32(high);
    }
  }

  #wrong(what: string, json: unknown): Error {
    const place = this.#path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
    const is = json instanceof NumberText ? escaped(json.text.slice(0, 80)) : shown(json);
    return new Error(`${place.replace(/^\./, '') || 'it'} must be ${what}, but is ${is}`);
  }
}

/** As protobuf has signed numbers that are mostly small. */
function zigzag(value: bigint): bigint {
  return value >= 0n ? value * 2n : value * -2n - 1n;
}

/** The number of an enum name, if the name is known. */
function namedIn(names: Readonly<Record<string, number>>, json: unknown): number | undefined {
  return typeof json === 'string' && Object.hasOwn(names, json) ? names[json] : undefined;
}

/** An integer in any form of proto3 JSON: a number or a string, also with a fraction of zeros or an exponent. */
function integerIn(json: unknown): bigint | undefined {
  if (typeof json === 'string') return exactInteger(json);
  if (json instanceof NumberText) return exactInteger(json.text);
  return Number.isSafeInteger(json) ? BigInt(json as number) : undefined;
}
