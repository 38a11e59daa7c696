import { type Environment, EnvironmentReader } from '../../internal/environment.ts';
import { warn } from '../../internal/tracingSuppression.ts';
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
  whole,
} from '../../internal/validation.ts';
import type { SignalItems, SignalName } from '../../model/signal.ts';
import { type NamedVariables, signalOf, variablesOf } from '../../otlp/signals.ts';
import { endpointOf, requireEndpoint, shownUrl } from '../shared/configuration/endpoint.ts';
import { HTTP_HEADERS, headerSource, headersOfVariables, isHeaderValue } from '../shared/configuration/headers.ts';
import { compressionOf, encodingOf, timeoutOf } from '../shared/configuration/httpVariables.ts';
import { aSecretObject, aSignal, requireOtlpOptions, userAgentOf } from '../shared/configuration/otlpOptions.ts';
import { warnOfUsualPort } from '../shared/configuration/usualPorts.ts';
import type { Compression } from '../shared/http/contentCoding.ts';
import type { HttpSettings } from '../shared/http/request.ts';
import { canCompress } from './compressed.ts';
import { OTLP_FETCH_DEFAULTS, type OtlpFetchOptions } from './options.ts';

/** `never`: whatever the signal. */
export interface OtlpFetchSettings<Item = never> extends HttpSettings<Item> {
  readonly keepalive: 'ifSmall' | 'never';
}

const OWNER = 'otlpFetch';
const FETCH_HEADERS = { ...HTTP_HEADERS, sink: OWNER };
const COMPRESSIONS = ['gzip', 'zstd', 'none'] as const;

type Options = OtlpFetchOptions<SignalName>;
type Undecided = 'url' | 'encoding' | 'compression' | 'timeoutMillis' | 'environment';
type Given = Pick<Options, Undecided> & Required<Omit<Options, Undecided>>;

const compression: Rule = (value, option, call) => {
  oneOf(...COMPRESSIONS)(value, option, call);
  if ((value === 'gzip' || value === 'zstd') && !canCompress(value))
    call.add(option, `${possible()}: the runtime's CompressionStream has no ${value}`, value);
};

const OTLP_FETCH_RULES: Rules<Given> = {
  signal: aSignal,
  url: optional(passing((value, option) => requireEndpoint(option, absolute(value)))),
  headers: passing((value, option) => headerSource(option, {}, value, FETCH_HEADERS)),
  encoding: optional(oneOf('protobuf', 'json')),
  compression: optional(compression),
  timeoutMillis: optional(millis(1, 'orInfinity')),
  keepalive: oneOf('ifSmall', 'never'),
  maxRequestBytes: whole(1),
  maxResponseBytes: whole(1),
  resourceTimeoutMillis: millis(0),
  userAgent: must('a string that HTTP allows in a header', isHeaderValue),
  environment: optional(aSecretObject),
};

const aFetch = must('called where the runtime has fetch', () => typeof globalThis.fetch === 'function');

/** Checks the options, and fills in the environment's values and the defaults. */
export function otlpFetchSettings<S extends SignalName>(
  options: OtlpFetchOptions<S>,
): OtlpFetchSettings<SignalItems[S]> {
  requireOtlpOptions(OWNER, options);
  requireRule(OWNER, typeof globalThis.fetch, aFetch);
  const given = settingsOf<Given>(OWNER, OTLP_FETCH_DEFAULTS as Partial<Given>, OTLP_FETCH_RULES, options);
  const { keepalive, maxRequestBytes, maxResponseBytes, resourceTimeoutMillis } = given;
  const signal = signalOf(given.signal as S);
  const named = variablesOf(signal);
  const environment = new EnvironmentReader(given.environment ?? ofTheProcess());
  const { url, authorization } =
    given.url === undefined ? endpointOf(signal, environment) : requireEndpoint(`${OWNER}.url`, absolute(given.url));
  warnOfUsualPort(OWNER, url);
  warnOfCertificates(environment, named);
  const known = { ...(authorization && { authorization }), ...headersOfVariables(environment, named, FETCH_HEADERS) };
  return {
    ...{ signal, url, where: shownUrl(url), keepalive, maxRequestBytes, maxResponseBytes, resourceTimeoutMillis },
    headers: headerSource(`${OWNER}.headers`, known, given.headers, FETCH_HEADERS),
    encoding: given.encoding ?? encodingOf(environment, named) ?? 'protobuf',
    compression: given.compression ?? compressionOf(possibleCompressions(), environment, named) ?? 'none',
    timeoutMillis: given.timeoutMillis ?? timeoutOf(environment, named) ?? 10_000,
    userAgent: isBrowser() ? undefined : userAgentOf(given.userAgent),
  };
}

/** Browsers have no variables. Deno has, and throws where the program was not allowed to read them: that is as if there were none. */
function ofTheProcess(): Environment {
  try {
    const variables: Environment = globalThis.process?.env ?? {};
    void variables.OTEL_EXPORTER_OTLP_ENDPOINT;
    return variables;
  } catch {
    return {};
  }
}

function possibleCompressions(): Compression[] {
  return COMPRESSIONS.filter((each) => each === 'none' || canCompress(each));
}

function possible(): string {
  const names = possibleCompressions().map((each) => `'${each}'`);
  return `${names.length > 1 ? 'one of ' : ''}${names.join(', ')}`;
}

function warnOfCertificates(environment: EnvironmentReader, named: NamedVariables): void {
  for (const name of ['CERTIFICATE', 'CLIENT_CERTIFICATE', 'CLIENT_KEY'].flatMap(named)) {
    if (environment.text(name) === undefined) continue;
    warn(`spanflow: ${name} is not used by ${OWNER}: fetch has the TLS settings of its runtime, otlpHttp has its own`);
  }
}

/** Browsers do not let the header be set, or ask the backend first whether it takes it. All of them, and only they, have called themselves by this name for as long as there are browsers. */
function isBrowser(): boolean {
  return globalThis.navigator?.userAgent?.startsWith('Mozilla/') ?? false;
}

/** Pages may name a path of their own origin. */
function absolute(url: unknown): unknown {
  const page: string | undefined = (globalThis as { location?: { href?: string } }).location?.href;
  return typeof url === 'string' && page !== undefined ? (URL.parse(url, page)?.href ?? url) : url;
}
