import type { Dispatcher } from 'undici';
import { EnvironmentReader } from '../../internal/environment.ts';
import {
  millis,
  must,
  oneOf,
  optional,
  passing,
  type Rule,
  type Rules,
  settingsOf,
  shape,
  whole,
} from '../../internal/validation.ts';
import type { SignalItems, SignalName } from '../../model/signal.ts';
import { type NamedVariables, type Signal, signalOf, variablesOf } from '../../otlp/signals.ts';
import { endpointOf, requireEndpoint, shownUrl } from '../shared/configuration/endpoint.ts';
import { HTTP_HEADERS, headerSource, headersOfVariables, isHeaderValue } from '../shared/configuration/headers.ts';
import { compressionOf, encodingOf, timeoutOf } from '../shared/configuration/httpVariables.ts';
import { aSecretObject, aSignal, requireOtlpOptions, userAgentOf } from '../shared/configuration/otlpOptions.ts';
import { type ProxySettings, proxyFor } from '../shared/configuration/proxy.ts';
import { kindOf } from '../shared/configuration/secret.ts';
import { fixedTls, type TlsSource, tlsSource } from '../shared/configuration/tls.ts';
import { tlsOfVariables } from '../shared/configuration/tlsFiles.ts';
import { warnOfUsualPort } from '../shared/configuration/usualPorts.ts';
import type { HttpSettings } from '../shared/http/request.ts';
import { DEFAULT_MAX_CONNECTION_AGE_MILLIS, OTLP_HTTP_DEFAULTS, type OtlpHttpOptions } from './options.ts';

/** `never`: whatever the signal. */
export interface OtlpHttpSettings<Item = never> extends HttpSettings<Item> {
  readonly tls: TlsSource;
  /** The user's, which the sink does not close. */
  readonly dispatcher: Pick<Dispatcher, 'request'> | undefined;
  /** The path of the backend's socket, where it is none of TCP. */
  readonly socketPath: string | undefined;
  /** The proxy of the sink's own connections. */
  readonly proxy: ProxySettings | undefined;
  readonly maxConnectionAgeMillis: number;
}

const OWNER = 'otlpHttp';
const COMPRESSIONS = ['gzip', 'zstd', 'none'] as const;

type Defaulted = 'signal' | 'headers' | 'maxRequestBytes' | 'maxResponseBytes' | 'resourceTimeoutMillis' | 'userAgent';
type Given = Omit<OtlpHttpOptions<SignalName>, Defaulted> & Required<Pick<OtlpHttpOptions<SignalName>, Defaulted>>;

const tlsOrDispatcher: Rule = (value, option, call) => {
  if (value === undefined) return;
  const rule = 'left out beside dispatcher, which has TLS settings of its own';
  if (call.hasValue('dispatcher')) call.add(option, rule, kindOf(value));
  else call.attempt(() => tlsSource(option, value));
};

const aPath = must('the path of a Unix socket, or the name of a pipe of Windows', (value) => {
  return typeof value === 'string' && value !== '' && !value.includes('\0') && !/^\w+:\/\//.test(value);
});

const socketPathOrDispatcher: Rule = (value, option, call) => {
  if (value === undefined) return;
  if (call.hasValue('dispatcher'))
    call.add(option, 'left out beside dispatcher, which has connections of its own', value);
  else aPath(value, option, call);
};

const ageOrDispatcher: Rule = (value, option, call) => {
  if (value === undefined) return;
  if (call.hasValue('dispatcher'))
    call.add(option, 'left out beside dispatcher, which has connections of its own', value);
  else millis(0, 'orInfinity')(value, option, call);
};

const OTLP_HTTP_RULES: Rules<Given> = {
  signal: aSignal,
  url: optional(passing((value, option) => requireEndpoint(option, value))),
  headers: passing((value, option) => headerSource(option, {}, value, HTTP_HEADERS)),
  encoding: optional(oneOf('protobuf', 'json')),
  compression: optional(oneOf(...COMPRESSIONS)),
  timeoutMillis: optional(millis(1, 'orInfinity')),
  tls: tlsOrDispatcher,
  socketPath: socketPathOrDispatcher,
  dispatcher: optional(shape('a dispatcher of undici (an object with a method request)', 'request')),
  maxConnectionAgeMillis: ageOrDispatcher,
  maxRequestBytes: whole(1),
  maxResponseBytes: whole(1),
  resourceTimeoutMillis: millis(0),
  userAgent: must('a string that HTTP allows in a header', isHeaderValue),
  environment: optional(aSecretObject),
};

/** Checks the options, and fills in the environment's values and the defaults. */
export function otlpHttpSettings<S extends SignalName>(options: OtlpHttpOptions<S>): OtlpHttpSettings<SignalItems[S]> {
  requireOtlpOptions(OWNER, options);
  const given = settingsOf<Given>(OWNER, OTLP_HTTP_DEFAULTS as Partial<Given>, OTLP_HTTP_RULES, options);
  const { maxRequestBytes, maxResponseBytes, resourceTimeoutMillis, dispatcher, socketPath } = given;
  const signal = signalOf(given.signal as S);
  const named = variablesOf(signal);
  const environment = new EnvironmentReader(given.environment ?? process.env);
  const { url, authorization } = endpointFor(given, signal, environment);
  if (socketPath === undefined) warnOfUsualPort(OWNER, url);
  const known = { ...(authorization && { authorization }), ...headersOfVariables(environment, named, HTTP_HEADERS) };
  return {
    ...{ signal, maxRequestBytes, maxResponseBytes, resourceTimeoutMillis, dispatcher, socketPath, url },
    where: socketPath === undefined ? shownUrl(url) : `${shownUrl(url)} at ${socketPath}`,
    headers: headerSource(`${OWNER}.headers`, known, given.headers, HTTP_HEADERS),
    encoding: given.encoding ?? encodingOf(environment, named) ?? 'protobuf',
    compression: given.compression ?? compressionOf(COMPRESSIONS, environment, named) ?? 'none',
    timeoutMillis: given.timeoutMillis ?? timeoutOf(environment, named) ?? 10_000,
    tls: tlsOf(given, environment, named),
    proxy: dispatcher === undefined && socketPath === undefined ? proxyFor(url, environment) : undefined,
    maxConnectionAgeMillis: given.maxConnectionAgeMillis ?? DEFAULT_MAX_CONNECTION_AGE_MILLIS,
    userAgent: userAgentOf(given.userAgent),
  };
}

/** A socket that the program names is not the backend that the variables name. */
function endpointFor(
  { url, socketPath }: Given,
  signal: Signal<never>,
  environment: EnvironmentReader,
): ReturnType<typeof requireEndpoint> {
  if (url !== undefined) return requireEndpoint(`${OWNER}.url`, url);
  return socketPath === undefined
    ? endpointOf(signal, environment)
    : requireEndpoint(`${OWNER}.url`, `http://localhost${signal.path}`);
}

function tlsOf({ tls, dispatcher }: Given, environment: EnvironmentReader, named: NamedVariables): TlsSource {
  if (tls !== undefined) return tlsSource(`${OWNER}.tls`, tls);
  return dispatcher === undefined ? tlsOfVariables(environment, named) : fixedTls({});
}
