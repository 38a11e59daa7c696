import * as zlib from 'node:zlib';

type Decoder = zlib.Gunzip | zlib.Inflate | zlib.ZstdDecompress;

/** Makes what decompresses a body. */
export type Coding = () => Decoder;

/** RFC 9659 allows a window of 8 MiB for this content coding; a decoder that allows more lets a few bytes take 128 MiB. */
const ZSTD_WINDOW_LOG = 23;

/** The content codings that are understood. `x-gzip` is `gzip` (RFC 9110, 8.4.1.3). Zstandard depends on the running Node. */
export const CODINGS: Readonly<Record<string, Coding>> = {
  gzip: () => zlib.createGunzip(),
  'x-gzip': () => zlib.createGunzip(),
  deflate: () => nothingBehind(zlib.createInflate()),
  ...(typeof zlib.createZstdDecompress === 'function' && {
    zstd: () =>
      nothingBehind(zlib.createZstdDecompress({ params: { [zlib.constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG } })),
  }),
};

/**
 * Has a decoder fail on bytes behind the end of what it decodes, which Node passes over without a word: a request that was cut in pieces and put together wrongly would be taken for a whole one. (A gunzip fails on them by itself, and passes over zeros, with which some archivers fill up.)
 */
function nothingBehind(decoder: Decoder): Decoder {
  const transform = decoder._transform;
  let givenBytes = 0;
  decoder._transform = (chunk: Buffer, encoding, done) => {
    givenBytes += chunk.length;
    transform.call(decoder, chunk, encoding, done);
  };
  // The first listener: the failure is told before the end is.
  return decoder.on('end', () => {
    if (decoder.bytesWritten < givenBytes) decoder.emit('error', new Error('there are bytes behind its end'));
  });
}
