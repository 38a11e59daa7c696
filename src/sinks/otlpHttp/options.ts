import { type Environment, EnvironmentReader } from '../../environment.ts';
import { InvalidOptionError } from '../../errors.ts';
import { requireMillis, requireOneOf, requireShape, requireWhole, withDefaults } from '../../options.ts';
import { VERSION } from '../../version.ts';
import { requireTls, type TlsOptions, tlsOf } from './tls.ts';

export type { TlsOptions } from './tls.ts';

/** A header's value, or what gives it anew for each attempt: a token that expires, for example. */
export type HeaderValue = string | (() => string | Promise<string>);

export interface OtlpHttpOptions {
  /**
   * Where to: used as it is. Default: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` as it is, else `OTEL_EXPORTER_OTLP_ENDPOINT` and `/v1/traces`,
   * else `http://localhost:4318/v1/traces`.
   */
  url?: string | URL;
  /** Sent with each request, over those of `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_EXPORTER_OTLP_TRACES_HEADERS`. */
  headers?: Readonly<Record<string, HeaderValue>>;
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
  /** Trust and identity. Default: the files of `OTEL_EXPORTER_OTLP_CERTIFICATE`, `_CLIENT_CERTIFICATE` and `_CLIENT_KEY`, their `TRACES_` forms first. */
  tls?: TlsOptions;
  /** A body that is larger before compression is not sent, and lost as `tooLarge`: 1 or more bytes, default 64 MiB, as OTLP recommends. */
  maxRequestBytes?: number;
  /** An answer that is larger is a failure for good: 1 or more bytes, default 4 MiB, as OTLP recommends. */
  maxResponseBytes?: number;
  /** How long the first export waits for a resource that is still being detected, in milliseconds: 0 or more, default 5,000. Then it goes out as it is. */
  resourceTimeoutMillis?: number;
  /** Put before spanflow's own in the `User-Agent`. */
  userAgent?: string;
  /** Where the variables are read from. Default `process.env`. */
  environment?: Environment;
}

export interface OtlpHttpSettings {
  readonly url: URL;
  readonly headers: Readonly<Record<string, HeaderValue>>;
  readonly encoding: 'protobuf' | 'json';
  readonly compression: 'gzip' | 'none';
  readonly timeoutMillis: number;
  readonly tls: TlsOptions;
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  readonly resourceTimeoutMillis: number;
  readonly userAgent: string;
}

const OWNER = 'otlpHttp';
const URL_RULE = 'an http:// or https:// URL without credentials';
const DEFAULT_URL = 'http://localhost:4318/v1/traces';
/** OTLP asks exporters to say who they are. */
const USER_AGENT = `spanflow/${VERSION} OTel-OTLP-Exporter-JavaScript/${VERSION}`;

/** These say what the body is, how it travels, or who sends it (the option `userAgent`): nobody but us knows that. */
const OWN_HEADERS: readonly string[] = [
  ...['content-type', 'content-length', 'content-encoding', 'transfer-encoding', 'connection', 'host'],
  ...['user-agent', 'expect', 'keep-alive', 'upgrade'],
];

/** Every option and its default, the environment's included. */
export function settle(options: OtlpHttpOptions): OtlpHttpSettings {
  requireShape(`${OWNER} options`, options, 'an object');
  const variables = options.environment === undefined ? process.env : options.environment;
  requireShape(`${OWNER}.environment`, variables, 'an object');
  const environment = new EnvironmentReader(variables);
  const given = withDefaults<Required<OtlpHttpOptions>>(
    OWNER,
    {
      url: options.url ?? urlOf(environment),
      headers: {},
      encoding: options.encoding ?? encodingOf(environment) ?? 'protobuf',
      compression: options.compression ?? environment.oneOf(['gzip', 'none'], ...named('COMPRESSION')) ?? 'none',
      timeoutMillis: options.timeoutMillis ?? environment.timeoutMillis(...named('TIMEOUT')) ?? 10_000,
      tls: options.tls ?? tlsOf(environment, named),
      maxRequestBytes: 64 * 1024 * 1024,
      maxResponseBytes: 4 * 1024 * 1024,
      resourceTimeoutMillis: 5_000,
      userAgent: '',
      environment: process.env,
    },
    options,
  );
  requireOneOf(`${OWNER}.encoding`, given.encoding, ['protobuf', 'json']);
  requireOneOf(`${OWNER}.compression`, given.compression, ['gzip', 'none']);
  requireMillis(`${OWNER}.timeoutMillis`, given.timeoutMillis, 1, 'orInfinity');
  requireWhole(`${OWNER}.maxRequestBytes`, given.maxRequestBytes, 1);
  requireWhole(`${OWNER}.maxResponseBytes`, given.maxResponseBytes, 1);
  requireMillis(`${OWNER}.resourceTimeoutMillis`, given.resourceTimeoutMillis, 0, 'finite');
  requireTls(`${OWNER}.tls`, given.tls);
  requireHeaders(given.headers);
  if (!isHeaderValue(given.userAgent)) {
    throw new InvalidOptionError(`${OWNER}.userAgent`, 'a text that HTTP allows in a header', given.userAgent);
  }
  const url = parseUrl(String(given.url));
  if (url === undefined) throw new InvalidOptionError(`${OWNER}.url`, URL_RULE, withoutPassword(given.url));
  const userAgent = `${given.userAgent} ${USER_AGENT}`.trim();
  const headers = { ...lowerCased(headersOf(environment)), ...lowerCased(given.headers) };
  return { ...given, url, headers, userAgent };
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

function urlOf(environment: EnvironmentReader): URL | string {
  const [ofTraces, ofAll] = named('ENDPOINT') as [string, string];
  const base = (value: string) => {
    const url = parseUrl(value);
    if (url !== undefined) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
    return url;
  };
  return environment.parsed(parseUrl, URL_RULE, ofTraces) ?? environment.parsed(base, URL_RULE, ofAll) ?? DEFAULT_URL;
}

/** Credentials in a URL would be left out of the request: they belong into a header. */
function parseUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  const isHttp = url !== null && ['http:', 'https:'].includes(url.protocol);
  return isHttp && url.username === '' && url.password === '' ? url : undefined;
}

function withoutPassword(url: unknown): string {
  return String(url).replace(/:[^:/@]*@/, ':…@');
}

/** `key=value,key=value`, URL-encoded; the signal's own go over the general ones. */
function headersOf(environment: EnvironmentReader): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of [...named('HEADERS')].reverse()) {
    for (const pair of environment.text(name)?.split(',') ?? []) {
      const [key, value] = decodedPair(pair);
      if (isHeader(key, value)) headers[key.toLowerCase()] = value;
      else if (pair.trim() !== '') environment.warn(name, 'a list of key=value, of names and values that HTTP allows');
    }
  }
  return headers;
}

function decodedPair(pair: string): [key: string, value: string] {
  const at = pair.indexOf('=');
  if (at < 0) return ['', ''];
  try {
    return [decodeURIComponent(pair.slice(0, at).trim()), decodeURIComponent(pair.slice(at + 1).trim())];
  } catch {
    return ['', ''];
  }
}

/** The grammar of RFC 9110: a token, and a value without control characters. */
function isHeader(name: string, value: string): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(name) && isHeaderValue(value) && !OWN_HEADERS.includes(name.toLowerCase());
}

export function isHeaderValue(value: unknown): value is string {
  return typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}

function requireHeaders(headers: Readonly<Record<string, HeaderValue>>): void {
  requireShape(`${OWNER}.headers`, headers, 'an object');
  for (const [name, value] of Object.entries(headers)) {
    if (isHeader(name, typeof value === 'function' ? '' : value)) continue;
    const rule = `a header that HTTP allows, and none of ${OWN_HEADERS.join(', ')}`;
    throw new InvalidOptionError(`${OWNER}.headers[${JSON.stringify(name)}]`, rule, typeof value);
  }
}

function lowerCased<V>(headers: Readonly<Record<string, V>>): Record<string, V> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
