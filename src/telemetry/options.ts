import type { Environment } from '../internal/environment.ts';
import type { ReadableLogRecord } from '../model/logRecord.ts';
import type { MetricDataPoint } from '../model/metricDataPoint.ts';
import type { SignalItems } from '../model/signal.ts';
import type { Sink } from '../model/sink.ts';
import type { LifeCycleOptions } from '../pipelines/lifeCycle/options.ts';
import type { LogPipelineOptions } from '../pipelines/logPipeline/options.ts';
import { METRIC_PIPELINE_RULES, type MetricPipelineOptions } from '../pipelines/metricPipeline/options.ts';
import { SIGNAL_PIPELINE_OPTIONS } from '../pipelines/signalPipeline/options.ts';
import type { SpanPipelineOptions } from '../pipelines/spanPipeline/options.ts';
import type { OtlpHttpOptions } from '../sinks/otlpHttp/options.ts';
import type { AskedHeaders } from '../sinks/shared/configuration/headers.ts';

/** A protocol of OTLP, as the variables name it: `http/protobuf`, `http/json`, or `grpc`, which needs `@grpc/grpc-js`. */
export type OtlpProtocol = 'http/protobuf' | 'http/json' | 'grpc';

/** Options of `otlpHttp` and `otlpGrpc` alike. */
export const SINK_OPTIONS = [
  ...['url', 'headers', 'compression', 'timeoutMillis', 'tls', 'maxConnectionAgeMillis'],
  ...['maxRequestBytes', 'maxResponseBytes', 'resourceTimeoutMillis', 'userAgent'],
] as const satisfies readonly (keyof OtlpHttpOptions)[];

/** Where telemetry goes, and how: the options that {@link otlpHttp} and `otlpGrpc` have in common. */
export interface DestinationOptions extends Omit<Pick<OtlpHttpOptions, (typeof SINK_OPTIONS)[number]>, 'headers'> {
  /**
   * Headers of each request, or the metadata of each call of gRPC, over those of the variables: strings, functions that return one, or one function that returns all of them. Functions are told whether the backend has just refused their last
   * headers: with 401, or over gRPC as UNAUTHENTICATED. What else {@link otlpHttp} gives to functions is not promised, since gRPC has no such request: who signs requests makes the sinks and gives them as `sink`. Default: those of the variables.
   */
  headers?: AskedHeaders<[request: { readonly refused: 401 | 'UNAUTHENTICATED' | undefined }]>;
  /** The protocol: `http/protobuf`, `http/json` or `grpc`. Default: `OTEL_EXPORTER_OTLP_<SIGNAL>_PROTOCOL`, `OTEL_EXPORTER_OTLP_PROTOCOL`, else `http/protobuf`. */
  protocol?: OtlpProtocol;
}

type OfTelemetry = 'sink' | 'sinks' | 'environment';

/** What one signal has of its own: it counts instead of what is given for all of them. */
export interface SignalDestination<T> extends DestinationOptions {
  /** The endpoint of this signal, used as it is. Default: that of all signals, and the signal's path behind it where the protocol is HTTP. */
  url?: string | URL;
  /** Any other sink instead of OTLP: `failover(…)`, `toMemory()`. It is not combined with the options of a destination. Default: OTLP, or {@link toConsole} where the variable `OTEL_<SIGNAL>_EXPORTER` says `console`. */
  sink?: Sink<T>;
}

/** The options of {@link spanPipeline}, and a destination of its own. */
export interface TraceSettings
  extends Omit<SpanPipelineOptions, OfTelemetry>,
    SignalDestination<SignalItems['traces']> {}

/** The options of `logPipeline`, and a destination of its own. */
export interface LogSettings extends Omit<LogPipelineOptions, OfTelemetry>, SignalDestination<ReadableLogRecord> {}

/** The options of `metricPipeline`, and a destination of its own. */
export interface MetricSettings extends Omit<MetricPipelineOptions, OfTelemetry>, SignalDestination<MetricDataPoint> {}

/** What differs between the signals. */
export interface TelemetrySignals {
  /** Spans, or `false` for none. Default: as `OTEL_TRACES_EXPORTER` says, else OTLP. */
  traces?: TraceSettings | false;
  /** Log records, or `false` for none. Default: as `OTEL_LOGS_EXPORTER` says, else OTLP. */
  logs?: LogSettings | false;
  /** Metrics, or `false` for none. Default: as `OTEL_METRICS_EXPORTER` says, else OTLP. */
  metrics?: MetricSettings | false;
}

/**
 * The options of {@link telemetry}. Where one is left out, the environment variable of OpenTelemetry counts, that of the signal first: `OTEL_EXPORTER_OTLP_*`, `OTEL_BSP_*`, `OTEL_BLRP_*`, `OTEL_METRIC_EXPORT_*`. A value that makes no sense is warned about and ignored.
 */
export interface TelemetryOptions extends DestinationOptions, LifeCycleOptions {
  /**
   * The base of the endpoints: over HTTP, each signal's path is put behind it (`http://collector:4318` and `/v1/traces`), as with `OTEL_EXPORTER_OTLP_ENDPOINT`; over gRPC it is the endpoint. Default: the variables, else `http://localhost:4318`, or `http://localhost:4317` for gRPC.
   */
  url?: string | URL;
  /** What differs between the signals. Default: nothing. */
  signals?: TelemetrySignals;
  /**
   * A directory in which spans and log records that would be lost at the end of the process are kept until the next start: see {@link SpanPipelineOptions}. Metrics are not: what they have counted since the last collection is gone with the process in any case. Default: none.
   */
  spool?: SpanPipelineOptions['spool'];
  /** Where the variables are read from. Default `process.env`. */
  environment?: Environment;
}

const OF_DESTINATION = ['protocol', ...SINK_OPTIONS];

/** The names of the options of each signal. */
export const SIGNAL_OPTIONS = {
  traces: [...OF_DESTINATION, ...SIGNAL_PIPELINE_OPTIONS, 'sink'],
  logs: [...OF_DESTINATION, ...SIGNAL_PIPELINE_OPTIONS, 'sink'],
  metrics: [
    ...OF_DESTINATION,
    ...Object.keys(METRIC_PIPELINE_RULES).filter((name) => name !== 'environment' && name !== 'sinks'),
  ],
} as const satisfies { readonly [S in keyof Required<TelemetrySignals>]: readonly string[] };
