// A message as its fields, so that a change within it leaves the lengths around it right.

import { delimited } from '../support/wireWriter.ts';

/** A field on the wire: its tag, and where its content is if it has a length. */
export interface WireField {
  readonly tag: number;
  /** The whole field. */
  readonly bytes: Buffer;
  readonly content: Buffer | undefined;
}

const LENGTHS: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

/** The fields of a message, or `undefined` where the bytes are none. Tags of one byte only. */
export function fieldsOf(bytes: Buffer): WireField[] | undefined {
  const fields: WireField[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at] ?? 0;
    const [value, after] = varintAt(bytes, at + 1);
    const isDelimited = tag % 8 === 2;
    const fixed = LENGTHS[tag % 8];
    const end = isDelimited ? after + value : fixed === undefined ? after : at + 1 + fixed;
    if (tag < 8 || tag > 0x7f || [3, 4, 6, 7].includes(tag % 8) || end > bytes.length) return undefined;
    fields.push({ tag, bytes: bytes.subarray(at, end), content: isDelimited ? bytes.subarray(after, end) : undefined });
    at = end;
  }
  return fields;
}

/** A field that has a length, with another content. */
export function withContent({ tag }: WireField, content: Buffer): Buffer {
  return Buffer.concat([Buffer.of(tag), delimited(content)]);
}

function varintAt(bytes: Buffer, start: number): [value: number, after: number] {
  let value = 0;
  for (let at = start; ; at += 1) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * (at - start));
    if (byte < 0x80) return [value, at + 1];
  }
}
