/** The length-delimited fields with this number. */
export function children(message: Uint8Array, wanted: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  const cursor = { at: 0 };
  while (cursor.at < message.length) {
    const tag = readVarint(message, cursor);
    const content = readField(message, cursor, tag % 8);
    if (content !== undefined && Math.floor(tag / 8) === wanted) found.push(content);
  }
  return found;
}

/** Reads one field. Returns its content if it is length-delimited. */
function readField(message: Uint8Array, cursor: { at: number }, wireType: number): Uint8Array | undefined {
  if (wireType === 0) readVarint(message, cursor);
  else if (wireType === 1) cursor.at += 8;
  else if (wireType === 5) cursor.at += 4;
  else if (wireType !== 2) throw new RangeError(`wire type ${wireType} at byte ${cursor.at} is unknown`);
  const length = wireType === 2 ? readVarint(message, cursor) : 0;
  const start = cursor.at;
  cursor.at += length;
  if (cursor.at > message.length) throw new RangeError(`a field at byte ${start} ends beyond its message`);
  return wireType === 2 ? message.subarray(start, cursor.at) : undefined;
}

/** Numbers beyond 2^53 lose digits. Only skipped fields hold such numbers. */
function readVarint(message: Uint8Array, cursor: { at: number }): number {
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = message[cursor.at];
    if (byte === undefined) throw new RangeError(`a number at byte ${cursor.at} ends beyond its message`);
    cursor.at += 1;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value;
  }
  throw new RangeError(`a number before byte ${cursor.at} is longer than ten bytes`);
}
