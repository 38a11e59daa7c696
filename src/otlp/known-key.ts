import { Buffer } from 'node:buffer';
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

/** Of varints up to 2^31. Nothing takes none. */
const INTEGER_SIZES = [0, 1, 2, 3, 4, 5];

/**
 * The key of an attribute that came before, and what can be known of a `KeyValue` that has it: the whole, or all but the number at
 * its end. Each from its length on, since the tag before it is the owner's.
 */
export class KnownKey {
  readonly key: string;
  /** The field `KeyValue.key`, and the tag of `KeyValue.value`. */
  readonly start: Uint8Array;
  /** Before the eight bytes of a double. */
  readonly double: Uint8Array;
  readonly falsehood: Uint8Array;
  readonly truth: Uint8Array;
  /** By their text. */
  readonly messages = new Memo<Uint8Array>();
  /** Before a varint, by how many bytes that takes. */
  readonly integers: readonly Uint8Array[];

  constructor(key: string) {
    this.key = ownCopyOf(key);
    this.start = startOf(key);
    this.double = this.#before(DOUBLE_BYTES, [1 + DOUBLE_BYTES, DOUBLE_VALUE]);
    this.falsehood = this.#before(0, [2, BOOL_VALUE, 0]);
    this.truth = this.#before(0, [2, BOOL_VALUE, 1]);
    this.integers = INTEGER_SIZES.map((size) => this.#before(size, [1 + size, INT_VALUE]));
  }

  /** A `KeyValue` up to its last bytes. */
  #before(missing: number, value: readonly number[]): Uint8Array {
    const { start } = this;
    const whole = start.length + value.length + missing;
    const bytes = Buffer.alloc(MAX_VARINT_BYTES + whole);
    const at = putVarint(bytes, 0, whole);
    bytes.set(start, at);
    bytes.set(value, at + start.length);
    return new Uint8Array(bytes.subarray(0, at + whole - missing));
  }
}

function startOf(key: string): Uint8Array {
  const out = new Output(2 * MAX_VARINT_BYTES);
  return out.copied(0, putEntryKey(out, 0, key));
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
