import type { SignalItems, SignalName } from '../../model/signal.ts';
import {
  decodeLogsJson,
  decodeMetricsJson,
  decodeTracesJson,
  viewLogs,
  viewMetrics,
  viewTraces,
} from '../../otlp/index.ts';
import type { FromKafkaOptions } from './options.ts';

type Encoding = NonNullable<FromKafkaOptions['encoding']>;
type Read<Item> = (content: Uint8Array) => readonly Item[];
type Readers = { readonly [S in SignalName]: Readonly<Record<Encoding, Read<SignalItems[S]>>> };

const READERS: Readers = {
  traces: { otlp_proto: viewTraces, otlp_json: decodeTracesJson },
  logs: { otlp_proto: viewLogs, otlp_json: decodeLogsJson },
  metrics: { otlp_proto: viewMetrics, otlp_json: decodeMetricsJson },
};

/** Reads the messages of a topic: those in protobuf are read from their bytes when they are asked for. */
export function readerOf<S extends SignalName>(signal: S, encoding: Encoding): Read<SignalItems[S]> {
  return READERS[signal][encoding];
}

/** Bytes of their own where they would otherwise keep all that came with them in memory: items keep the bytes of their message. */
export function ownBytes(value: Buffer): Buffer {
  return value.buffer.byteLength > 2 * value.length ? Buffer.from(value) : value;
}
