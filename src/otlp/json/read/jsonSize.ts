const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;

/** What V8 takes for an object and for an array, and for each further field or element, beside their text. */
const OBJECT_BYTES = 64;
const LIST_BYTES = 48;
const FURTHER_BYTES = 16;
/** No text takes more for each of its characters: `{},` is the worst. */
const MOST_BYTES_EACH = 24;

/**
 * Whether the text, parsed, would take more heap than this: a text of a few megabytes can become a hundred. Short texts are not looked
 * at, since they cannot.
 */
export function exceedsParsed(text: string, maxBytes: number): boolean {
  if (text.length * MOST_BYTES_EACH <= maxBytes) return false;
  let bytesLeft = maxBytes - text.length;
  for (let at = 0; at < text.length && bytesLeft >= 0; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) at = endOfString(text, at);
    else if (unit === COMMA) bytesLeft -= FURTHER_BYTES;
    else if (unit === OPEN_OBJECT) bytesLeft -= OBJECT_BYTES;
    else if (unit === OPEN_LIST) bytesLeft -= LIST_BYTES;
  }
  return bytesLeft < 0;
}

/** Where the string ends that begins here; the end of the text where it does not. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) return at;
    if (unit === BACKSLASH) at += 1;
  }
  return text.length;
}
