import type { Dispatcher } from 'undici';
import type { Environment } from '../../internal/environment.ts';
import type { SignalName } from '../../model/signal.ts';
import type { HeadersOption } from '../shared/configuration/headers.ts';
import type { TlsOptions } from '../shared/configuration/tls.ts';

export type { HeadersOption, HeadersRequest, HeaderValue } from '../shared/configuration/headers.ts';
export type { Renewable, TlsOptions } from '../shared/configuration/tls.ts';

/** The options of {@link otlpHttp}. Where one is left out, the environment variable of OpenTelemetry counts, if it is set. */
export interface OtlpHttpOptions<S extends SignalName = 'traces'> {
  /** What is sent: `traces`, the default. It decides the type of the items, the default endpoint's path (`/v1/traces`) and the infix of the variables (`TRACES`). */
  signal?: S;
  /**
   * The endpoint: an `http:` or `https:` URL, used as it is, with its query. Its credentials (percent-encoded) are sent as `Authorization: Basic`, unless a header `authorization`
   * is given; no message shows them. Default: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` as it is, else `OTEL_EXPORTER_OTLP_ENDPOINT` and `/v1/traces`,
   * else `http://localhost:4318/v1/traces`. If a variable is not such a URL, a warning says where spans go instead.
   */
  url?: string | URL;
  /**
   * A Unix socket that the backend listens on (`/run/collector.sock`), or a named pipe of Windows (`\\\\.\\pipe\\collector`), instead of the host and port of `url`. The rest of `url` counts as before: its path, its host as the header
   * `Host`, and `https:` for TLS on the socket. Where `url` is left out, it is `http://localhost/v1/traces`: the variables for endpoints name another backend, and are not read. No proxy is ever used. Refused beside
   * `dispatcher`. Default: TCP.
   */
  socketPath?: string;
  /**
   * Headers of each request, which override those of `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_EXPORTER_OTLP_TRACES_HEADERS`: strings, functions that return one, or one function that returns all of
   * them. Functions are called for each request, within the attempt's timeout, and are given the {@link HeadersRequest}: its body, for a signature, and whether the backend has just refused their last headers with 401. If one throws or
   * returns what HTTP forbids, the attempt fails as `retryable`. Default: those of the variables.
   */
  headers?: HeadersOption;
  /**
   * The encoding of requests: `protobuf` or `json`. Default: `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL`, `OTEL_EXPORTER_OTLP_PROTOCOL` (`http/protobuf` or `http/json`), else
   * `protobuf`, which takes about half of the bytes. Answers may come in either.
   */
  encoding?: 'protobuf' | 'json';
  /**
   * The compression of requests: `gzip`, `zstd` or `none`. Default: `OTEL_EXPORTER_OTLP_TRACES_COMPRESSION`, `OTEL_EXPORTER_OTLP_COMPRESSION`, else `none`. Both run off the main thread, once per request. `zstd` is smaller for less
   * work, and OTLP does not demand it of backends: one that refuses it (415, or 400 with a text about it) gets the same batch in gzip at once, and gzip from then on.
   */
  compression?: 'gzip' | 'zstd' | 'none';
  /**
   * How long one attempt may take, connecting and answering included, in milliseconds: 1 or more, or `Infinity`. Default: `OTEL_EXPORTER_OTLP_TRACES_TIMEOUT`,
   * `OTEL_EXPORTER_OTLP_TIMEOUT`, else 10,000.
   */
  timeoutMillis?: number;
  /**
   * Trust and identity: values, functions that return one, or one function that returns all of them (so that certificate and key change together). Functions are called for each new
   * connection. If one throws or returns what TLS cannot use, the attempt fails as `retryable`. Open connections keep what they began with. The options
   * also apply to the connection to an `https:` proxy. Default: the files of `OTEL_EXPORTER_OTLP_CERTIFICATE`, `_CLIENT_CERTIFICATE` and `_CLIENT_KEY`, their `TRACES_` forms first. They are read again for
   * each new connection; while a renewed file is not valid, the last valid content is used.
   */
  tls?: TlsOptions | (() => TlsOptions | Promise<TlsOptions>);
  /**
   * An undici dispatcher that sends the requests, instead of the sink's own connections: an `Agent` or `ProxyAgent` with settings that otlpHttp does not have. It has its own TLS
   * (so `tls` is refused beside it, and the files of the variables are not read), its own proxies, time limits and connections (which the sink neither replaces nor closes). Default: the sink's own connections, through
   * the proxy that `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name (in lower case first); loopback is never reached through one.
   */
  dispatcher?: Pick<Dispatcher, 'request'>;
  /**
   * The age at which a connection is replaced, between two requests, in milliseconds: 0 (a connection for each request) or more, or `Infinity`. Each connection takes 80 to 100 % of it at random, so that
   * they are not replaced all at once. A new connection resolves the name again, and can meet another backend behind a balancer. Lower: new backends get their share sooner, and there are more TLS
   * handshakes. Default 300,000: five minutes, a usual lifetime of a DNS record, and with eight connections one handshake in some 34 seconds. Refused beside `dispatcher`.
   */
  maxConnectionAgeMillis?: number;
  /** The largest body, before compression. A larger one is not sent, and its batch fails as `tooLarge`. 1 or more bytes, default 64 MiB, as OTLP recommends. */
  maxRequestBytes?: number;
  /** The largest answer. A larger one is a `permanent` failure. 1 or more bytes, default 4 MiB, as OTLP recommends. */
  maxResponseBytes?: number;
  /** How long the first export waits for a resource that is still being detected, in milliseconds: 0 or more, default 5,000. Then its spans are sent without the missing attributes. */
  resourceTimeoutMillis?: number;
  /** Put before spanflow's own part of the `User-Agent`. Default: nothing. */
  userAgent?: string;
  /** The environment variables, those of proxies included. Default `process.env`. */
  environment?: Environment;
}

/** Not among the defaults below, because the option is refused beside `dispatcher`. */
export const DEFAULT_MAX_CONNECTION_AGE_MILLIS = 300_000;

/** Every option, so that an unknown one is refused. `undefined` where a variable or other options decide. */
export const OTLP_HTTP_DEFAULTS: { [K in keyof Required<OtlpHttpOptions>]: OtlpHttpOptions[K] | undefined } =
  Object.freeze({
    signal: 'traces',
    url: undefined,
    socketPath: undefined,
    headers: {},
    encoding: undefined,
    compression: undefined,
    timeoutMillis: undefined,
    tls: undefined,
    dispatcher: undefined,
    maxConnectionAgeMillis: undefined,
    maxRequestBytes: 64 * 1024 * 1024,
    maxResponseBytes: 4 * 1024 * 1024,
    resourceTimeoutMillis: 5_000,
    userAgent: '',
    environment: undefined,
  });
