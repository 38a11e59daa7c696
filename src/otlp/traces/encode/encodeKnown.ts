import type { KnownKey } from '../../cache/knownKey.ts';
import { KnownPart } from '../../cache/knownPart.ts';
import { ownCopyOf } from '../../cache/memo.ts';
import type { Output } from '../../protobuf/outputBuffer.ts';
import { likelyBytes, putSize, putUtf8, roomFor, varintBytes } from '../../protobuf/write.ts';

/** The field `AnyValue.string_value`. */
const STRING_VALUE = 0x0a;

/** Writes an entry (`KeyValue`) with a text that is new, and remembers it. */
export function putNewText(out: Output, at: number, tag: number, { start, messages }: KnownKey, text: string): number {
  const end = putTextEntry(out, at, tag, start, text, likelyBytes(text));
  if (messages.wants(text)) {
    const own = ownCopyOf(text);
    messages.keep(own, new KnownPart(out, at + 1, end, own));
  }
  return end;
}

function putTextEntry(out: Output, at: number, tag: number, start: KnownPart, text: string, size: number): number {
  const bytes = out.room(at, start.length + roomFor(text, size));
  const inside = 1 + varintBytes(size) + size;
  bytes[at] = tag;
  const key = putSize(bytes, at + 1, start.length + varintBytes(inside) + inside);
  const value = putSize(bytes, start.put(out, key), inside);
  bytes[value] = STRING_VALUE;
  const begin = putSize(bytes, value + 1, size);
  const written = putUtf8(bytes, begin, text);
  return written === size ? begin + size : putTextEntry(out, at, tag, start, text, written);
}
