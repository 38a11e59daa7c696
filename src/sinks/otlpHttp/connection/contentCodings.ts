import { promisify } from 'node:util';
import type { gunzip, ZlibOptions } from 'node:zlib';
import type { RawAnswer } from './contract.ts';

type Decoder = 'gunzip' | 'inflate' | 'brotliDecompress' | 'zstdDecompress';

/** By the names of RFC 9110, 8.4.1, and of its registry of content codings. */
const DECODERS: Readonly<Record<string, Decoder>> = {
  gzip: 'gunzip',
  'x-gzip': 'gunzip',
  deflate: 'inflate',
  br: 'brotliDecompress',
  zstd: 'zstdDecompress',
};

const ENCODERS = { gzip: 'gzip', zstd: 'zstdCompress' } as const;

/** Compresses off the main thread. */
export function compressed(bytes: Uint8Array, coding: 'gzip' | 'zstd'): Promise<Buffer> {
  return promisify<Uint8Array, Buffer>(zlib()[ENCODERS[coding]])(bytes);
}

/**
 * Decodes the content codings of an answer. The sink does not ask for any, but some servers and gateways compress nevertheless.
 *
 * @param maxBytes the limit of the decoded body: a few bytes may decode to gigabytes
 */
export async function decodedContent(
  { body, headers }: RawAnswer,
  maxBytes: number,
): Promise<RawAnswer['body'] | 'unreadable'> {
  if (typeof body === 'string' || body.length === 0) return body;
  let bytes = body;
  for (const coding of appliedLast([headers['content-encoding'] ?? ''].flat()[0] ?? '')) {
    const decoder = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined;
    if (decoder === undefined) return 'unreadable';
    try {
      bytes = await decoded(bytes, decoder, maxBytes);
    } catch (thrown) {
      return (thrown as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE' ? 'tooLong' : 'unreadable';
    }
  }
  return bytes;
}

function decoded(bytes: Buffer, decoder: Decoder, maxOutputLength: number): Promise<Buffer> {
  const decode = zlib()[decoder] as typeof gunzip;
  return promisify<Uint8Array, ZlibOptions, Buffer>(decode)(bytes, { maxOutputLength });
}

/** Loaded at the first use: that takes milliseconds, most programs do not compress, and few backends do. */
function zlib(): typeof import('node:zlib') {
  return process.getBuiltinModule('node:zlib');
}

/** The names of the codings; the one that was applied last comes first. */
function appliedLast(codings: string): string[] {
  const names = codings.split(',').map((coding) => coding.trim().toLowerCase());
  return names.filter((coding) => coding !== '' && coding !== 'identity').reverse();
}
