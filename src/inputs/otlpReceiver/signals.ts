import type { SignalItems, SignalName } from '../../model/signal.ts';
import type { ViewOptions } from '../../otlp/decode/viewRequest.ts';
import { decodeLogsJson } from '../../otlp/logs/decode/decodeLogsJson.ts';
import { viewLogs } from '../../otlp/logs/decode/viewLogs.ts';
import { decodeMetricsJson } from '../../otlp/metrics/decode/decodeMetricsJson.ts';
import { viewMetrics } from '../../otlp/metrics/decode/viewMetrics.ts';
import type { DecodeOptions } from '../../otlp/protobuf/decodeLimits.ts';
import { SIGNALS } from '../../otlp/signals.ts';
import { decodeTracesJson } from '../../otlp/traces/decode/decodeTracesJson.ts';
import { viewTraces } from '../../otlp/traces/decode/viewTraces.ts';

/** The items of a request. */
type Read<T, Options> = (bytes: Uint8Array, options: Options) => T[];

/** What the receiver has to know of a signal. */
export interface ReceivedSignal<T> {
  /** Of OTLP/HTTP. */
  readonly path: string;
  /** Of OTLP/gRPC. */
  readonly method: string;
  /** Items of a request in protobuf, each of which is read when it is asked for. */
  readonly protobuf: Read<T, ViewOptions>;
  /** Reads a request in JSON. */
  readonly json: Read<T, DecodeOptions>;
}

export const RECEIVED: { readonly [S in SignalName]: ReceivedSignal<SignalItems[S]> } = {
  traces: { ...wireOf('traces'), protobuf: viewTraces, json: decodeTracesJson },
  logs: { ...wireOf('logs'), protobuf: viewLogs, json: decodeLogsJson },
  metrics: { ...wireOf('metrics'), protobuf: viewMetrics, json: decodeMetricsJson },
};

function wireOf(name: SignalName): Pick<ReceivedSignal<never>, 'path' | 'method'> {
  const { path, method } = SIGNALS[name];
  return { path, method };
}
