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
import { signalOf } from '../../otlp/signals.ts';
import { requireEndpoint, shownUrl } from '../shared/configuration/endpoint.ts';
import { HTTP_HEADERS, headerSource } from '../shared/configuration/headers.ts';
import { aSignal, requireOtlpOptions } from '../shared/configuration/otlpOptions.ts';
import type { HttpSettings } from '../shared/http/request.ts';
import { OTLP_FETCH_DEFAULTS, type OtlpFetchOptions } from './options.ts';

/** `never`: whatever the signal. */
export interface OtlpFetchSettings<Item = never> extends HttpSettings<Item> {
  readonly keepalive: 'ifSmall' | 'never';
}

const OWNER = 'otlpFetch';
const DEFAULT_BASE = 'http://localhost:4318';
const FETCH_HEADERS = { ...HTTP_HEADERS, sink: OWNER };

type Options = OtlpFetchOptions<SignalName>;
type Given = Required<Omit<Options, 'url'>> & Pick<Options, 'url'>;

const compression: Rule = (value, option, call) => {
  oneOf('gzip', 'none')(value, option, call);
  if (value === 'gzip' && globalThis.CompressionStream === undefined)
    call.add(option, `'none' where the runtime has no CompressionStream`, value);
};

const OTLP_FETCH_RULES: Rules<Given> = {
  signal: aSignal,
  url: optional(passing((value, option) => requireEndpoint(option, absolute(value)))),
  headers: passing((value, option) => headerSource(option, {}, value, FETCH_HEADERS)),
  encoding: oneOf('protobuf', 'json'),
  compression,
  timeoutMillis: millis(1, 'orInfinity'),
  keepalive: oneOf('ifSmall', 'never'),
  maxRequestBytes: whole(1),
  maxResponseBytes: whole(1),
  resourceTimeoutMillis: millis(0),
};

const aFetch = must('called where the runtime has fetch', () => typeof globalThis.fetch === 'function');

/** Checks the options, and fills in the defaults. */
export function otlpFetchSettings<S extends SignalName>(
  options: OtlpFetchOptions<S>,
): OtlpFetchSettings<SignalItems[S]> {
  requireOtlpOptions(OWNER, options);
  requireRule(OWNER, typeof globalThis.fetch, aFetch);
  const given = settingsOf<Given>(OWNER, OTLP_FETCH_DEFAULTS, OTLP_FETCH_RULES, options);
  const { headers, url: asked, signal: name, ...rest } = given;
  const signal = signalOf(name as S);
  const { url, authorization } = requireEndpoint(`${OWNER}.url`, absolute(asked ?? `${DEFAULT_BASE}${signal.path}`));
  return {
    ...{ ...rest, signal, url, where: shownUrl(url) },
    headers: headerSource(
      `${OWNER}.headers`,
      authorization === undefined ? {} : { authorization },
      headers,
      FETCH_HEADERS,
    ),
    // Browsers do not let it be set, or ask the backend first whether it takes it.
    userAgent: undefined,
  };
}

/** Pages may name a path of their own origin. */
function absolute(url: unknown): unknown {
  const page: string | undefined = (globalThis as { location?: { href?: string } }).location?.href;
  return typeof url === 'string' && page !== undefined ? (URL.parse(url, page)?.href ?? url) : url;
}
