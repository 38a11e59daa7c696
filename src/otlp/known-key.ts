import { KnownPart, OVERSHOOT } from './known-part.ts';
import { Memo, ownCopyOf } from './memo.ts';
import { Output } from './output.ts';
import { MAX_VARINT_BYTES, putText, putVarint } from './put.ts';

// opentelemetry.proto.common.v1: the field's number, times 8, plus how it is written (0 varint, 1 eight bytes, 2 length and content).
const KEY_VALUE_KEY = 0x0a;
const KEY_VALUE_VALUE = 0x12;
export const STRING_VALUE = 0x0a;
export const BOOL_VALUE = 0x10;
export const INT_VALUE = 0x18;
export const DOUBLE_VALUE = 0x21;

export const DOUBLE_BYTES = 8;

/** Room for most keys, twice. */
const KEY_BYTES = 128;

/** Of varints up to 2^31. Nothing takes none. */
const INTEGER_SIZES = [0, 1, 2, 3, 4, 5];

/**
 * The key of an attribute that came before, and what can be known of a `KeyValue` that has it: the whole, or all but the number at
 * its end. Each from its length on, since the tag before it is the owner's.
 */
export class KnownKey {
  readonly key: string;
  /** The field `KeyValue.key`, and the tag of `KeyValue.value`. */
  readonly start: KnownPart;
  /** Before the eight bytes of a double. */
  readonly double: KnownPart;
  readonly falsehood: KnownPart;
  readonly truth: KnownPart;
  /** By their text. */
  readonly messages = new Memo<KnownPart>();
  /** Before a varint, by how many bytes that takes. */
  readonly integers: readonly KnownPart[];

  constructor(key: string) {
    const out = new Output(KEY_BYTES);
    this.key = ownCopyOf(key);
    this.start = new KnownPart(out, 0, putEntryKey(out, 0, key));
    this.double = this.#before(out, DOUBLE_BYTES, [1 + DOUBLE_BYTES, DOUBLE_VALUE]);
    this.falsehood = this.#before(out, 0, [2, BOOL_VALUE, 0]);
    this.truth = this.#before(out, 0, [2, BOOL_VALUE, 1]);
    this.integers = INTEGER_SIZES.map((size) => this.#before(out, size, [1 + size, INT_VALUE]));
  }

  /** A `KeyValue` up to its last bytes. */
  #before(out: Output, missing: number, value: readonly number[]): KnownPart {
    const { start } = this;
    const whole = start.length + value.length + missing;
    out.room(0, MAX_VARINT_BYTES + whole + OVERSHOOT);
    const at = start.put(out, putVarint(out.bytes, 0, whole));
    out.bytes.set(value, at);
    return new KnownPart(out, 0, at + value.length);
  }
}

/** The field `KeyValue.key`, and the tag of `KeyValue.value`. */
export function putEntryKey(out: Output, start: number, key: string): number {
  let at = start;
  if (key !== '') {
    out.room(at, 1)[at] = KEY_VALUE_KEY;
    at = putText(out, at + 1, key);
  }
  out.room(at, 1)[at] = KEY_VALUE_VALUE;
  return at + 1;
}
