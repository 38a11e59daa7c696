import { Memo, ownCopyOf } from '../../cache/memo.ts';
import { Output } from '../../protobuf/outputBuffer.ts';
import { constant, putQuoted } from './jsonPut.ts';

/** The key of an attribute that came before, and what can be known of a `KeyValue` that has it: the whole, or all before the value. */
export class KnownKeyJson {
  readonly key: string;
  /** Up to the value. */
  readonly start: Uint8Array;
  /** Up to a text, and up to the digits of a number. */
  readonly text: Uint8Array;
  readonly integer: Uint8Array;
  readonly double: Uint8Array;
  readonly truth: Uint8Array;
  readonly falsehood: Uint8Array;
  /** Whole ones, by their text. */
  readonly pairs = new Memo<Uint8Array>();

  constructor(key: string) {
    this.key = ownCopyOf(key);
    this.start = startOf(key);
    this.text = joined(this.start, '{"stringValue":');
    this.integer = joined(this.start, '{"intValue":"');
    this.double = joined(this.start, '{"doubleValue":');
    this.truth = joined(this.start, '{"boolValue":true}}');
    this.falsehood = joined(this.start, '{"boolValue":false}}');
  }
}

/** A `KeyValue` up to its value, after others. */
export function startOf(key: string): Uint8Array {
  if (key === '') return constant(',{"value":');
  const out = new Output(0);
  return joined(joined(constant(',{"key":'), out.copied(0, putQuoted(out, 0, key))), ',"value":');
}

function joined(start: Uint8Array, end: string | Uint8Array): Uint8Array {
  const after = typeof end === 'string' ? constant(end) : end;
  const both = new Uint8Array(start.length + after.length);
  both.set(start);
  both.set(after, start.length);
  return both;
}
