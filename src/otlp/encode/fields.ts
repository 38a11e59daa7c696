import { shown } from '../../model/errors.ts';
import type { OutputBuffer } from '../protobuf/outputBuffer.ts';
import { writeHex, writeSize, writeString, writeVarint } from '../protobuf/write.ts';
import type { ReusedName } from './attributeKey.ts';

// Fields of any message. Each function writes one field at a place, and returns where it ends. As proto3 has it, what is 0 or empty is
// left out. The tag is the field's number times 8, plus its wire type: 0 varint, 1 eight bytes, 2 length and content, 5 four bytes.

const MAX_UINT32 = 0xffff_ffff;
const MAX_INT32 = 0x7fff_ffff;
const FOUR_BYTES = 4;

/** Any string; what is not a string becomes one, `undefined` and `null` the empty one. */
export function stringOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : String(value);
}

/** How many of something the program says that it left out: a `uint32`. */
export function countOf(dropped: number | undefined): number {
  return dropped !== undefined && dropped > 0 ? Math.min(Math.trunc(dropped), MAX_UINT32) : 0;
}

/** The number of an enum, from 0, else 0. `shift`: by how much the wire counts higher than the SDK. */
export function enumOf(value: unknown, shift = 0): number {
  const isPlain = Number.isInteger(value) && (value as number) >= 0 && (value as number) < MAX_INT32;
  return isPlain ? (value as number) + shift : 0;
}

export function writeStringField(out: OutputBuffer, at: number, tag: number, value: unknown): number {
  const text = stringOf(value);
  if (text === '') return at;
  out.room(at, 0)[at] = tag;
  return writeString(out, at + 1, text);
}

/** A name, as bytes if it is remembered. */
export function writeNameField(
  out: OutputBuffer,
  at: number,
  tag: number,
  name: string,
  known: ReusedName | undefined,
): number {
  if (known === undefined) return writeStringField(out, at, tag, name);
  out.room(at, known.length)[at] = tag;
  return known.writeTo(out, at + 1);
}

/** A whole number from 0 to 2^32 - 1. */
export function writeUint32Field(out: OutputBuffer, at: number, tag: number, value: number): number {
  if (value === 0) return at;
  const bytes = out.room(at, 0);
  bytes[at] = tag;
  return writeVarint(bytes, at + 1, value);
}

/** 32 bits, written even if they are 0. */
export function writeFixed32Field(out: OutputBuffer, at: number, tag: number, value: number): number {
  const start = writeSize(out.room(at, 0), at, tag);
  out.view.setInt32(start, value, true);
  return start + FOUR_BYTES;
}

/**
 * An id in hex, of `length` bytes.
 *
 * @throws Error where it is anything else; `label` names the id.
 */
export function writeIdField(
  out: OutputBuffer,
  at: number,
  tag: number,
  id: string,
  length: number,
  label: string,
): number {
  const bytes = out.room(at, 0);
  bytes[at] = tag;
  bytes[at + 1] = length;
  const end = typeof id === 'string' && id.length === 2 * length ? writeHex(bytes, at + 2, id, 2 * length) : -1;
  return end < 0 ? refuseId(id, length, label) : end;
}

function refuseId(id: unknown, length: number, label: string): never {
  throw new Error(`its ${label} must be ${2 * length} hex digits, but is ${shown(id)}`);
}
