import * as zlib from 'node:zlib';

/** Makes what decompresses a body. */
export type Coding = () => zlib.Gunzip | zlib.Inflate | zlib.ZstdDecompress;

/** RFC 9659 allows a window of 8 MiB for this content coding; a decoder that allows more lets a few bytes take 128 MiB. */
const ZSTD_WINDOW_LOG = 23;

/** The content codings that are understood. `x-gzip` is `gzip` (RFC 9110, 8.4.1.3). Zstandard depends on the running Node. */
export const CODINGS: Readonly<Record<string, Coding>> = {
  gzip: () => zlib.createGunzip(),
  'x-gzip': () => zlib.createGunzip(),
  deflate: () => zlib.createInflate(),
  ...(typeof zlib.createZstdDecompress === 'function' && {
    zstd: () => zlib.createZstdDecompress({ params: { [zlib.constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG } }),
  }),
};
