import type { Environment } from '../../internal/environment.ts';
import type { SignalName } from '../../model/signal.ts';
import type { HeadersOption } from '../shared/configuration/headers.ts';

export type { HeadersOption, HeadersRequest, HeaderValue } from '../shared/configuration/headers.ts';

/** The options of {@link otlpFetch}. They are those of `otlpHttp`, as far as `fetch` can do it. Where one is left out, the environment variable of OpenTelemetry counts, if there is an environment and it is set. */
export interface OtlpFetchOptions<S extends SignalName = 'traces'> {
  /** What is sent: `traces`, the default, `logs` or `metrics`. It decides the type of the items, the path of the default endpoint (`/v1/traces`) and the infix of the variables (`TRACES`). */
  signal?: S;
  /**
   * The endpoint: an `http:` or `https:` URL, used as it is, with its query; in a page also a path of the page's own origin (`/v1/traces`). Its credentials (percent-encoded) are sent as `Authorization: Basic`, unless a header `authorization`
   * is given; no message shows them. Default: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` as it is, else `OTEL_EXPORTER_OTLP_ENDPOINT` and `/v1/traces`,
   * else `http://localhost:4318/v1/traces`. If a variable is not such a URL, a warning says where items go instead.
   */
  url?: string | URL;
  /**
   * Headers of each request, which override those of `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_EXPORTER_OTLP_TRACES_HEADERS`: strings, functions that return one, or one function that returns all of them. Functions are called for each request, within the attempt's timeout, and are given the {@link HeadersRequest}: its body, for a
   * signature, and whether the backend has just refused their last headers with 401. If one throws or returns what HTTP forbids, the attempt fails as `retryable`. To a backend of another origin, browsers ask
   * it first (CORS) whether it takes these names. Default: those of the variables.
   */
  headers?: HeadersOption;
  /**
   * The encoding of requests: `protobuf` or `json`. Default: `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL`, `OTEL_EXPORTER_OTLP_PROTOCOL` (`http/protobuf` or `http/json`), else `protobuf`, which takes about half of
   * the bytes. Answers may come in either.
   */
  encoding?: 'protobuf' | 'json';
  /**
   * The compression of requests: `gzip`, `zstd` or `none`. Default: `OTEL_EXPORTER_OTLP_TRACES_COMPRESSION`, `OTEL_EXPORTER_OTLP_COMPRESSION`, else `none`. The runtime's own `CompressionStream` does it. What it does not have is refused
   * at the call, and warned about and ignored where a variable asks for it: Bun has `zstd`, browsers, Node and Deno do not. A backend that refuses zstd (415, or 400 with a text about it) gets the same batch in gzip at once, and gzip
   * from then on.
   */
  compression?: 'gzip' | 'zstd' | 'none';
  /**
   * How long one attempt may take, connecting and answering included, in milliseconds: 1 or more, or `Infinity`. Default: `OTEL_EXPORTER_OTLP_TRACES_TIMEOUT`, `OTEL_EXPORTER_OTLP_TIMEOUT`, else 10,000.
   */
  timeoutMillis?: number;
  /**
   * Whether requests may outlive the page. `ifSmall`: a request is sent with `keepalive`, so that it goes on when the page is closed or left, while the bodies of all such requests that are in flight have no more than 60 KiB together (browsers
   * fail what is over 64 KiB); others are ordinary ones · `never`: all are ordinary ones. Default `ifSmall`. Where there are no pages it changes nothing. Flush on `visibilitychange`: the last batch is small
   * enough then.
   */
  keepalive?: 'ifSmall' | 'never';
  /** The largest body, before compression. A larger one is not sent, and its batch fails as `tooLarge`. 1 or more bytes, default 64 MiB, as OTLP recommends. */
  maxRequestBytes?: number;
  /** The largest answer, when it is decompressed. A larger one is a `permanent` failure. 1 or more bytes, default 4 MiB, as OTLP recommends. */
  maxResponseBytes?: number;
  /** How long the first export waits for a resource that is still being detected, in milliseconds: 0 or more, default 5,000. Then its items are sent without the missing attributes. */
  resourceTimeoutMillis?: number;
  /** Put before spanflow's own part of the `User-Agent`. Default: nothing. In a browser neither is sent: it has a `User-Agent` of its own. */
  userAgent?: string;
  /**
   * The environment variables. Default: `process.env` where there is one that may be read, else none. A worker that is given its variables as an argument passes them on: `otlpFetch({ environment: env })`. Those for certificates are not used, with a
   * warning: TLS is the runtime's.
   */
  environment?: Environment;
}

/** Every option, so that an unknown one is refused. `undefined` where a variable decides. */
export const OTLP_FETCH_DEFAULTS: { [K in keyof Required<OtlpFetchOptions>]: OtlpFetchOptions[K] | undefined } =
  Object.freeze({
    signal: 'traces',
    url: undefined,
    headers: {},
    encoding: undefined,
    compression: undefined,
    timeoutMillis: undefined,
    keepalive: 'ifSmall',
    maxRequestBytes: 64 * 1024 * 1024,
    maxResponseBytes: 4 * 1024 * 1024,
    resourceTimeoutMillis: 5_000,
    userAgent: '',
    environment: undefined,
  });
