import { endOfValue } from './endOfValue.ts';

const KEY = 0x0a;
const VALUE = 0x12;
const MAX_SHORT = 0x7f;

/** Behind its tag and its length. */
const KEY_AT = 2;

/** Keys of which each character is one byte. */
const PLAIN_KEY = /^[ -~]+$/;

/** Whether {@link hasKey} can find it. */
export function isPlainKey(key: string): boolean {
  return PLAIN_KEY.test(key);
}

/**
 * Where the field of the value begins in a `KeyValue` that is written as nearly all are: a short key, and then a value. Its end if it has no value; -1 if it is written in another way.
 *
 * @param start of its content, in bytes that are known to be well-formed
 */
export function valueField(bytes: Uint8Array, start: number, end: number): number {
  const keyLength = bytes[start + 1] as number;
  const at = start + KEY_AT + keyLength;
  if (bytes[start] !== KEY || keyLength > MAX_SHORT || at > end) return -1;
  return at === end || (bytes[at] === VALUE && endOfValue(bytes, at + 1, VALUE & 7) === end) ? at : -1;
}

/** Whether a `KeyValue` of which {@link valueField} knows where its value is has this plain key. */
export function hasKey(bytes: Uint8Array, start: number, key: string): boolean {
  if (bytes[start + 1] !== key.length) return false;
  // From its end: keys differ there sooner.
  for (let index = key.length - 1; index >= 0; index--)
    if (bytes[start + KEY_AT + index] !== key.charCodeAt(index)) return false;
  return true;
}
