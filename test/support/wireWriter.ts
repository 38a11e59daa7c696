// The opposite of wire.ts: canonical OTLP/JSON as deterministic protobuf, fields in number order. Also without src or a library.

import type { RequestJson } from './otlpJson.ts';
import { wireTypeOf } from './wire.ts';
import { type Scalar, type Table, traceRequestTable } from './wireTables.ts';

export function encodeRequest(request: RequestJson): Uint8Array {
  return messageBytes(request as Record<string, unknown>, traceRequestTable);
}

function messageBytes(json: Record<string, unknown>, table: Table): Buffer {
  const parts: Buffer[] = [];
  for (const [number, field] of Object.entries(table)) {
    const given = json[field.name];
    if (given === undefined) continue;
    for (const value of field.presence === 'many' ? (given as unknown[]) : [given]) {
      parts.push(varint(BigInt(Number(number) * 8 + wireTypeOf(field))));
      if (typeof field.of === 'string') parts.push(scalarBytes(value, field.of));
      else parts.push(delimited(messageBytes(value as Record<string, unknown>, field.of())));
    }
  }
  return Buffer.concat(parts);
}

function scalarBytes(value: unknown, type: Scalar): Buffer {
  switch (type) {
    case 'string':
      return delimited(Buffer.from(value as string, 'utf8'));
    case 'hex':
    case 'base64':
      return delimited(Buffer.from(value as string, type));
    case 'double':
      return fixed(8, (bytes) => bytes.writeDoubleLE(Number(value)));
    case 'fixed32':
      return fixed(4, (bytes) => bytes.writeUInt32LE(value as number));
    case 'fixed64':
      return fixed(8, (bytes) => bytes.writeBigUInt64LE(BigInt(value as string)));
    default:
      return varint(BigInt.asUintN(64, BigInt(value as string | number | boolean)));
  }
}

function fixed(length: number, write: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.alloc(length);
  write(bytes);
  return bytes;
}

export function delimited(bytes: Buffer): Buffer {
  return Buffer.concat([varint(BigInt(bytes.length)), bytes]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
