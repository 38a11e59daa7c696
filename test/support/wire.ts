// A protobuf reader of trace requests that shares no code with src and uses no library: the other side of the wire in tests.

import type { RequestJson } from './otlpJson.ts';
import { type Field, type Scalar, type Table, traceRequestTable } from './wireTables.ts';

type Json = Record<string, unknown>;

/** Reads an `ExportTraceServiceRequest` as canonical OTLP/JSON. Throws where the bytes are not one. */
export function decodeRequest(bytes: Uint8Array): RequestJson {
  return readMessage(new Cursor(bytes), traceRequestTable, {});
}

class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.take(1).readUInt8();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Error(`a varint of more than ten bytes at ${this.#at}`);
  }

  small(): number {
    const first = this.#bytes[this.#at];
    if (first === undefined || first > 0x7f) return Number(this.varint());
    this.#at += 1;
    return first;
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new Error(`${length} bytes at ${this.#at} reach beyond the end`);
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  skip(wireType: number): void {
    if (wireType === 0) this.varint();
    else if (wireType === 1) this.take(8);
    else if (wireType === 2) this.take(this.small());
    else if (wireType === 5) this.take(4);
    else throw new Error(`wire type ${wireType} at ${this.#at}`);
  }
}

function readMessage(cursor: Cursor, table: Table, json: Json): Json {
  while (!cursor.done) {
    const tag = cursor.small();
    const number = Math.floor(tag / 8);
    if (number === 0) throw new Error('field number 0');
    const field = table[number];
    if (field === undefined) cursor.skip(tag % 8);
    else readField(cursor, field, tag % 8, json);
  }
  return json;
}

function readField(cursor: Cursor, field: Field, wireType: number, json: Json): void {
  if (wireType !== wireTypeOf(field)) throw new Error(`${field.name} with wire type ${wireType}`);
  const value = readValue(cursor, field, json);
  if (field.presence === 'many') {
    const items = (json[field.name] ?? []) as unknown[];
    items.push(value);
    json[field.name] = items;
    return;
  }
  if (field.presence === 'set') for (const other of Object.keys(json)) delete json[other];
  if (field.presence === 'one' && isDefault(value, field.of)) delete json[field.name];
  else json[field.name] = value;
}

function readValue(cursor: Cursor, { name, of, presence }: Field, json: Json): unknown {
  if (typeof of === 'string') return readScalar(cursor, of);
  const earlier = presence === 'many' ? undefined : (json[name] as Json | undefined);
  return readMessage(new Cursor(cursor.take(cursor.small())), of(), earlier ?? {});
}

function readScalar(cursor: Cursor, type: Scalar): unknown {
  switch (type) {
    case 'string':
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(cursor.take(cursor.small()));
    case 'hex':
      return cursor.take(cursor.small()).toString('hex');
    case 'base64':
      return cursor.take(cursor.small()).toString('base64');
    case 'bool':
      return cursor.varint() !== 0n;
    case 'int32':
      return Number(BigInt.asIntN(32, cursor.varint()));
    case 'uint32':
      return Number(BigInt.asUintN(32, cursor.varint()));
    case 'int64':
      return BigInt.asIntN(64, cursor.varint()).toString();
    case 'double':
      return jsonOfDouble(cursor.take(8).readDoubleLE());
    case 'fixed32':
      return cursor.take(4).readUInt32LE();
    case 'fixed64':
      return cursor.take(8).readBigUInt64LE().toString();
  }
}

export function wireTypeOf({ of }: Field): number {
  if (of === 'fixed64' || of === 'double') return 1;
  if (of === 'fixed32') return 5;
  return of === 'bool' || of === 'int32' || of === 'uint32' || of === 'int64' ? 0 : 2;
}

/** The text `0` is a default where it is a 64-bit number, and a name where it is a string. */
function isDefault(value: unknown, of: Field['of']): boolean {
  return value === '' || value === 0 || value === false || (value === '0' && of === 'fixed64');
}

function jsonOfDouble(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
