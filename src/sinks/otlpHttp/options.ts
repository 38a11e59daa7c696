import type { Dispatcher } from 'undici';
import { type Environment, EnvironmentReader } from '../../internal/environment.ts';
import {
  millis,
  must,
  oneOf,
  optional,
  passing,
  type Rule,
  type Rules,
  requireRule,
  settingsOf,
  shape,
  whole,
} from '../../internal/validation.ts';
import { VERSION } from '../../internal/version.ts';
import { type HeaderSource, type HeadersOption, headerSource, headersOfVariables, isHeaderValue } from './headers.ts';
import { type ProxySettings, proxyFor } from './proxy.ts';
import { kindOf, mustSecretly } from './secret.ts';
import { fixedTls, type TlsOptions, type TlsSource, tlsSource } from './tls.ts';
import { tlsOfVariables } from './tlsFiles.ts';
import { endpointOf, requireEndpoint } from './url.ts';

export type { HeaderValue } from './headers.ts';
export type { Renewable, TlsOptions } from './tls.ts';

export interface OtlpHttpOptions {
  /**
   * Where to: an `http:` or `https:` URL, used as it is, its query included. Its credentials (percent-encoded) go out as `Authorization: Basic`, unless a header `authorization`
   * is given; no message shows them. Default: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` as it is, else `OTEL_EXPORTER_OTLP_ENDPOINT` and `/v1/traces`,
   * else `http://localhost:4318/v1/traces`. The warning about a variable that is no such URL says where spans go instead.
   */
  url?: string | URL;
  /**
   * Sent with each request, over those of `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_EXPORTER_OTLP_TRACES_HEADERS`: texts, functions that give one, or one function that gives all of
   * them. Functions are asked anew for each attempt, within its timeout; one that throws, or gives what HTTP forbids, fails the attempt as `retryable`.
   */
  headers?: HeadersOption;
  /**
   * How spans are written. Default: `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL`, `OTEL_EXPORTER_OTLP_PROTOCOL` (`http/protobuf` or `http/json`), else
   * `protobuf`, which takes about half of the bytes. Answers are read in either.
   */
  encoding?: 'protobuf' | 'json';
  /** Default: `OTEL_EXPORTER_OTLP_TRACES_COMPRESSION`, `OTEL_EXPORTER_OTLP_COMPRESSION`, else `none`. Gzip runs off the main thread, once per batch. */
  compression?: 'gzip' | 'none';
  /**
   * How long one attempt may take, connecting and answering included, in milliseconds: 1 or more, or `Infinity`. Default: `OTEL_EXPORTER_OTLP_TRACES_TIMEOUT`,
   * `OTEL_EXPORTER_OTLP_TIMEOUT`, else 10,000.
   */
  timeoutMillis?: number;
  /**
   * Trust and identity: values, functions that give one, or one function that gives all of them (so that certificate and key change together). Functions are asked for each new
   * connection; one that throws, or gives what TLS cannot use, fails the attempt as `retryable`. Connections that are open go on with what they began with. They
   * count for the connection to an `https:` proxy, too. Default: the files of `OTEL_EXPORTER_OTLP_CERTIFICATE`, `_CLIENT_CERTIFICATE` and `_CLIENT_KEY`, their `TRACES_` forms first. They are read again for
   * each new connection; while a renewed one does not serve, the last that did is used.
   */
  tls?: TlsOptions | (() => TlsOptions | Promise<TlsOptions>);
  /**
   * A dispatcher of undici's that carries the requests, instead of connections of our own: an `Agent` or `ProxyAgent` with settings that otlpHttp does not have. It has its own TLS
   * (so `tls` is refused beside it, and the files of the variables are not read), its own proxies and time limits, and the sink never closes it. Default: connections of our own, through
   * the proxy that `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name (in lower case first); loopback is never reached through one.
   */
  dispatcher?: Pick<Dispatcher, 'request'>;
  /** A body that is larger before compression is not sent, and lost as `tooLarge`: 1 or more bytes, default 64 MiB, as OTLP recommends. */
  maxRequestBytes?: number;
  /** An answer that is larger is a failure for good: 1 or more bytes, default 4 MiB, as OTLP recommends. */
  maxResponseBytes?: number;
  /** How long the first export waits for a resource that is still being detected, in milliseconds: 0 or more, default 5,000. Then it goes out as it is. */
  resourceTimeoutMillis?: number;
  /** Put before spanflow's own in the `User-Agent`. */
  userAgent?: string;
  /** Where the variables are read from, those of proxies included. Default `process.env`. */
  environment?: Environment;
}

export interface OtlpHttpSettings {
  /** Without credentials. */
  readonly url: URL;
  readonly headers: HeaderSource;
  readonly encoding: 'protobuf' | 'json';
  readonly compression: 'gzip' | 'none';
  readonly timeoutMillis: number;
  readonly tls: TlsSource;
  /** Somebody else's, which we do not close. */
  readonly dispatcher: Pick<Dispatcher, 'request'> | undefined;
  /** What our own connections go through. */
  readonly proxy: ProxySettings | undefined;
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  readonly resourceTimeoutMillis: number;
  readonly userAgent: string;
}

const OWNER = 'otlpHttp';
/** OTLP asks exporters to say who they are. */
const USER_AGENT = `spanflow/${VERSION} OTel-OTLP-Exporter-JavaScript/${VERSION}`;

/** Of the options that no variable gives. */
const DEFAULTS = Object.freeze({
  headers: {},
  maxRequestBytes: 64 * 1024 * 1024,
  maxResponseBytes: 4 * 1024 * 1024,
  resourceTimeoutMillis: 5_000,
  userAgent: '',
} satisfies OtlpHttpOptions);

type Given = Omit<OtlpHttpOptions, keyof typeof DEFAULTS> & Required<Pick<OtlpHttpOptions, keyof typeof DEFAULTS>>;

const aSecretObject = mustSecretly('an object', (value) => typeof value === 'object' && value !== null);

const tlsOrDispatcher: Rule = (value, option, call) => {
  if (value === undefined) return;
  const rule = 'left out beside dispatcher, which has TLS settings of its own';
  if (call.hasValue('dispatcher')) call.add(option, rule, kindOf(value));
  else call.attempt(() => tlsSource(option, value));
};

const OTLP_HTTP_RULES: Rules<Given> = {
  url: optional(passing((value, option) => requireEndpoint(option, value))),
  headers: passing((value, option) => headerSource(option, {}, value)),
  encoding: optional(oneOf('protobuf', 'json')),
  compression: optional(oneOf('gzip', 'none')),
  timeoutMillis: optional(millis(1, 'orInfinity')),
  tls: tlsOrDispatcher,
  dispatcher: optional(shape('a dispatcher of undici (an object with a method request)', 'request')),
  maxRequestBytes: whole(1),
  maxResponseBytes: whole(1),
  resourceTimeoutMillis: millis(0),
  userAgent: must('a string that HTTP allows in a header', isHeaderValue),
  environment: optional(aSecretObject),
};

/** The options over the variables over the defaults. */
export function otlpHttpSettings(options: OtlpHttpOptions): OtlpHttpSettings {
  // What is given instead may be a URL or a header: it is not repeated.
  requireRule(`${OWNER} options`, options, aSecretObject);
  const given = settingsOf<Given>(OWNER, DEFAULTS, OTLP_HTTP_RULES, options);
  const { maxRequestBytes, maxResponseBytes, resourceTimeoutMillis, dispatcher } = given;
  const environment = new EnvironmentReader(given.environment ?? process.env);
  const { url, authorization } =
    given.url === undefined ? endpointOf(environment, named) : requireEndpoint(`${OWNER}.url`, given.url);
  const known = { ...(authorization && { authorization }), ...headersOfVariables(environment, named) };
  return {
    ...{ maxRequestBytes, maxResponseBytes, resourceTimeoutMillis, dispatcher, url },
    headers: headerSource(`${OWNER}.headers`, known, given.headers),
    encoding: given.encoding ?? encodingOf(environment) ?? 'protobuf',
    compression: given.compression ?? compressionOf(environment) ?? 'none',
    timeoutMillis: given.timeoutMillis ?? timeoutOf(environment) ?? 10_000,
    tls: tlsOf(given, environment),
    proxy: dispatcher === undefined ? proxyFor(url, environment) : undefined,
    userAgent: `${given.userAgent} ${USER_AGENT}`.trim(),
  };
}

function tlsOf({ tls, dispatcher }: Given, environment: EnvironmentReader): TlsSource {
  if (tls !== undefined) return tlsSource(`${OWNER}.tls`, tls);
  return dispatcher === undefined ? tlsOfVariables(environment, named) : fixedTls({});
}

/** The variable of the signal first, then the one of all signals. */
function named(variable: string): readonly string[] {
  return [`OTEL_EXPORTER_OTLP_TRACES_${variable}`, `OTEL_EXPORTER_OTLP_${variable}`];
}

function encodingOf(environment: EnvironmentReader): 'protobuf' | 'json' | undefined {
  const protocol = environment.oneOf(['http/protobuf', 'http/json'], ...named('PROTOCOL'));
  if (protocol === undefined) return undefined;
  return protocol === 'http/json' ? 'json' : 'protobuf';
}

function compressionOf(environment: EnvironmentReader): 'gzip' | 'none' | undefined {
  return environment.oneOf(['gzip', 'none'], ...named('COMPRESSION'));
}

function timeoutOf(environment: EnvironmentReader): number | undefined {
  return environment.timeoutMillis(...named('TIMEOUT'));
}
