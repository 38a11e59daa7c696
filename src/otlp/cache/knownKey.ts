import { Output } from '../protobuf/outputBuffer.ts';
import { putText } from '../protobuf/write.ts';
import type { Encoding } from '../traces/encode/encoding.ts';
import { KnownPart } from './knownPart.ts';
import { Memo, ownCopyOf } from './memo.ts';

// opentelemetry.proto.common.v1: the field's number, times 8, plus how it is written (0 varint, 1 eight bytes, 2 length and content).
const KEY_VALUE_KEY = 0x0a;
const KEY_VALUE_VALUE = 0x12;

/** Room for most keys. */
const KEY_BYTES = 256;

/** The key of an attribute that came before, and entries that had it. */
export class KnownKey {
  readonly key: string;
  /** The field `KeyValue.key`, and the tag of `KeyValue.value`. */
  readonly start: KnownPart;
  /** Whole entries by their text, each from its length on: the tag before it is the owner's. */
  readonly messages = new Memo<KnownPart>();

  constructor(key: string) {
    const out = new Output(KEY_BYTES);
    this.key = ownCopyOf(key);
    this.start = new KnownPart(out, 0, putEntryKey(out, 0, key));
  }
}

/** A key that came before, or comes again now; nothing while keys come and go too fast to be remembered. */
export function knownKey({ keys }: Encoding, key: string): KnownKey | undefined {
  const before = keys.find(key);
  if (before !== undefined || !keys.wants(key)) return before;
  const known = new KnownKey(key);
  keys.keep(known.key, known);
  return known;
}

/** The field `KeyValue.key`, and the tag of `KeyValue.value`. */
export function putEntryKey(out: Output, start: number, key: string): number {
  let at = start;
  if (key !== '') {
    out.room(at, 0)[at] = KEY_VALUE_KEY;
    at = putText(out, at + 1, key);
  }
  out.room(at, 0)[at] = KEY_VALUE_VALUE;
  return at + 1;
}
