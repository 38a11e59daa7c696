import type { Dispatcher } from 'undici';
import { EnvironmentReader } from '../../../internal/environment.ts';
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
} from '../../../internal/validation.ts';
import { VERSION } from '../../../internal/version.ts';
import { DEFAULT_MAX_CONNECTION_AGE_MILLIS, OTLP_HTTP_DEFAULTS, type OtlpHttpOptions } from '../options.ts';
import { endpointOf, requireEndpoint } from './endpoint.ts';
import { type HeaderSource, headerSource, headersOfVariables, isHeaderValue } from './headers.ts';
import { type ProxySettings, proxyFor } from './proxy.ts';
import { kindOf, mustSecretly } from './secret.ts';
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
  readonly maxConnectionAgeMillis: number;
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  readonly resourceTimeoutMillis: number;
  readonly userAgent: string;
}

const OWNER = 'otlpHttp';
/** As OTLP asks exporters to identify themselves. */
const USER_AGENT = `spanflow/${VERSION} OTel-OTLP-Exporter-JavaScript/${VERSION}`;

type Defaulted = 'headers' | 'maxRequestBytes' | 'maxResponseBytes' | 'resourceTimeoutMillis' | 'userAgent';
type Given = Omit<OtlpHttpOptions, Defaulted> & Required<Pick<OtlpHttpOptions, Defaulted>>;

const aSecretObject = mustSecretly('an object', (value) => typeof value === 'object' && value !== null);

const tlsOrDispatcher: Rule = (value, option, call) => {
  if (value === undefined) return;
  const rule = 'left out beside dispatcher, which has TLS settings of its own';
  if (call.hasValue('dispatcher')) call.add(option, rule, kindOf(value));
  else call.attempt(() => tlsSource(option, value));
};

const ageOrDispatcher: Rule = (value, option, call) => {
  if (value === undefined) return;
  if (call.hasValue('dispatcher'))
    call.add(option, 'left out beside dispatcher, which has connections of its own', value);
  else millis(0, 'orInfinity')(value, option, call);
};

const OTLP_HTTP_RULES: Rules<Given> = {
  url: optional(passing((value, option) => requireEndpoint(option, value))),
  headers: passing((value, option) => headerSource(option, {}, value)),
  encoding: optional(oneOf('protobuf', 'json')),
  compression: optional(oneOf('gzip', 'none')),
  timeoutMillis: optional(millis(1, 'orInfinity')),
  tls: tlsOrDispatcher,
  dispatcher: optional(shape('a dispatcher of undici (an object with a method request)', 'request')),
  maxConnectionAgeMillis: ageOrDispatcher,
  maxRequestBytes: whole(1),
  maxResponseBytes: whole(1),
  resourceTimeoutMillis: millis(0),
  userAgent: must('a string that HTTP allows in a header', isHeaderValue),
  environment: optional(aSecretObject),
};

/** Checks the options, and fills in the environment's values and the defaults. */
export function otlpHttpSettings(options: OtlpHttpOptions): OtlpHttpSettings {
  // What is given instead may be a URL or a header, which may hold a secret: it is not shown.
  requireRule(`${OWNER} options`, options, aSecretObject);
  const given = settingsOf<Given>(OWNER, OTLP_HTTP_DEFAULTS as Partial<Given>, OTLP_HTTP_RULES, options);
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
    maxConnectionAgeMillis: given.maxConnectionAgeMillis ?? DEFAULT_MAX_CONNECTION_AGE_MILLIS,
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
