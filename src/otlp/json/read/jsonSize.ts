const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;

/** The heap that V8 takes for an object, for an array, and for each further field or element, without their strings. */
const OBJECT_BYTES = 64;
const LIST_BYTES = 48;
const FURTHER_BYTES = 16;
/** What a key takes that has not come before: itself, and a hidden class, or a place in a table. */
const NEW_KEY_BYTES = 104;
/** Keys that are remembered. A request has some thirty; where more have come, every other one counts as new. */
const MAX_KEYS = 1_000;
/** The most heap that one character of JSON text can take once it is parsed. The worst is the text `{},` again and again. */
const MOST_BYTES_EACH = 24;

/**
 * Whether the parsed JSON would take more heap than this: a few megabytes of text can become a hundred megabytes. Text that is too
 * short for that is not read.
 */
export function exceedsParsed(text: string, maxBytes: number): boolean {
  if (text.length * MOST_BYTES_EACH <= maxBytes) return false;
  let bytesLeft = maxBytes - text.length;
  const keys = new Set<string>();
  for (let at = 0; at < text.length && bytesLeft >= 0; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) {
      const end = endOfString(text, at);
      if (isNewKey(text, at, end, keys)) bytesLeft -= NEW_KEY_BYTES;
      at = end;
    } else if (unit === COMMA) bytesLeft -= FURTHER_BYTES;
    else if (unit === OPEN_OBJECT) bytesLeft -= OBJECT_BYTES;
    else if (unit === OPEN_LIST) bytesLeft -= LIST_BYTES;
  }
  return bytesLeft < 0;
}

/** The end of the string that begins here, or the end of the text where the string does not end. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) return at;
    if (unit === BACKSLASH) at += 1;
  }
  return text.length;
}

/** Whether a string is the key of a field, and none that has come before. */
function isNewKey(text: string, start: number, end: number, keys: Set<string>): boolean {
  let next = end + 1;
  while (text.charCodeAt(next) <= SPACE) next += 1;
  if (text.charCodeAt(next) !== COLON) return false;
  const key = text.slice(start, end);
  if (keys.has(key)) return false;
  if (keys.size < MAX_KEYS) keys.add(key);
  return true;
}
