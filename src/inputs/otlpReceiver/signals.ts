import type { SignalItems, SignalName } from '../../model/signal.ts';
import type { ViewOptions } from '../../otlp/decode/viewRequest.ts';
import { viewLogs } from '../../otlp/logs/decode/viewLogs.ts';
import { viewLogsJson } from '../../otlp/logs/decode/viewLogsJson.ts';
import { viewMetrics } from '../../otlp/metrics/decode/viewMetrics.ts';
import { viewMetricsJson } from '../../otlp/metrics/decode/viewMetricsJson.ts';
import type { DecodeOptions } from '../../otlp/protobuf/decodeLimits.ts';
import { SIGNALS } from '../../otlp/signals.ts';
import { viewTraces } from '../../otlp/traces/decode/viewTraces.ts';
import { viewTracesJson } from '../../otlp/traces/decode/viewTracesJson.ts';

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
  /** The same of a request in JSON. */
  readonly json: Read<T, DecodeOptions>;
}

export const RECEIVED: { readonly [S in SignalName]: ReceivedSignal<SignalItems[S]> } = {
  traces: { ...wireOf('traces'), protobuf: viewTraces, json: viewTracesJson },
  logs: { ...wireOf('logs'), protobuf: viewLogs, json: viewLogsJson },
  metrics: { ...wireOf('metrics'), protobuf: viewMetrics, json: viewMetricsJson },
};

function wireOf(name: SignalName): Pick<ReceivedSignal<never>, 'path' | 'method'> {
  const { path, method } = SIGNALS[name];
  return { path, method };
}
