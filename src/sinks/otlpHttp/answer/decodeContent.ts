import { promisify } from 'node:util';
import type { gunzip, ZlibOptions } from 'node:zlib';

type Decoder = 'gunzip' | 'inflate' | 'brotliDecompress' | 'zstdDecompress';

/** By the names of RFC 9110, 8.4.1, and of its registry of content codings. */
const DECODERS: Readonly<Record<string, Decoder>> = {
  gzip: 'gunzip',
  'x-gzip': 'gunzip',
  deflate: 'inflate',
  br: 'brotliDecompress',
  zstd: 'zstdDecompress',
};

/**
 * Decodes the content codings of a body. The sink does not ask for any, but some servers and gateways compress nevertheless.
 *
 * @param codings the header `Content-Encoding`
 * @param maxBytes the limit of the decoded body: a few bytes may decode to gigabytes
 */
export async function decodedContent(
  body: Buffer,
  codings: string | undefined,
  maxBytes: number,
): Promise<Buffer | 'tooLong' | 'unreadable'> {
  if (body.length === 0) return body;
  let bytes = body;
  for (const coding of appliedLast(codings)) {
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

/** zlib is loaded at the first use: that takes milliseconds, and few backends compress. */
function decoded(bytes: Buffer, decoder: Decoder, maxOutputLength: number): Promise<Buffer> {
  const decode = process.getBuiltinModule('node:zlib')[decoder] as typeof gunzip;
  return promisify<Uint8Array, ZlibOptions, Buffer>(decode)(bytes, { maxOutputLength });
}

/** The names of the codings; the one that was applied last comes first. */
function appliedLast(codings: string | undefined): string[] {
  const names = (codings ?? '').split(',').map((coding) => coding.trim().toLowerCase());
  return names.filter((coding) => coding !== '' && coding !== 'identity').reverse();
}
