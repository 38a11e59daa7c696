import type { Environment } from '../../internal/environment.ts';
import type { SignalName } from '../../model/signal.ts';
import type { AskedHeaders, MetadataRequest } from '../shared/configuration/headers.ts';
import type { TlsOptions } from '../shared/configuration/tls.ts';

export type { AskedHeader, AskedHeaders, MetadataRequest } from '../shared/configuration/headers.ts';

/** The options of {@link otlpGrpc}. Where one is left out, the environment variable of OpenTelemetry counts, if it is set. */
export interface OtlpGrpcOptions<S extends SignalName = 'traces'> {
  /** What is sent: `traces`, the default. It decides the type of the items, the service that is called and the infix of the variables (`TRACES`). */
  signal?: S;
  /**
   * The endpoint: an `https:` URL (with TLS), an `http:` URL (without), `host:port`, or `unix:path` (the socket of a process on this machine, without TLS). The port of a URL is 443 or 80 if it says none.
   * A path is ignored, with a warning. For `host:port` the variables `OTEL_EXPORTER_OTLP_TRACES_INSECURE` and `OTEL_EXPORTER_OTLP_INSECURE` decide: with TLS, unless one is `true`. Credentials in the URL are
   * sent as `authorization: Basic`, unless a header `authorization` is given; no message shows them. Default: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, else `OTEL_EXPORTER_OTLP_ENDPOINT`, else
   * `http://localhost:4317`. If a variable is no endpoint, a warning says where telemetry goes instead.
   */
  url?: string | URL;
  /**
   * Metadata of each call, which overrides that of `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_EXPORTER_OTLP_TRACES_HEADERS`: strings, functions that return one, or one function that returns all of it.
   * Functions are called for each call, within the attempt's timeout, and are given the {@link MetadataRequest}: whether the backend has just refused their last metadata as UNAUTHENTICATED. If one throws or returns what gRPC forbids, the attempt fails as `retryable`. Binary metadata (`-bin`) is refused. Default: those of the variables.
   */
  headers?: AskedHeaders<[call: MetadataRequest]>;
  /** The compression of messages: `gzip` or `none`. Default: `OTEL_EXPORTER_OTLP_TRACES_COMPRESSION`, `OTEL_EXPORTER_OTLP_COMPRESSION`, else `none`. Gzip runs off the main thread, once per attempt. A backend that says that it takes no gzip gets none from then on. There is no `zstd`: `@grpc/grpc-js` does not have it. */
  compression?: 'gzip' | 'none';
  /**
   * How long one attempt may take, connecting and answering included, in milliseconds: 1 or more, or `Infinity`. The backend is told of it (`grpc-timeout`). Default: `OTEL_EXPORTER_OTLP_TRACES_TIMEOUT`,
   * `OTEL_EXPORTER_OTLP_TIMEOUT`, else 10,000.
   */
  timeoutMillis?: number;
  /**
   * Trust and identity: values, functions that return one, or one function that returns all of them (so that certificate and key change together). Functions are called for each new
   * connection. If one throws or returns what TLS cannot use, the attempt fails as `retryable`. Open connections keep what they began with. Default: the files of `OTEL_EXPORTER_OTLP_CERTIFICATE`,
   * `_CLIENT_CERTIFICATE` and `_CLIENT_KEY`, their `TRACES_` forms first. They are read again for each new connection; while a renewed file is not valid, the last valid content is used.
   */
  tls?: TlsOptions | (() => TlsOptions | Promise<TlsOptions>);
  /**
   * How long nothing is heard from the backend before an export asks whether it is still there (an HTTP/2 ping), in milliseconds: 1 or more, or `Infinity` for never. Without an answer within 20 seconds the
   * connection is given up. Lower: a dead connection is noticed sooner during long exports, and servers that allow a ping in five minutes, as most do by default, close the connection ("too many pings").
   * Default 300,000.
   */
  keepaliveMillis?: number;
  /**
   * The age at which the connection is replaced, in milliseconds: 0 (a connection for each call) or more, or `Infinity`. Each takes 80 to 100 % of it at random; calls in flight end on the old one. A new
   * connection resolves the name and reads the certificates again, and can meet another backend behind a balancer. Default 300,000: five minutes, a usual lifetime of a DNS record.
   */
  maxConnectionAgeMillis?: number;
  /**
   * The largest message, before compression. A larger one is not sent, and its batch fails as `tooLarge`: `exportTo` sends it in parts. 1 or more bytes. Default 4,177,920 (4 MiB less 16 KiB): servers of gRPC refuse more
   * than 4 MiB unless they are configured otherwise.
   */
  maxRequestBytes?: number;
  /** The largest answer. A larger one is a `permanent` failure. 1 or more bytes, default 4 MiB, as OTLP recommends. */
  maxResponseBytes?: number;
  /** How long the first export waits for a resource that is still being detected, in milliseconds: 0 or more, default 5,000. Then its items are sent without the missing attributes. */
  resourceTimeoutMillis?: number;
  /** Put before spanflow's own part of the `user-agent`. Default: nothing. */
  userAgent?: string;
  /** The environment variables, those of proxies included. Default `process.env`. */
  environment?: Environment;
}

/** Every option, so that an unknown one is refused. `undefined` where a variable or another option decides. */
export const OTLP_GRPC_DEFAULTS: { [K in keyof Required<OtlpGrpcOptions>]: OtlpGrpcOptions[K] | undefined } =
  Object.freeze({
    signal: 'traces',
    url: undefined,
    headers: {},
    compression: undefined,
    timeoutMillis: undefined,
    tls: undefined,
    keepaliveMillis: 300_000,
    maxConnectionAgeMillis: 300_000,
    maxRequestBytes: 4 * 1024 * 1024 - 16 * 1024,
    maxResponseBytes: 4 * 1024 * 1024,
    resourceTimeoutMillis: 5_000,
    userAgent: '',
    environment: undefined,
  });
