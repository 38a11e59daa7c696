import { Memo, ownCopyOf } from '../cache/memo.ts';
import { OutputBuffer } from '../protobuf/outputBuffer.ts';
import { ReusedBytes } from '../protobuf/reusedBytes.ts';
import { likelyBytes, roomFor, varintBytes, writeSize, writeString, writeUtf8 } from '../protobuf/write.ts';

// opentelemetry.proto.common.v1: the field's number, times 8, plus how it is written (0 varint, 1 eight bytes, 2 length and content).
const KEY_VALUE_KEY = 0x0a;
const KEY_VALUE_VALUE = 0x12;
const STRING_VALUE = 0x0a;

/** Room for most keys. */
const KEY_BYTES = 256;

/** The key of an attribute that came before, and the strings that it had. */
export class AttributeKey {
  readonly key: string;
  /** The field `KeyValue.key`, and the tag of `KeyValue.value`. */
  readonly start: ReusedBytes;
  /** Whole attributes by their string, each without its tag, which depends on the owner. */
  readonly strings = new Memo<ReusedBytes>();

  constructor(key: string) {
    const out = new OutputBuffer(KEY_BYTES);
    this.key = ownCopyOf(key);
    this.start = new ReusedBytes(out, 0, writeEntryKey(out, 0, key));
  }
}

/** What stood at one place among the attributes of the last owner of a name: the next one mostly has the same key there, and the same string. */
export interface Place {
  readonly known: AttributeKey;
  /** The attribute with the last string. */
  last: ReusedBytes | undefined;
}

/** The name of spans, of their events or of log records with its length, and the places of attributes of those that have it. */
export class ReusedName extends ReusedBytes {
  readonly places: Place[] = [];
}

/** What is remembered of a key; `undefined` while keys come and go too fast to be remembered. */
export function attributeKey(keys: Memo<AttributeKey>, key: string): AttributeKey | undefined {
  const before = keys.find(key);
  if (before !== undefined || !keys.wants(key)) return before;
  const made = new AttributeKey(key);
  keys.keep(made.key, made);
  return made;
}

/** The field `KeyValue.key`, and the tag of `KeyValue.value`. */
export function writeEntryKey(out: OutputBuffer, start: number, key: string): number {
  let at = start;
  if (key !== '') {
    out.room(at, 0)[at] = KEY_VALUE_KEY;
    at = writeString(out, at + 1, key);
  }
  out.room(at, 0)[at] = KEY_VALUE_VALUE;
  return at + 1;
}

/** Writes a whole attribute with a string that was not remembered, and remembers it. */
export function writeNewString(out: OutputBuffer, at: number, tag: number, key: AttributeKey, text: string): number {
  const { start, strings } = key;
  const end = writeStringEntry(out, at, tag, start, text, likelyBytes(text));
  if (strings.wants(text)) {
    const own = ownCopyOf(text);
    strings.keep(own, new ReusedBytes(out, at + 1, end, own));
  }
  return end;
}

function writeStringEntry(
  out: OutputBuffer,
  at: number,
  tag: number,
  start: ReusedBytes,
  text: string,
  size: number,
): number {
  const bytes = out.room(at, start.length + roomFor(text, size));
  const inside = 1 + varintBytes(size) + size;
  bytes[at] = tag;
  const key = writeSize(bytes, at + 1, start.length + varintBytes(inside) + inside);
  const value = writeSize(bytes, start.writeTo(out, key), inside);
  bytes[value] = STRING_VALUE;
  const begin = writeSize(bytes, value + 1, size);
  const written = writeUtf8(bytes, begin, text);
  return written === size ? begin + size : writeStringEntry(out, at, tag, start, text, written);
}
