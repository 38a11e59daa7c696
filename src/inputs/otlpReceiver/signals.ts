import type { SignalItems, SignalName } from '../../model/signal.ts';
import { decodeLogs } from '../../otlp/logs/decode/decodeLogs.ts';
import { decodeLogsJson } from '../../otlp/logs/decode/decodeLogsJson.ts';
import { decodeMetrics } from '../../otlp/metrics/decode/decodeMetrics.ts';
import { decodeMetricsJson } from '../../otlp/metrics/decode/decodeMetricsJson.ts';
import type { DecodeOptions } from '../../otlp/protobuf/decodeLimits.ts';
import { SIGNALS } from '../../otlp/signals.ts';
import { decodeTraces } from '../../otlp/traces/decode/decodeTraces.ts';
import { decodeTracesJson } from '../../otlp/traces/decode/decodeTracesJson.ts';

/** The items of a request. */
type Decode<T> = (bytes: Uint8Array, limits: DecodeOptions) => T[];

/** What the receiver has to know of a signal. */
export interface ReceivedSignal<T> {
  /** Of OTLP/HTTP. */
  readonly path: string;
  /** Of OTLP/gRPC. */
  readonly method: string;
  /** Reads a request in protobuf. */
  readonly protobuf: Decode<T>;
  /** Reads a request in JSON. */
  readonly json: Decode<T>;
}

export const RECEIVED: { readonly [S in SignalName]: ReceivedSignal<SignalItems[S]> } = {
  traces: { ...wireOf('traces'), protobuf: decodeTraces, json: decodeTracesJson },
  logs: { ...wireOf('logs'), protobuf: decodeLogs, json: decodeLogsJson },
  metrics: { ...wireOf('metrics'), protobuf: decodeMetrics, json: decodeMetricsJson },
};

export const SIGNAL_NAMES: readonly SignalName[] = ['traces', 'logs', 'metrics'];

function wireOf(name: SignalName): Pick<ReceivedSignal<never>, 'path' | 'method'> {
  const { path, method } = SIGNALS[name];
  return { path, method };
}
