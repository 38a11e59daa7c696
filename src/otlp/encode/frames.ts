import type { BufferRanges } from '../protobuf/bufferRanges.ts';
import type { OutputBuffer } from '../protobuf/outputBuffer.ts';
import { MAX_VARINT_BYTES, varintBytes, writeVarint } from '../protobuf/write.ts';

/** Room before a message for its tag and its length, which are known when all else is. */
export const START_BYTES = 1 + MAX_VARINT_BYTES;

/** A part of the buffer. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export function lengthOf({ start, end }: Range): number {
  return end - start;
}

/** How many bytes a message of this length takes with its tag and its length. */
export function framed(length: number): number {
  return 1 + varintBytes(length) + length;
}

/** Adds tag and length of a message, right before its first field. */
export function addStart(out: OutputBuffer, to: BufferRanges, tag: number, length: number, end: number): void {
  const start = end - 1 - varintBytes(length);
  out.bytes[start] = tag;
  writeVarint(out.bytes, start + 1, length);
  to.add(start, end);
}
