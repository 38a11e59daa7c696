import type { EnvironmentReader } from '../../../internal/environment.ts';
import { InvalidOptionError } from '../../../model/errors.ts';
import type { SinkComponent } from '../../../model/sink.ts';
import type { NamedVariables } from '../../../otlp/signals.ts';
import { serverOf } from '../otlpComponent.ts';
import { parseEndpoint, shownHostOf } from './endpoint.ts';
import { kindOf } from './secret.ts';

/** Where calls go. */
export interface GrpcEndpoint {
  /** In the form of gRPC's own targets. */
  readonly target: string;
  /** As messages show it: without credentials. */
  readonly shown: string;
  /** Scheme, host and port, for the rules of proxies. `undefined` for a Unix socket. */
  readonly url: URL | undefined;
  readonly isSecure: boolean;
  /** The credentials of the URL, as a header's value. */
  readonly authorization: string | undefined;
  /** Whether the URL has a path or a query, which gRPC does not use. */
  readonly hasPath: boolean;
}

const RULE = 'an http:// or https:// URL, host:port, or unix:path';
const DEFAULT_ENDPOINT = 'http://localhost:4317';

/** `host:port` or `[address]:port`, alone or behind gRPC's scheme for names. */
const HOST_AND_PORT = /^(?:dns:(?:\/\/\/)?)?((?:\[[\da-f:.%]+\]|[\w.-]+):\d{1,5})$/i;
/** A socket of this machine needs no TLS. */
const PLAIN = { url: undefined, isSecure: false, authorization: undefined, hasPath: false };
/** As gRPC takes them: `unix:path`, `unix:/path` and `unix:///path`. */
const UNIX_SOCKET = /^unix:(?:\/\/(?=\/))?([^/].*|\/[^/].*)$/;

/**
 * The endpoint of an option.
 *
 * @param isInsecure what the variables say of endpoints without a scheme
 */
export function requireGrpcEndpoint(option: string, given: unknown, isInsecure: boolean): GrpcEndpoint {
  // Not `instanceof URL`: it may come from another realm.
  const text = typeof given === 'string' ? given : (given as Partial<URL> | null)?.href;
  if (typeof text !== 'string') throw new InvalidOptionError(option, RULE, kindOf(given));
  const endpoint = parse(text.trim(), isInsecure);
  if (endpoint === undefined) throw new InvalidOptionError(option, RULE, shownHostOf(text));
  return endpoint;
}

/** The endpoint of the variables: that of the signal, else that of all signals, else OTLP's default. */
export function grpcEndpointOf(named: NamedVariables, environment: EnvironmentReader): GrpcEndpoint {
  const isInsecure = isInsecureIn(named, environment);
  const ignored: string[] = [];
  let endpoint: GrpcEndpoint | undefined;
  for (const name of named('ENDPOINT')) {
    const text = environment.text(name);
    if (text === undefined || endpoint !== undefined) continue;
    endpoint = parse(text, isInsecure);
    if (endpoint === undefined) ignored.push(name);
  }
  endpoint ??= parse(DEFAULT_ENDPOINT, isInsecure) as GrpcEndpoint;
  // The items may contain what only the intended backend should see.
  for (const name of ignored) environment.warn(name, RULE, `telemetry goes to ${endpoint.shown} instead`);
  return endpoint;
}

/** Where it is, as a sink says it. */
export function grpcServerOf({ url, target }: GrpcEndpoint): Pick<SinkComponent, 'serverAddress' | 'serverPort'> {
  return url === undefined ? { serverAddress: target.replace(/^unix:/, '') } : serverOf(url);
}

/** Whether endpoints without a scheme are reached without TLS. Of a variable that is a boolean, the specification takes everything but "true" for false. */
export function isInsecureIn(named: NamedVariables, environment: EnvironmentReader): boolean {
  const read = (text: string) => /^true$/i.test(text) || (/^false$/i.test(text) ? false : undefined);
  return environment.parsed(read, 'true or false', ...named('INSECURE')) ?? false;
}

function parse(text: string, isInsecure: boolean): GrpcEndpoint | undefined {
  const [, path] = UNIX_SOCKET.exec(text) ?? [];
  if (path !== undefined) return { target: `unix:${path}`, shown: `unix:${path}`, ...PLAIN };
  const [, hostAndPort] = HOST_AND_PORT.exec(text) ?? [];
  const found = parseEndpoint(hostAndPort === undefined ? text : `${isInsecure ? 'http' : 'https'}://${hostAndPort}`);
  if (found === undefined) return undefined;
  const { url, authorization } = found;
  const isSecure = url.protocol === 'https:';
  const hasPath = url.pathname !== '/' || url.search !== '';
  const target = `dns:${url.hostname}:${url.port || (isSecure ? 443 : 80)}`;
  return { target, shown: url.origin, url, isSecure, authorization, hasPath };
}
