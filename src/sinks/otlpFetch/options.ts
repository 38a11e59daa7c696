import type { SignalName } from '../../model/signal.ts';
import type { HeadersOption } from '../shared/configuration/headers.ts';

export type { HeadersOption, HeadersRequest, HeaderValue } from '../shared/configuration/headers.ts';

/** The options of {@link otlpFetch}. They are those of `otlpHttp`, as far as `fetch` can do it. No environment variables are read: browsers have none, and workers give theirs to a function. */
export interface OtlpFetchOptions<S extends SignalName = 'traces'> {
  /** What is sent: `traces`, the default, `logs` or `metrics`. It decides the type of the items and the path of the default endpoint (`/v1/traces`). */
  signal?: S;
  /**
   * The endpoint: an `http:` or `https:` URL, used as it is, with its query; in a page also a path of the page's own origin (`/v1/traces`). Its credentials (percent-encoded) are sent as `Authorization: Basic`, unless a header `authorization`
   * is given; no message shows them. Default: `http://localhost:4318/v1/traces`, or the path of another signal.
   */
  url?: string | URL;
  /**
   * Headers of each request: strings, functions that return one, or one function that returns all of them. Functions are called for each request, within the attempt's timeout, and are given the {@link HeadersRequest}: its body, for a
   * signature, and whether the backend has just refused their last headers with 401. If one throws or returns what HTTP forbids, the attempt fails as `retryable`. To a backend of another origin, browsers ask
   * it first (CORS) whether it takes these names. Default: none.
   */
  headers?: HeadersOption;
  /** The encoding of requests: `protobuf` or `json`. Default `protobuf`, which takes about half of the bytes. Answers may come in either. */
  encoding?: 'protobuf' | 'json';
  /** The compression of requests: `gzip` or `none`. Gzip is the runtime's own `CompressionStream`, and is refused where there is none. Default `none`. */
  compression?: 'gzip' | 'none';
  /** How long one attempt may take, connecting and answering included, in milliseconds: 1 or more, or `Infinity`. Default 10,000. */
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
}

/** All but `url`, whose default depends on the signal. */
export const OTLP_FETCH_DEFAULTS: Readonly<Required<Omit<OtlpFetchOptions<SignalName>, 'url'>>> = Object.freeze({
  signal: 'traces',
  headers: {},
  encoding: 'protobuf',
  compression: 'none',
  timeoutMillis: 10_000,
  keepalive: 'ifSmall',
  maxRequestBytes: 64 * 1024 * 1024,
  maxResponseBytes: 4 * 1024 * 1024,
  resourceTimeoutMillis: 5_000,
});
