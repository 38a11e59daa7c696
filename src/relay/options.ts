import type { Attributes } from '@opentelemetry/api';
import type { Observable } from 'rxjs';
import type { GrpcReceiverOptions, HttpReceiverOptions, OtlpReceiverOptions } from '../inputs/otlpReceiver/options.ts';
import type { Batch, FlushRequest } from '../model/batch.ts';
import type { SignalItems, SignalName } from '../model/signal.ts';
import type { RetryOptions } from '../operators/exportTo/options.ts';
import type { RebatchOptions } from '../operators/rebatch/options.ts';
import type { RedactOptions } from '../processors/redact/options.ts';
import type { SpanMetricsOptions } from '../processors/spanMetrics/options.ts';
import type { TailSampleOptions } from '../processors/tailSample/options.ts';
import type { AttributePolicy, SamplingPolicy } from '../strategies/samplingPolicy.ts';

/** The certificate of a server, by the names of files in PEM. They are read when the relay starts. */
export interface RelayServerTls {
  /** The server's certificate, with its chain behind it. */
  readonly certFile: string;
  /** The private key of the certificate. */
  readonly keyFile: string;
  /** Clients have to show a certificate that one of these has signed (mTLS). Default: clients need none. */
  readonly clientCaFile?: string;
}

/** The server for OTLP/HTTP. */
export interface RelayHttp extends Omit<HttpReceiverOptions, 'tls'> {
  /** Encrypts. Default: no TLS. */
  tls?: RelayServerTls;
}

/** The server for OTLP/gRPC. */
export interface RelayGrpc extends Omit<GrpcReceiverOptions, 'tls'> {
  /** Encrypts. Default: no TLS. */
  tls?: RelayServerTls;
}

/** What of {@link OtlpReceiverOptions} a relay may be told. */
export const RECEIVE_OPTIONS = [
  ...(['acknowledge', 'bearerTokens', 'maxRequestBytes', 'maxConnectionBytes', 'maxBytesInFlight'] as const),
  ...(['maxQueueSize', 'maxQueueBytes', 'retryAfterMillis', 'answerTimeoutMillis'] as const),
] as const;

/** How telemetry comes in: the options of {@link OtlpReceiverOptions}. */
export interface RelayReceive extends Pick<OtlpReceiverOptions, (typeof RECEIVE_OPTIONS)[number]> {
  /** The server for OTLP/HTTP. Default: it is opened, with its defaults, unless `grpc` is given. */
  http?: RelayHttp;
  /** The server for OTLP/gRPC, which needs the package `@grpc/grpc-js`. Default: it is not opened. */
  grpc?: RelayGrpc;
}

/** Which spans, by an attribute of theirs or of their resource; with none of `values`, `pattern`, `min`, `max`: whatever its value is. */
export interface RelayMatch extends Pick<AttributePolicy, 'key' | 'values' | 'min' | 'max'> {
  /** What a text has to match: a regular expression, or one as a text (`^/health`, `/^\/health/i`). Default: nothing. */
  readonly pattern?: RegExp | string;
}

/** What {@link RedactOptions} of a relay may be. Where they have regular expressions, texts stand for them: `/password|secret/i`. */
export interface RelayRedact extends Pick<RedactOptions, 'keys' | 'replacement' | 'hash'> {
  /** What is replaced within texts, wherever it occurs: regular expressions, or such as texts. Default: none. */
  patterns?: readonly (RegExp | string)[];
}

/** What of {@link TailSampleOptions} a relay may be told. */
export const TAIL_SAMPLE_OPTIONS = [
  ...(['maxWaitMillis', 'idleMillis', 'maxTraces', 'maxSpans', 'maxBytes', 'maxSpansPerTrace'] as const),
  'maxDecisions',
] as const;

/** {@link TailSampleOptions}, as plain records. */
export interface RelayTailSample extends Pick<TailSampleOptions, (typeof TAIL_SAMPLE_OPTIONS)[number]> {
  /** What is kept: a trace that one of these policies keeps. One or more, asked in order. The `pattern` of an attribute may be a text. */
  readonly policies: readonly SamplingPolicy[];
}

/** What of {@link SpanMetricsOptions} a relay may be told. */
export const SPAN_METRICS_OPTIONS = [
  ...(['dimensions', 'cardinalityLimit', 'temporality', 'exportIntervalMillis', 'maxBuckets'] as const),
] as const;

/** {@link SpanMetricsOptions}, as a plain record. */
export interface RelaySpanMetrics extends Pick<SpanMetricsOptions, (typeof SPAN_METRICS_OPTIONS)[number]> {}

/** What happens to spans, in the order of these options. Log records and data points pass as they are. */
export interface RelayProcess {
  /** Spans that match one of these are taken out. Default: none. */
  drop?: readonly RelayMatch[];
  /** What is not to be seen in spans is replaced or hashed. Default: nothing. */
  redact?: RelayRedact;
  /** Attributes that each span gets besides its own. Default: none. */
  enrich?: Attributes;
  /** Rate, errors and duration of the spans that have come so far go to the destinations of metrics, besides the metrics that come. Default: none. */
  spanMetrics?: RelaySpanMetrics;
  /** Which traces are kept. It waits for the spans of a trace, so it goes with `acknowledge: 'accepted'` only. Default: all. */
  tailSample?: RelayTailSample;
}

/** What of {@link RebatchOptions} a relay may be told. */
export const BATCH_OPTIONS = [
  ...(['maxQueueSize', 'maxQueueBytes', 'maxExportBatchSize', 'maxExportBatchBytes'] as const),
  ...(['scheduledDelayMillis', 'maxUnsettledBatches'] as const),
] as const;

/** The batches of each signal, and the queue in front of each destination: {@link RebatchOptions}. */
export interface RelayBatch extends Pick<RebatchOptions<unknown>, (typeof BATCH_OPTIONS)[number]> {}

/** Trust and identity, by the names of files in PEM. They are read again for each new connection. */
export interface RelayClientTls {
  /** Certificates to trust, instead of the system's. Default: those of the system. */
  readonly caFile?: string;
  /** The relay's own certificate, for mutual TLS. Default: none. */
  readonly certFile?: string;
  /** The private key of the certificate. Default: none. */
  readonly keyFile?: string;
}

/** A destination. The variables `OTEL_EXPORTER_OTLP_*` do not count: there may be several destinations, and a header for one is a secret of the others. */
export interface RelayDestination {
  /** Where to: `https://backend.example` (the path of each signal is added), or host and port for `grpc`. */
  readonly url: string;
  /** How: `http/protobuf` (the default), `http/json` or `grpc`, which needs the package `@grpc/grpc-js`. */
  readonly protocol?: 'http/protobuf' | 'http/json' | 'grpc';
  /** What of it: some of `traces`, `logs`, `metrics`. Default: all. A signal that goes nowhere is refused (404). */
  readonly signals?: readonly SignalName[];
  /** Headers of each request; metadata over gRPC. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The compression of requests: `none` (the default), `gzip`, or `zstd` (not over gRPC). */
  readonly compression?: 'none' | 'gzip' | 'zstd';
  /** How long one attempt may take, in milliseconds: 1 or more. Default 10,000. */
  readonly timeoutMillis?: number;
  /** Trust and identity. Default: those of the system. */
  readonly tls?: RelayClientTls;
  /** How often and how long a batch is tried. Default: without a limit of attempts, for 300,000 milliseconds in all; with `acknowledge: 'delivered'` for `answerTimeoutMillis` (30,000), because the sender is told then, and sends it again. */
  readonly retry?: Omit<RetryOptions, 'backoff'>;
  /** Whether a request is done only when it is done here, too: default `true`. At least one destination of each signal is required. */
  readonly required?: boolean;
}

/** The server for whoever watches the relay. */
export interface RelayAdmin {
  /** The address or the name to listen on. Default `127.0.0.1`. Whoever can connect can read, and nothing is encrypted. */
  readonly host?: string;
  /** The port: 0 to 65535, 0 for any free one. Default 8,889. */
  readonly port?: number;
}

/** What a relay does, as one plain object: what a configuration file holds. */
export interface RelayConfig {
  /** How telemetry comes in. Default: OTLP/HTTP on 127.0.0.1:4318. */
  receive?: RelayReceive;
  /** What happens to spans on the way. Default: nothing. */
  process?: RelayProcess;
  /** The batches that leave, and the queue in front of each destination. Default: those of {@link RebatchOptions}. */
  batch?: RelayBatch;
  /** The destinations by their names, which are those in statistics: one or more, unless the program composes the way itself. */
  send?: Readonly<Record<string, RelayDestination>>;
  /** Opens the server for whoever watches the relay: `/livez`, `/readyz`, `/metrics`, `/stats`. Default: it is not opened. */
  admin?: RelayAdmin;
  /** How long a shutdown drains, in milliseconds: 1 or more, default 10,000. */
  shutdownTimeoutMillis?: number;
}

/** What comes in, for a composition of your own. */
export interface RelayStreams {
  /** One batch for each request that holds spans. */
  readonly traces$: Observable<Batch<SignalItems['traces']>>;
  /** One batch for each request that holds log records. */
  readonly logs$: Observable<Batch<SignalItems['logs']>>;
  /** One batch for each request that holds data points. */
  readonly metrics$: Observable<Batch<SignalItems['metrics']>>;
  /** For `flushWhen`. Stages that are subscribed with what you return have it anyway. */
  readonly flush$: Observable<FlushRequest>;
}

/** What comes in, and where it goes: returns the outcomes of one `exportTo` or `fanOut`, or of several. It is not to subscribe itself. */
export type RelayCompose = (streams: RelayStreams) => Observable<unknown> | readonly Observable<unknown>[];

/** What a configuration file cannot hold. */
export interface RelayOptions {
  /** The way from the receiver to the backends, instead of `process`, `batch` and `send`. Default: what these say. */
  compose?: RelayCompose;
  /** Called when the composition has ended although nobody has ended it: an operator has failed for good, or has completed. Requests are answered with 503 then, and `/livez` with 500. Default: that is told by `diag.warn` only. */
  onFailure?: () => void;
}

export const OWNER = 'relay';

export const RELAY_DEFAULTS = Object.freeze({
  shutdownTimeoutMillis: 10_000,
  admin: Object.freeze({ host: '127.0.0.1', port: 8_889 }),
});
