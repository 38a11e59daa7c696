import type { EnvironmentReader } from '../../../internal/environment.ts';
import { untraced } from '../../../internal/tracingSuppression.ts';
import { InvalidOptionError, messageOf } from '../../../model/errors.ts';
import { escaped } from '../../../model/escaped.ts';
import { ExportError } from '../../../model/sink.ts';
import { kindOf } from './secret.ts';

/** The request that headers are asked for. */
export interface HeadersRequest {
  /** Always `POST`. */
  readonly method: 'POST';
  /** With its query. */
  readonly url: string;
  /** What the sink itself sends beside the headers that it asks for, by names in lower case: `content-type`, `content-length`, `content-encoding`, `user-agent`, as far as they are sent. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * The bytes as they are sent: encoded, and compressed if the sink compresses. It may be the memory of the request itself, which is used for other requests later: read it before the function
   * returns or its promise settles, change nothing, and keep nothing of it. Whoever does not ask for it pays nothing for it.
   */
  readonly body: Uint8Array;
  /** `401` where the backend has just refused this very batch with the headers of before, so that a token that is kept should be fetched anew; otherwise `undefined`. */
  readonly refused: 401 | undefined;
}

/** The call of gRPC that metadata is asked for. Its message cannot be seen: gRPC compresses and frames it later. */
export interface MetadataRequest {
  /** `UNAUTHENTICATED` where the backend has just refused this very batch with the metadata of before, so that a token that is kept should be fetched anew; otherwise `undefined`. */
  readonly refused: 'UNAUTHENTICATED' | undefined;
}

/** A value, or a function that is asked for each request. */
export type AskedHeader<About extends readonly unknown[]> = string | ((...about: About) => string | Promise<string>);

/** Headers by their names, or one function that is asked for all of them for each request. */
export type AskedHeaders<About extends readonly unknown[]> =
  | Readonly<Record<string, AskedHeader<About>>>
  | ((...about: About) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);

/** A header's value, or a function that returns it for each request: a token that expires, for example, or a signature of the body. */
export type HeaderValue = AskedHeader<[request: HeadersRequest]>;

/** Headers by their names, or one function that returns all of them for each request. */
export type HeadersOption = AskedHeaders<[request: HeadersRequest]>;

/** The headers of requests. */
export interface HeaderSource<About extends readonly unknown[] = []> {
  /** Whether a function is asked for any of them, so that they may be others the next time. */
  readonly isAsked: boolean;
  /** Resolves with the headers of one request, names in lower case. It fails as `retryable`: a token may be available at the next attempt. */
  current(...about: About): Promise<Readonly<Record<string, string>>>;
}

/** What a protocol allows as a header. */
export interface HeaderRules {
  readonly protocol: 'HTTP' | 'gRPC';
  /** Which sets some headers itself. */
  readonly sink: string;
  /** What a header must be, in words. */
  readonly rule: string;
  isName(name: string): boolean;
  isValue(value: unknown): value is string;
}

/** The sink itself sets these: they describe the body, its transfer, and the sender (the option `userAgent`). */
const OWN_HEADERS: readonly string[] = [
  ...['content-type', 'content-length', 'content-encoding', 'transfer-encoding', 'connection', 'host'],
  ...['user-agent', 'expect', 'keep-alive', 'upgrade'],
];

const SHAPE_RULE = 'an object of names and values, or a function that gives one';

/** The grammar of RFC 9110: a token, and a value without control characters. */
export const HTTP_HEADERS: HeaderRules = {
  protocol: 'HTTP',
  sink: 'otlpHttp',
  rule: `a header that HTTP allows, and none of ${OWN_HEADERS.join(', ')}`,
  isName: (name) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && !OWN_HEADERS.includes(name.toLowerCase()),
  isValue: isHeaderValue,
};

/** HTTP/2 (RFC 9113, 8.2.2) and gRPC itself use these, besides all that begin with `grpc-`. */
const OWN_METADATA: readonly string[] = [...OWN_HEADERS, 'accept-encoding', 'te', 'proxy-connection', 'http2-settings'];

/** The grammar of gRPC's `Custom-Metadata`, without the binary form: names of `-bin` have values that are no text. */
export const GRPC_METADATA: HeaderRules = {
  protocol: 'gRPC',
  sink: 'otlpGrpc',
  rule: `metadata with a value of printable ASCII, whose name has letters, digits, "_", "." and "-", does not begin with "grpc-", does not end with "-bin", and is none of ${OWN_METADATA.join(', ')}`,
  isName: (name) => /^(?!grpc-)(?!.*-bin$)[0-9a-z_.-]+$/i.test(name) && !OWN_METADATA.includes(name.toLowerCase()),
  isValue: (value): value is string => typeof value === 'string' && /^[\x20-\x7e]*$/.test(value),
};

/** Merges the given headers over those of the environment (by lower-case name). The value of a header may be a secret, and no message shows it. */
export function headerSource<About extends readonly unknown[]>(
  option: string,
  known: Readonly<Record<string, string>>,
  given: unknown,
  rules: HeaderRules,
): HeaderSource<About> {
  if (typeof given === 'function') {
    const all = (about: About) => allFrom(() => given(...about), rules);
    return { isAsked: true, current: async (...about) => ({ ...known, ...lowerCased(await all(about)) }) };
  }
  requireHeaders<About>(option, given, rules);
  const merged = Object.entries({ ...known, ...lowerCased(given) });
  return {
    isAsked: merged.some(([, value]) => typeof value === 'function'),
    current: async (...about) => {
      const headers: Record<string, string> = {};
      for (const [name, value] of merged)
        headers[name] = typeof value === 'function' ? await valueFrom(name, () => value(...about), rules) : value;
      return headers;
    },
  };
}

/** Reads `key=value,key=value`, URL-encoded. Headers of the signal override the general ones. */
export function headersOfVariables(
  environment: EnvironmentReader,
  named: (variable: string) => readonly string[],
  rules: HeaderRules,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of [...named('HEADERS')].reverse()) {
    for (const pair of environment.text(name)?.split(',') ?? []) {
      const [key, value] = decodedPair(pair);
      if (isHeader(key, value, rules)) headers[key.toLowerCase()] = value;
      else if (pair.trim() !== '')
        environment.warn(name, `a list of key=value, of names and values that ${rules.protocol} allows`);
    }
  }
  return headers;
}

export function isHeaderValue(value: unknown): value is string {
  return typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}

function requireHeaders<About extends readonly unknown[]>(
  option: string,
  headers: unknown,
  rules: HeaderRules,
): asserts headers is Readonly<Record<string, AskedHeader<About>>> {
  if (!isRecord(headers)) throw new InvalidOptionError(option, SHAPE_RULE, kindOf(headers));
  for (const [name, value] of Object.entries(headers)) {
    if (isHeader(name, typeof value === 'function' ? '' : value, rules)) continue;
    throw new InvalidOptionError(`${option}[${JSON.stringify(name)}]`, rules.rule, typeof value);
  }
}

/** Excludes a promise, a `Headers` and a `Map`: they have no properties of their own, and would count as no headers at all. */
function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  return !(Symbol.iterator in value) && typeof (value as { then?: unknown }).then !== 'function';
}

function isHeader(name: string, value: unknown, rules: HeaderRules): boolean {
  return rules.isName(name) && rules.isValue(value);
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

async function allFrom(ask: () => unknown, rules: HeaderRules): Promise<Readonly<Record<string, string>>> {
  const headers = await resultOf('the headers', ask);
  if (!isRecord(headers)) throw retryable('the function for all headers gave no object of names and values');
  for (const [name, value] of Object.entries(headers)) {
    if (!isHeader(name, value, rules)) {
      throw retryable(`the header ${JSON.stringify(name)} is not allowed by ${rules.protocol} or ${rules.sink}`);
    }
  }
  return headers as Readonly<Record<string, string>>;
}

async function valueFrom(name: string, ask: () => unknown, rules: HeaderRules): Promise<string> {
  const text = await resultOf(`the header ${name}`, ask);
  if (rules.isValue(text)) return text;
  throw retryable(`the header ${name} has a value that ${rules.protocol} forbids`);
}

async function resultOf(what: string, ask: () => unknown): Promise<unknown> {
  try {
    return await untraced(ask);
  } catch (thrown) {
    throw retryable(`${what} could not be made: ${escaped(messageOf(thrown))}`, thrown);
  }
}

function retryable(message: string, cause?: unknown): ExportError {
  return new ExportError({ kind: 'retryable' }, message, cause === undefined ? {} : { cause });
}

function lowerCased<V>(headers: Readonly<Record<string, V>>): Record<string, V> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
