const VARINT = 0;
const EIGHT_BYTES = 1;
const LENGTH_AND_CONTENT = 2;
const FOUR_BYTES = 5;

/** Where the value of a field ends, behind its tag, in bytes that are known to be well-formed; -1 for a group, and for a length beyond 28 bits. */
export function endOfValue(bytes: Uint8Array, start: number, wireType: number): number {
  switch (wireType) {
    case LENGTH_AND_CONTENT:
      return endOfContent(bytes, start);
    case VARINT: {
      let at = start;
      while ((bytes[at] as number) >= 0x80) at += 1;
      return at + 1;
    }
    case EIGHT_BYTES:
      return start + 8;
    case FOUR_BYTES:
      return start + 4;
    default:
      return -1;
  }
}

function endOfContent(bytes: Uint8Array, start: number): number {
  let length = 0;
  for (let at = start, shift = 0; shift < 28; at++, shift += 7) {
    const byte = bytes[at] as number;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) return at + 1 + length;
  }
  return -1;
}

/** Where the content begins behind a length. */
export function startOfContent(bytes: Uint8Array, start: number): number {
  let at = start;
  while ((bytes[at] as number) >= 0x80) at += 1;
  return at + 1;
}
