import { Buffer } from '../../../internal/buffer.ts';
import type { DecodeLimits } from '../../protobuf/decodeLimits.ts';
import { bitsOf } from '../../protobuf/int64.ts';
import { Reader } from '../../protobuf/reader.ts';
import { splitNanos } from './jsonInteger.ts';
import type { JsonField, JsonMessage } from './jsonSchema.ts';

const NO_BYTES = new Uint8Array(0);
const NO_NAMES: readonly string[] = [];
/** An item is counted without its tag. */
const TAG_BYTES = 1;
const TWO_32 = 0x1_0000_0000;

type Json = Readonly<Record<string, unknown>>;

/** How far a message has been read. */
class Level {
  message: Json = {};
  fields: JsonMessage['fields'] = new Map();
  names: readonly string[] = NO_NAMES;
  /** The next of its names. */
  at = 0;
  field: JsonField | undefined;
  /** The rest of a list, whose elements come as a field each. */
  list: readonly unknown[] | undefined;
  listAt = 0;
}

/**
 * Reads parsed JSON as a {@link Reader} reads the protobuf message that it means: the same fields with the same tags, in the order in which
 * they stand in the text. So the tables that say what an item holds serve both. The JSON has passed a `JsonScan`: nothing is checked here.
 *
 * There are no bytes. `at` and `end` are numbers of messages, in the order in which they are passed over by {@link content} or entered, until
 * the frame has been read; {@link restart} begins with the one of a number. `at` behind a message is as far on as the message has bytes in
 * protobuf, about.
 */
export class JsonReader extends Reader {
  readonly #itemBytes: readonly number[];
  #itemsPassed = 0;
  /** Of each numbered message what it is, and behind it its field. */
  readonly #numbered: unknown[] = [];
  #isFrame = true;
  readonly #levels: Level[] = [new Level()];
  #depth = 0;
  #field: JsonField | undefined;

  /** @param itemBytes what each item takes in protobuf, about, in their order */
  constructor(json: unknown, message: JsonMessage, limits: DecodeLimits, itemBytes: readonly number[]) {
    super(NO_BYTES, limits);
    this.#itemBytes = itemBytes;
    this.#open(this.#levels[0] as Level, json, message);
  }

  /** From now on messages that are entered are not numbered. */
  endFrame(): void {
    this.#isFrame = false;
  }

  override restart(start: number, end: number): void {
    super.restart(start, end);
    this.#depth = 0;
    this.parsed = this.#numbered[start];
    this.#field = this.#numbered[start + 1] as JsonField;
    this.#open(this.#levels[0] as Level, this.parsed, this.#field?.message);
  }

  override tag(): number {
    if (this.#isFrame) this.at = this.#numbered.length;
    const level = this.#levels[this.#depth] as Level;
    const { list } = level;
    if (list !== undefined && level.listAt < list.length) return this.#found(level, list[level.listAt++]);
    level.list = undefined;
    while (level.at < level.names.length) {
      const name = level.names[level.at++] as string;
      const field = level.fields.get(name);
      const value = level.message[name];
      if (field === undefined || value === null) continue;
      level.field = field;
      if (!field.repeated) return this.#found(level, value);
      const values = value as readonly unknown[];
      if (values.length === 0) continue;
      level.list = values;
      level.listAt = 1;
      return this.#found(level, values[0]);
    }
    return 0;
  }

  override enter(): number {
    if (this.#isFrame) this.at = this.#number();
    this.#depth += 1;
    this.#levels[this.#depth] ??= new Level();
    this.#open(this.#levels[this.#depth] as Level, this.parsed, this.#field?.message);
    return 0;
  }

  override leave(): void {
    this.#depth -= 1;
  }

  /** Passes over an item. */
  override content(): number {
    const start = this.#number();
    this.at = start + (this.#itemBytes[this.#itemsPassed++] as number) - TAG_BYTES;
    return start;
  }

  override int32(): number {
    const { names, type } = this.#field as JsonField;
    const value = typeof this.parsed === 'string' ? names?.[this.parsed] : this.parsed;
    const bits = (value as number) | 0;
    return type === 'sint32' ? (bits << 1) ^ (bits >> 31) : bits;
  }

  override fixed32(): number {
    return (this.parsed as number) >>> 0;
  }

  override bool(): boolean {
    return this.parsed as boolean;
  }

  override double(): number {
    return Number(this.parsed);
  }

  override varint64(): void {
    const value = this.parsed as string | number;
    const whole = Number(value);
    const { low, high } = Number.isSafeInteger(whole)
      ? { low: whole | 0, high: Math.floor(whole / TWO_32) }
      : bitsOf(BigInt(value));
    this.low = low;
    this.high = high;
  }

  override fixed64(): void {
    if (!splitNanos(this, this.parsed)) this.varint64();
    this.low >>>= 0;
    this.high >>>= 0;
  }

  /** A lone surrogate has no form in UTF-8. */
  override text(): string {
    return (this.parsed as string).toWellFormed();
  }

  override hex(): string {
    return (this.parsed as string).toLowerCase();
  }

  override copy(): Uint8Array {
    return new Uint8Array(Buffer.from(this.parsed as string, 'base64'));
  }

  /** The other elements of a list are skipped with the first. */
  override skip(): void {
    (this.#levels[this.#depth] as Level).list = undefined;
  }

  #found(level: Level, value: unknown): number {
    const field = level.field as JsonField;
    this.#field = field;
    this.parsed = value;
    return field.tag;
  }

  #open(level: Level, json: unknown, message: JsonMessage | undefined): void {
    level.message = json as Json;
    level.fields = message?.fields ?? NO_FIELDS;
    level.names = Object.keys(level.message);
    level.at = 0;
    level.list = undefined;
  }

  /** Numbers the present message. */
  #number(): number {
    return this.#numbered.push(this.parsed, this.#field) - 2;
  }
}

const NO_FIELDS: JsonMessage['fields'] = new Map();
