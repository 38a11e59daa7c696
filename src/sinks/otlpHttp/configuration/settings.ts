import type { Dispatcher } from 'undici';
import { EnvironmentReader } from '../../../internal/environment.ts';
import { requireMillis, requireOneOf, requireShape, requireWhole, withDefaults } from '../../../internal/validation.ts';
import { VERSION } from '../../../internal/version.ts';
import { InvalidOptionError } from '../../../model/errors.ts';
import { OTLP_HTTP_DEFAULTS, type OtlpHttpOptions } from '../options.ts';
import { endpointOf, requireEndpoint } from './endpoint.ts';
import { type HeaderSource, headerSource, headersOfVariables, isHeaderValue } from './headers.ts';
import { type ProxySettings, proxyFor } from './proxy.ts';
import { kindOf } from './secret.ts';
import { fixedTls, type TlsSource, tlsSource } from './tls.ts';
import { tlsOfVariables } from './tlsFiles.ts';

export interface OtlpHttpSettings {
  /** Without credentials. */
  readonly url: URL;
  readonly headers: HeaderSource;
  readonly encoding: 'protobuf' | 'json';
  readonly compression: 'gzip' | 'none';
  readonly timeoutMillis: number;
  readonly tls: TlsSource;
  /** The user's, which the sink does not close. */
  readonly dispatcher: Pick<Dispatcher, 'request'> | undefined;
  /** The proxy of the sink's own connections. */
  readonly proxy: ProxySettings | undefined;
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  readonly resourceTimeoutMillis: number;
  readonly userAgent: string;
}

const OWNER = 'otlpHttp';
/** As OTLP asks exporters to identify themselves. */
const USER_AGENT = `spanflow/${VERSION} OTel-OTLP-Exporter-JavaScript/${VERSION}`;

type Given = typeof OTLP_HTTP_DEFAULTS & Required<Pick<OtlpHttpOptions, 'headers' | 'userAgent'>>;

/** Checks the options, and fills in the environment's values and the defaults. */
export function settingsOf(options: OtlpHttpOptions): OtlpHttpSettings {
  requireObject(`${OWNER} options`, options);
  const given = withDefaults(OWNER, OTLP_HTTP_DEFAULTS, options) as Given;
  const variables = given.environment === undefined ? process.env : given.environment;
  requireObject(`${OWNER}.environment`, variables);
  const environment = new EnvironmentReader(variables);
  const plain = plainSettings(given, environment);
  const { url, authorization } =
    given.url === undefined ? endpointOf(environment, named) : requireEndpoint(`${OWNER}.url`, given.url);
  const known = { ...(authorization && { authorization }), ...headersOfVariables(environment, named) };
  const dispatcher = requireDispatcher(given);
  return {
    ...plain,
    url,
    headers: headerSource(`${OWNER}.headers`, known, given.headers),
    tls: tlsOf(given, environment),
    dispatcher,
    proxy: dispatcher === undefined ? proxyFor(url, environment) : undefined,
  };
}

type PlainSettings = Omit<OtlpHttpSettings, 'url' | 'headers' | 'tls' | 'dispatcher' | 'proxy'>;

/** The options that are numbers or one of several strings. */
function plainSettings(given: Given, environment: EnvironmentReader): PlainSettings {
  const settings = {
    encoding: given.encoding === undefined ? (encodingOf(environment) ?? 'protobuf') : given.encoding,
    compression: given.compression === undefined ? (compressionOf(environment) ?? 'none') : given.compression,
    timeoutMillis: given.timeoutMillis === undefined ? (timeoutOf(environment) ?? 10_000) : given.timeoutMillis,
    maxRequestBytes: given.maxRequestBytes as number,
    maxResponseBytes: given.maxResponseBytes as number,
    resourceTimeoutMillis: given.resourceTimeoutMillis as number,
  };
  requireOneOf(`${OWNER}.encoding`, settings.encoding, ['protobuf', 'json']);
  requireOneOf(`${OWNER}.compression`, settings.compression, ['gzip', 'none']);
  requireMillis(`${OWNER}.timeoutMillis`, settings.timeoutMillis, 1, 'orInfinity');
  requireWhole(`${OWNER}.maxRequestBytes`, settings.maxRequestBytes, 1);
  requireWhole(`${OWNER}.maxResponseBytes`, settings.maxResponseBytes, 1);
  requireMillis(`${OWNER}.resourceTimeoutMillis`, settings.resourceTimeoutMillis, 0, 'finite');
  if (!isHeaderValue(given.userAgent)) {
    throw new InvalidOptionError(`${OWNER}.userAgent`, 'a string that HTTP allows in a header', given.userAgent);
  }
  return { ...settings, userAgent: `${given.userAgent} ${USER_AGENT}`.trim() };
}

/** What is given instead may be a URL or a header, which may hold a secret: it is not shown. */
function requireObject(option: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) throw new InvalidOptionError(option, 'an object', kindOf(value));
}

function requireDispatcher({ dispatcher, tls }: Given): Pick<Dispatcher, 'request'> | undefined {
  if (dispatcher === undefined) return undefined;
  requireShape(
    `${OWNER}.dispatcher`,
    dispatcher,
    'a dispatcher of undici (an object with a method request)',
    'request',
  );
  if (tls === undefined) return dispatcher;
  const rule = 'left out beside dispatcher, which has TLS settings of its own';
  throw new InvalidOptionError(`${OWNER}.tls`, rule, kindOf(tls));
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
