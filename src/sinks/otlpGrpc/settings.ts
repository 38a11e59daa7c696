import { EnvironmentReader } from '../../internal/environment.ts';
import { warn } from '../../internal/tracingSuppression.ts';
import {
  millis,
  must,
  optional,
  passing,
  type Rule,
  type Rules,
  settingsOf,
  whole,
} from '../../internal/validation.ts';
import type { SignalItems, SignalName } from '../../model/signal.ts';
import { type Signal, signalOf, variablesOf } from '../../otlp/signals.ts';
import {
  type GrpcEndpoint,
  grpcEndpointOf,
  isInsecureIn,
  requireGrpcEndpoint,
} from '../shared/configuration/grpcEndpoint.ts';
import {
  GRPC_METADATA,
  type HeaderSource,
  headerSource,
  headersOfVariables,
  type MetadataRequest,
} from '../shared/configuration/headers.ts';
import { aSecretObject, aSignal, requireOtlpOptions, userAgentOf } from '../shared/configuration/otlpOptions.ts';
import { type ProxySettings, proxyFor } from '../shared/configuration/proxy.ts';
import { type TlsSource, tlsSource } from '../shared/configuration/tls.ts';
import { tlsOfVariables } from '../shared/configuration/tlsFiles.ts';
import { warnOfUsualPort } from '../shared/configuration/usualPorts.ts';
import { OTLP_GRPC_DEFAULTS, type OtlpGrpcOptions } from './options.ts';

/** What a connection depends on, whatever the signal. */
export interface ChannelSettings {
  readonly endpoint: GrpcEndpoint;
  readonly compression: 'gzip' | 'none';
  readonly tls: TlsSource;
  readonly proxy: ProxySettings | undefined;
  readonly keepaliveMillis: number;
  readonly maxConnectionAgeMillis: number;
  readonly maxResponseBytes: number;
  readonly userAgent: string;
}

/** `never`: whatever the signal. */
export interface OtlpGrpcSettings<Item = never> extends ChannelSettings {
  readonly signal: Signal<Item>;
  readonly headers: HeaderSource<[call: MetadataRequest]>;
  readonly timeoutMillis: number;
  readonly maxRequestBytes: number;
  readonly resourceTimeoutMillis: number;
}

const OWNER = 'otlpGrpc';

type Undecided = 'url' | 'compression' | 'timeoutMillis' | 'tls' | 'environment';
type Options = OtlpGrpcOptions<SignalName>;
type Given = Pick<Options, Undecided> & Required<Omit<Options, Undecided>>;

const gzipOrNone: Rule = (value, option, call) => {
  const allowed = "one of 'gzip', 'none'";
  const rule = value === 'zstd' ? `${allowed}: @grpc/grpc-js has no zstd, otlpHttp has it` : allowed;
  must(rule, (given) => given === 'gzip' || given === 'none')(value, option, call);
};

const OTLP_GRPC_RULES: Rules<Given> = {
  signal: aSignal,
  url: optional(passing((value, option) => requireGrpcEndpoint(option, value, false))),
  headers: passing((value, option) => headerSource(option, {}, value, GRPC_METADATA)),
  compression: optional(gzipOrNone),
  timeoutMillis: optional(millis(1, 'orInfinity')),
  tls: optional(passing((value, option) => tlsSource(option, value))),
  keepaliveMillis: millis(1, 'orInfinity'),
  maxConnectionAgeMillis: millis(0, 'orInfinity'),
  maxRequestBytes: whole(1),
  maxResponseBytes: whole(1),
  resourceTimeoutMillis: millis(0),
  userAgent: must('a string of printable ASCII', GRPC_METADATA.isValue),
  environment: optional(aSecretObject),
};

/** Checks the options, and fills in the environment's values and the defaults. */
export function otlpGrpcSettings<S extends SignalName>(options: OtlpGrpcOptions<S>): OtlpGrpcSettings<SignalItems[S]> {
  requireOtlpOptions(OWNER, options);
  const given = settingsOf<Given>(OWNER, OTLP_GRPC_DEFAULTS as Partial<Given>, OTLP_GRPC_RULES, options);
  const { keepaliveMillis, maxConnectionAgeMillis, maxRequestBytes, maxResponseBytes, resourceTimeoutMillis } = given;
  const signal = signalOf(given.signal as S);
  const named = variablesOf(signal);
  const environment = new EnvironmentReader(given.environment ?? process.env);
  const endpoint =
    given.url === undefined
      ? grpcEndpointOf(named, environment)
      : requireGrpcEndpoint(`${OWNER}.url`, given.url, isInsecureIn(named, environment));
  const { url, authorization, hasPath } = endpoint;
  // Neither is shown: they may hold a key.
  if (hasPath) warn(`spanflow: ${OWNER} ignores the path and the query of its endpoint: gRPC has paths of its own`);
  if (url !== undefined) warnOfUsualPort(OWNER, url);
  const known = { ...(authorization && { authorization }), ...headersOfVariables(environment, named, GRPC_METADATA) };
  return {
    ...{ signal, endpoint, keepaliveMillis, maxConnectionAgeMillis },
    ...{ maxRequestBytes, maxResponseBytes, resourceTimeoutMillis },
    headers: headerSource(`${OWNER}.headers`, known, given.headers, GRPC_METADATA),
    compression: given.compression ?? environment.oneOf(['gzip', 'none'], ...named('COMPRESSION')) ?? 'none',
    timeoutMillis: given.timeoutMillis ?? environment.timeoutMillis(...named('TIMEOUT')) ?? 10_000,
    tls: given.tls === undefined ? tlsOfVariables(environment, named) : tlsSource(`${OWNER}.tls`, given.tls),
    proxy: url && usableProxy(proxyFor(url, environment)),
    userAgent: userAgentOf(given.userAgent),
  };
}

/** What `@grpc/grpc-js` can ask for a tunnel: a proxy that is reached without TLS. */
function usableProxy(proxy: ProxySettings | undefined): ProxySettings | undefined {
  if (proxy === undefined || proxy.url.protocol === 'http:') return proxy;
  warn(`spanflow: ${OWNER} does not use the proxy ${proxy.url.origin}: gRPC reaches proxies by http:// only`);
  return undefined;
}
