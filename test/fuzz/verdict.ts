// What a receiver has to answer to a body, by the decoders.

import { gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import { SpanflowError } from '../../src/model/errors.ts';
import type { SignalName } from '../../src/model/signal.ts';
import {
  type DecodeOptions,
  decodeLogs,
  decodeLogsJson,
  decodeMetrics,
  decodeMetricsJson,
  decodeTraces,
  decodeTracesJson,
  viewLogs,
  viewMetrics,
  viewTraces,
} from '../../src/otlp/index.ts';
import type { Format } from './corpus.ts';

export type Coding = 'gzip' | 'deflate' | 'zstd';
export type Ending = 'accepted' | 'malformed' | 'tooLarge';

/** How a request may end, and with how many items. */
export interface Expected {
  readonly ending: Ending;
  readonly items: number;
}

type Decode = (bytes: Uint8Array, limits: DecodeOptions) => readonly unknown[];

const DECODERS: Readonly<Record<SignalName, Readonly<Record<Format | 'views', Decode>>>> = {
  traces: { protobuf: decodeTraces, json: decodeTracesJson, views: viewTraces },
  logs: { protobuf: decodeLogs, json: decodeLogsJson, views: viewLogs },
  metrics: { protobuf: decodeMetrics, json: decodeMetricsJson, views: viewMetrics },
};

const UNPACK = { gzip: gunzipSync, deflate: inflateSync, zstd: zstdDecompressSync };

/**
 * What a strict decoder says of a body. Of protobuf there are two, of which the receiver has the one that makes views. The other one refuses a text that is not UTF-8, and takes an id of a wrong length; in all else they have to agree.
 *
 * @throws Error when a decoder throws what is not its error, or when the two differ in another thing
 */
export function expectedOf(signal: SignalName, format: Format, bytes: Uint8Array, limits: DecodeOptions): Expected {
  const decoders = DECODERS[signal];
  const strict = endOf(decoders[format], bytes, limits);
  if (format === 'json') return strict;
  const scanned = endOf(decoders.views, bytes, limits);
  if (scanned.ending === strict.ending && scanned.items === strict.items) return strict;
  const isKnown = /not valid for encoding utf-8/.test(strict.message) || /an id of \d+ bytes/.test(scanned.message);
  const isLimit = strict.ending === 'tooLarge' || scanned.ending === 'tooLarge';
  if (!isKnown && !isLimit)
    throw new Error(`the decoders differ: ${strict.message || strict.items} | ${scanned.message || scanned.items}`);
  return scanned;
}

/** The body that a compressed one becomes; `malformed` or `tooLarge` where it becomes none. */
export function unpacked(bytes: Uint8Array, coding: Coding, maxOutputLength: number): Buffer | Ending {
  try {
    return UNPACK[coding](bytes, { maxOutputLength });
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'tooLarge' : 'malformed';
  }
}

function endOf(decode: Decode, bytes: Uint8Array, limits: DecodeOptions): Expected & { readonly message: string } {
  try {
    return { ending: 'accepted', items: decode(bytes, limits).length, message: '' };
  } catch (thrown) {
    if (!(thrown instanceof SpanflowError)) throw thrown;
    const ending = thrown.code === 'MESSAGE_TOO_LARGE' ? 'tooLarge' : 'malformed';
    return { ending, items: 0, message: thrown.message };
  }
}
