import type { SignalName } from '../model/signal.ts';
import type { Tally } from '../model/tally.ts';

// OpenTelemetry's semantic conventions for the metrics of SDKs, 1.45: `model/otel/metrics.yaml`. All of them are in development.

/** How the conventions call the items of a signal. */
export interface SignalWords {
  /** In the names of exporters' instruments: `otel.sdk.exporter.span.exported`. */
  readonly exported: string;
  /** In the names of processors' instruments. `undefined`: the signal has no processors. */
  readonly processed: string | undefined;
  /** The unit of its instruments, without the braces. */
  readonly unit: string;
  /** In descriptions. */
  readonly items: string;
  /** The type of the processor, where there is one. */
  readonly processor: string;
}

export const WORDS: Readonly<Record<SignalName, SignalWords>> = Object.freeze({
  traces: {
    ...{ exported: 'span', processed: 'span', unit: 'span', items: 'spans' },
    processor: 'batching_span_processor',
  },
  logs: {
    ...{ exported: 'log', processed: 'log', unit: 'log_record', items: 'log records' },
    processor: 'batching_log_processor',
  },
  metrics: {
    ...{ exported: 'metric_data_point', processed: undefined, unit: 'data_point', items: 'metric data points' },
    processor: '',
  },
});

export const ATTRIBUTE = Object.freeze({
  componentType: 'otel.component.type',
  componentName: 'otel.component.name',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  errorType: 'error.type',
  httpStatus: 'http.response.status_code',
  rpcStatus: 'rpc.status_code',
});

/** Why items that a backend refused in a partial success have failed. */
export const REJECTED = 'rejected';

/** The `error.type` of a loss: its reason in snake case, `queue_full`. */
export function errorTypeOf(reason: string): string {
  return reason.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Why an export was no full success: of several reasons, the one of its last attempt. */
export function errorTypeOfExport({ lost, rejected }: Tally): string | undefined {
  const last = lost.at(-1);
  if (last !== undefined) return errorTypeOf(last.reason);
  return rejected > 0 ? REJECTED : undefined;
}
