import type { NumberValue } from '../../../model/metricDataPoint.ts';
import { integerOf } from '../../protobuf/int64.ts';
import type { Reader } from '../../protobuf/reader.ts';
import type { Cost } from '../../protobuf/scan.ts';

const TWO_32 = 0x1_0000_0000;
/** The largest double below 2^64: what is nearer to 2^64 would not fit on the wire again. */
const MAX_COUNT = 2 ** 64 - 2 ** 11;

// Heap that an array takes for each number beyond the message's own bytes. It grows by half; and in the list of a view, which is frozen, V8 keeps each double as an object of its own.
const FIXED_BYTES = 16;
const VARINT_BYTES = 11;

/** For each byte of a list. */
export const FIXED_COST: Cost = [0, FIXED_BYTES / 8];
export const VARINT_COST: Cost = [0, VARINT_BYTES];

/**
 * A list of numbers. Not a list of rest arguments: V8 holds the numbers of such a one in objects, each for itself, which take three times the heap.
 */
export function numberList(): number[] {
  return Array.of<number>();
}

/** A signed integer of 64 bits (`sfixed64`): a number where a number is exact, otherwise a bigint. */
export function readInt(reader: Reader): NumberValue {
  reader.fixed64();
  return integerOf(reader);
}

/** An unsigned integer of 64 bits (`fixed64`) as the nearest number. */
export function readCount(reader: Reader): number {
  reader.fixed64();
  return countOf(reader);
}

/** A signed number that is mostly small (`sint32`). */
export function readSint32(reader: Reader): number {
  const zigzag = reader.int32();
  return (zigzag >>> 1) ^ -(zigzag & 1);
}

// Numbers that are repeated come packed, one behind the other in one field; each in a field of its own is the older form, which protobuf still accepts.

/** @param counts of {@link numberList} */
export function readCounts(reader: Reader, counts: number[]): void {
  const outer = reader.enter();
  reader.spend(0, ((reader.end - reader.at) / 8) * FIXED_BYTES);
  while (reader.at < reader.end) counts.push(readCount(reader));
  reader.leave(outer);
}

export function readDoubles(reader: Reader, doubles: number[]): void {
  const outer = reader.enter();
  reader.spend(0, ((reader.end - reader.at) / 8) * FIXED_BYTES);
  while (reader.at < reader.end) doubles.push(reader.double());
  reader.leave(outer);
}

/** One in a field of its own. */
export function readOneCount(reader: Reader, counts: number[]): void {
  reader.spend(0, FIXED_BYTES);
  counts.push(readCount(reader));
}

export function readOneDouble(reader: Reader, doubles: number[]): void {
  reader.spend(0, FIXED_BYTES);
  doubles.push(reader.double());
}

export function readVarints(reader: Reader, counts: number[]): void {
  const outer = reader.enter();
  reader.spend(0, (reader.end - reader.at) * VARINT_BYTES);
  while (reader.at < reader.end) counts.push(nextVarint(reader));
  reader.leave(outer);
}

/** See {@link readOneCount}. */
export function readVarint(reader: Reader, counts: number[]): void {
  reader.spend(0, VARINT_BYTES);
  counts.push(nextVarint(reader));
}

/** An unsigned varint as the nearest number. */
function nextVarint(reader: Reader): number {
  reader.varint64();
  return countOf(reader);
}

function countOf({ low, high }: { low: number; high: number }): number {
  return Math.min((high >>> 0) * TWO_32 + (low >>> 0), MAX_COUNT);
}
