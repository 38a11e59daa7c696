import { promisify } from 'node:util';
import zlib from 'node:zlib';

type Decode = (body: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>;

/** By the names of RFC 9110, 8.4.1, and of its registry of content codings. */
const DECODERS: Readonly<Record<string, Decode>> = {
  gzip: promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gunzip),
  'x-gzip': promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gunzip),
  deflate: promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.inflate),
  br: promisify<Uint8Array, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress),
  zstd: promisify<Uint8Array, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress),
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
    const decode = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined;
    if (decode === undefined) return 'unreadable';
    try {
      bytes = await decode(bytes, { maxOutputLength: maxBytes });
    } catch (thrown) {
      return (thrown as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE' ? 'tooLong' : 'unreadable';
    }
  }
  return bytes;
}

/** The names of the codings; the one that was applied last comes first. */
function appliedLast(codings: string | undefined): string[] {
  const names = (codings ?? '').split(',').map((coding) => coding.trim().toLowerCase());
  return names.filter((coding) => coding !== '' && coding !== 'identity').reverse();
}
