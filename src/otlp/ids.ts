import { Buffer } from 'node:buffer';

export function hexOf(bytes: Uint8Array): string {
  // The schema's default for absent bytes is an empty list of no particular kind.
  if (bytes.length === 0) return '';
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
