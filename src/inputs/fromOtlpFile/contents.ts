import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { SignalItems, SignalName } from '../../model/signal.ts';
import {
  decodeLogs,
  decodeLogsJson,
  decodeMetrics,
  decodeMetricsJson,
  decodeTraces,
  decodeTracesJson,
} from '../../otlp/index.ts';
import { beginsWith, ZSTD_MAGIC } from './chunks.ts';

type Decoder<Item> = (content: Uint8Array) => readonly Item[];
type Decoders = { readonly [S in SignalName]: Readonly<Record<'protobuf' | 'json', Decoder<SignalItems[S]>>> };

const DECODERS: Decoders = {
  traces: { protobuf: decodeTraces, json: decodeTracesJson },
  logs: { protobuf: decodeLogs, json: decodeLogsJson },
  metrics: { protobuf: decodeMetrics, json: decodeMetricsJson },
};

const OPENING_BRACE = 0x7b;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const decompressed = promisify(zlib.zstdDecompress);

/**
 * The items of one record. Collectors before 0.151 compressed each record by itself, JSON too; no protobuf message begins as a compressed one or as JSON does.
 *
 * @throws what the record is not: readable, small enough
 */
export async function itemsOf<S extends SignalName>(
  content: Uint8Array,
  signal: S,
  maxRecordBytes: number,
): Promise<readonly SignalItems[S][]> {
  const isCompressed = beginsWith(content, ZSTD_MAGIC);
  const plain = isCompressed ? await decompressed(content, { maxOutputLength: maxRecordBytes }) : content;
  const text = beginsWith(plain, BYTE_ORDER_MARK) ? plain.subarray(BYTE_ORDER_MARK.length) : plain;
  const decode = DECODERS[signal][isJson(text) ? 'json' : 'protobuf'];
  return decode(text);
}

function isJson(content: Uint8Array): boolean {
  const start = content.find((byte) => byte > 0x20);
  return start === OPENING_BRACE;
}
