import { Buffer } from 'node:buffer';
import { shown } from '../errors.ts';

const TRACE_ID = /^[0-9a-f]{32}$/i;
const SPAN_ID = /^[0-9a-f]{16}$/i;

/** @throws Error where `id` is not 32 hex digits. */
export function traceIdBytes(id: unknown, field: string): Uint8Array {
  if (typeof id === 'string' && TRACE_ID.test(id)) return Buffer.from(id, 'hex');
  throw new Error(`its ${field} must be 32 hex digits, but is ${shown(id)}`);
}

/** @throws Error where `id` is not 16 hex digits. */
export function spanIdBytes(id: unknown, field: string): Uint8Array {
  if (typeof id === 'string' && SPAN_ID.test(id)) return Buffer.from(id, 'hex');
  throw new Error(`its ${field} must be 16 hex digits, but is ${shown(id)}`);
}

export function hexOf(bytes: Uint8Array): string {
  // The schema's default for absent bytes is an empty list of no particular kind.
  if (bytes.length === 0) return '';
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
