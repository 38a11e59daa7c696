import type { EnvironmentReader } from '../../../internal/environment.ts';
import { untraced } from '../../../internal/tracingSuppression.ts';
import { InvalidOptionError, messageOf } from '../../../model/errors.ts';
import { escaped } from '../../../model/escaped.ts';
import { ExportError } from '../../../model/sink.ts';
import { kindOf } from './secret.ts';

/** A header's value, or a function that returns it for each attempt: for a token that expires, for example. */
export type HeaderValue = string | (() => string | Promise<string>);

/** Headers by their names, or one function that returns all of them for each attempt. */
export type HeadersOption =
  | Readonly<Record<string, HeaderValue>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);

/** Resolves with the headers of one attempt, names in lower case. It fails as `retryable`: a token may be available at the next attempt. */
export type HeaderSource = () => Promise<Readonly<Record<string, string>>>;

/** What a protocol allows as a header. */
export interface HeaderRules {
  readonly protocol: 'HTTP' | 'gRPC';
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
  rule: `a header that HTTP allows, and none of ${OWN_HEADERS.join(', ')}`,
  isName: (name) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && !OWN_HEADERS.includes(name.toLowerCase()),
  isValue: isHeaderValue,
};

/** HTTP/2 (RFC 9113, 8.2.2) and gRPC itself use these, besides all that begin with `grpc-`. */
const OWN_METADATA: readonly string[] = [...OWN_HEADERS, 'accept-encoding', 'te', 'proxy-connection', 'http2-settings'];

/** The grammar of gRPC's `Custom-Metadata`, without the binary form: names of `-bin` have values that are no text. */
export const GRPC_METADATA: HeaderRules = {
  protocol: 'gRPC',
  rule: `metadata with a value of printable ASCII, whose name has letters, digits, "_", "." and "-", does not begin with "grpc-", does not end with "-bin", and is none of ${OWN_METADATA.join(', ')}`,
  isName: (name) => /^(?!grpc-)(?!.*-bin$)[0-9a-z_.-]+$/i.test(name) && !OWN_METADATA.includes(name.toLowerCase()),
  isValue: (value): value is string => typeof value === 'string' && /^[\x20-\x7e]*$/.test(value),
};

/** Merges the given headers over those of the environment (by lower-case name). The value of a header may be a secret, and no message shows it. */
export function headerSource(
  option: string,
  known: Readonly<Record<string, string>>,
  given: unknown,
  rules: HeaderRules = HTTP_HEADERS,
): HeaderSource {
  if (typeof given === 'function') {
    return async () => ({ ...known, ...lowerCased(await allFrom(given as () => unknown, rules)) });
  }
  requireHeaders(option, given, rules);
  const merged = Object.entries({ ...known, ...lowerCased(given) });
  return async () => {
    const headers: Record<string, string> = {};
    for (const [name, value] of merged)
      headers[name] = typeof value === 'function' ? await valueFrom(name, value, rules) : value;
    return headers;
  };
}

/** Reads `key=value,key=value`, URL-encoded. Headers of the signal override the general ones. */
export function headersOfVariables(
  environment: EnvironmentReader,
  named: (variable: string) => readonly string[],
  rules: HeaderRules = HTTP_HEADERS,
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

function requireHeaders(
  option: string,
  headers: unknown,
  rules: HeaderRules,
): asserts headers is Readonly<Record<string, HeaderValue>> {
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
      const sink = rules.protocol === 'HTTP' ? 'otlpHttp' : 'otlpGrpc';
      throw retryable(`the header ${JSON.stringify(name)} is not allowed by ${rules.protocol} or ${sink}`);
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
