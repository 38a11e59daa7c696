import { createReadStream } from 'node:fs';
import { pipeline, Readable, type Transform } from 'node:stream';
import zlib from 'node:zlib'; // whole: a name that an older Node lacks would fail before its version is told

export const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);

/**
 * The bytes of a file, decompressed where the file as a whole is gzip or Zstandard.
 *
 * @param onRead called with the number of bytes of each piece of the file
 */
export async function* chunksOf(path: string, onRead: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  const pieces = counted(createReadStream(path), onRead);
  try {
    const { value: first } = await pieces.next();
    if (first === undefined) return;
    const decompress = decompressorFor(first);
    const whole = [first, pieces] as const;
    yield* decompress === undefined ? joined(...whole) : decompressed(joined(...whole), decompress);
  } finally {
    await pieces.return(undefined);
  }
}

async function* counted(stream: Readable, onRead: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const piece of stream as AsyncIterable<Buffer>) {
    onRead(piece.length);
    yield piece;
  }
}

/** Known by how the file begins: neither JSON nor the length of a record begins like this. */
function decompressorFor(head: Uint8Array): Transform | undefined {
  if (beginsWith(head, ZSTD_MAGIC)) return zlib.createZstdDecompress();
  return beginsWith(head, GZIP_MAGIC) ? zlib.createGunzip() : undefined;
}

export function beginsWith(bytes: Uint8Array, magic: Uint8Array): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

async function* joined<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield first;
  yield* rest;
}

/** An error of the decompressor comes out of the iteration; nobody else waits for it. */
async function* decompressed(pieces: AsyncIterable<Uint8Array>, decompress: Transform): AsyncGenerator<Uint8Array> {
  yield* pipeline(Readable.from(pieces), decompress, () => {}) as AsyncIterable<Uint8Array>;
}
