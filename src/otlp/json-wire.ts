import { Buffer } from 'node:buffer';
import { types } from 'node:util';
import { messageOf, shown } from '../errors.ts';
import { escaped } from '../escaped.ts';
import { bitsOf } from './int64.ts';
import { writeNanos, writeWhole } from './json-integer.ts';
import type { JsonField, JsonMessage } from './json-schema.ts';
import { Writer } from './writer.ts';

const MAX_DEPTH = 100;
const INTEGER = /^-?\d{1,20}$/;
const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;
const HEX = /^([0-9a-f]{2})*$/i;
/** In either alphabet, with or without the padding. */
const BASE64 = /^([\w+/-]{4})*([\w+/-]{2,3}={0,2})?$/;

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const traceId = Buffer.alloc(16);
const spanId = Buffer.alloc(8);

/** One for all messages: nothing of the program's runs while it is in use. */
const shared = new Writer();

/**
 * JSON as the protobuf message that it means, in memory that holds until the next message is read.
 *
 * @param json the text, or its bytes in UTF-8
 * @throws Error with the place and the reason where it is none.
 */
export function wireOf(json: string | Uint8Array, message: JsonMessage): Uint8Array {
  const text = textOf(json);
  try {
    return new JsonToWire(false).write(parsed(text), message);
  } catch (thrown) {
    if (!(thrown instanceof UnsafeInteger)) throw thrown;
  }
  // An integer that no double holds, written without quotation marks: it is read again, by its digits. This is slower, and rare.
  return new JsonToWire(true).write(parsed(text, digitsOfIntegers), message);
}

function textOf(json: string | Uint8Array): string {
  if (typeof json === 'string') return json;
  if (types.isUint8Array(json)) return strict.decode(json);
  throw new Error(`it must be a string or a Uint8Array, but is ${shown(json)}`);
}

/** What the engine says of a text quotes it: as it is, it belongs into no error. */
function parsed(text: string, reviver?: Parameters<typeof JSON.parse>[1]): unknown {
  try {
    return JSON.parse(text, reviver);
  } catch (thrown) {
    throw new Error(escaped(messageOf(thrown)));
  }
}

/** ECMAScript 2026 gives a reviver the text of a number. */
function digitsOfIntegers(this: unknown, _key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value;
  return /^-?\d+$/.test(source) ? source : value;
}

/** An integer that was a number in the JSON text, and that a double does not hold: the text must be read again. */
class UnsafeInteger extends Error {}

type Range = readonly [least: bigint, most: bigint];

const RANGES: Readonly<Record<string, Range>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  fixed32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  fixed64: [0n, 2n ** 64n - 1n],
};

/** Writes parsed JSON as the protobuf message that it means. */
class JsonToWire {
  readonly #writer = shared;
  /** Names and indices of what is being written, for messages. */
  readonly #path: (string | number)[] = [];

  /** Whether integers that no double holds are strings in what is written. */
  readonly #exact: boolean;

  constructor(exact: boolean) {
    this.#exact = exact;
  }

  /** @throws Error with the place and the reason where it is none; {@link UnsafeInteger} where it is not exact. */
  write(json: unknown, message: JsonMessage): Uint8Array {
    this.#writer.reset();
    this.#message(json, message, 0);
    return this.#writer.written;
  }

  #message(json: unknown, { fields }: JsonMessage, depth: number): void {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) throw this.#wrong('an object', json);
    if (depth > MAX_DEPTH) throw new Error(`more than ${MAX_DEPTH} messages are in each other`);
    let oneof: string | undefined;
    for (const name in json) {
      const field = fields.get(name);
      const value = (json as Record<string, unknown>)[name];
      if (field === undefined || value === undefined || value === null) continue;
      if (field.oneof !== undefined && oneof === field.oneof) throw this.#wrong('one value only', json);
      oneof = field.oneof;
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

  #scalar(json: unknown, { type, names }: JsonField): void {
    const writer = this.#writer;
    switch (type) {
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
        this.#bytes(Buffer.from(this.#text(json, 'base64', BASE64), 'base64'));
        break;
      default:
        this.#integer(names === undefined || typeof json !== 'string' ? json : this.#named(json, names), type);
    }
  }

  #hex(text: string): void {
    const id = text.length === traceId.length * 2 ? traceId : spanId;
    // What is no digit ends the writing.
    const isId = text.length === id.length * 2 && id.write(text, 'hex') === id.length;
    this.#bytes(isId ? id : Buffer.from(this.#text(text, 'hex digits', HEX), 'hex'));
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
    if (json === 'NaN' || json === 'Infinity' || json === '-Infinity') return Number(json);
    return Number(this.#text(json, 'a number', NUMBER));
  }

  #named(json: string, names: Readonly<Record<string, number>>): number {
    if (!Object.hasOwn(names, json)) throw this.#wrong('a number or a known name', json);
    return names[json] as number;
  }

  #integer(json: unknown, type: string): void {
    const writer = this.#writer;
    const isWritten = type === 'fixed64' ? writeNanos(writer, json) : writeWhole(writer, json, type);
    if (!isWritten) this.#anyInteger(json, type);
  }

  #anyInteger(json: unknown, type: string): void {
    if (!this.#exact && Number.isInteger(json) && !Number.isSafeInteger(json)) throw new UnsafeInteger();
    const isInteger = typeof json === 'string' ? INTEGER.test(json) : Number.isSafeInteger(json);
    const [least, most] = RANGES[type] as Range;
    const value = isInteger ? BigInt(json as string | number) : undefined;
    if (value === undefined || value < least || value > most)
      throw this.#wrong(`an integer from ${least} to ${most}`, json);
    const { low, high } = bitsOf(value);
    if (type === 'fixed32') this.#writer.fixed32(low);
    else if (type !== 'fixed64') this.#writer.varint64(low, high);
    else {
      this.#writer.fixed32(low);
      this.#writer.fixed32(high);
    }
  }

  #wrong(what: string, json: unknown): Error {
    const place = this.#path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
    return new Error(`${place.replace(/^\./, '') || 'it'} must be ${what}, but is ${shown(json)}`);
  }
}
