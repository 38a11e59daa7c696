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

/** The sink itself sets these: they describe the body, its transfer, and the sender (the option `userAgent`). */
const OWN_HEADERS: readonly string[] = [
  ...['content-type', 'content-length', 'content-encoding', 'transfer-encoding', 'connection', 'host'],
  ...['user-agent', 'expect', 'keep-alive', 'upgrade'],
];

const SHAPE_RULE = 'an object of names and values, or a function that gives one';
const HEADER_RULE = `a header that HTTP allows, and none of ${OWN_HEADERS.join(', ')}`;

/** Merges the given headers over those of the environment (by lower-case name). The value of a header may be a secret, and no message shows it. */
export function headerSource(option: string, known: Readonly<Record<string, string>>, given: unknown): HeaderSource {
  if (typeof given === 'function') {
    return async () => ({ ...known, ...lowerCased(await allFrom(given as () => unknown)) });
  }
  requireHeaders(option, given);
  const merged = Object.entries({ ...known, ...lowerCased(given) });
  return async () => {
    const headers: Record<string, string> = {};
    for (const [name, value] of merged)
      headers[name] = typeof value === 'function' ? await valueFrom(name, value) : value;
    return headers;
  };
}

/** Reads `key=value,key=value`, URL-encoded. Headers of the signal override the general ones. */
export function headersOfVariables(
  environment: EnvironmentReader,
  named: (variable: string) => readonly string[],
): Record<string, string> {
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

export function isHeaderValue(value: unknown): value is string {
  return typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}

function requireHeaders(option: string, headers: unknown): asserts headers is Readonly<Record<string, HeaderValue>> {
  if (!isRecord(headers)) throw new InvalidOptionError(option, SHAPE_RULE, kindOf(headers));
  for (const [name, value] of Object.entries(headers)) {
    if (isHeader(name, typeof value === 'function' ? '' : value)) continue;
    throw new InvalidOptionError(`${option}[${JSON.stringify(name)}]`, HEADER_RULE, typeof value);
  }
}

/** Excludes a promise, a `Headers` and a `Map`: they have no properties of their own, and would count as no headers at all. */
function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  return !(Symbol.iterator in value) && typeof (value as { then?: unknown }).then !== 'function';
}

/** The grammar of RFC 9110: a token, and a value without control characters. */
function isHeader(name: string, value: unknown): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(name) && isHeaderValue(value) && !OWN_HEADERS.includes(name.toLowerCase());
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

async function allFrom(ask: () => unknown): Promise<Readonly<Record<string, string>>> {
  const headers = await resultOf('the headers', ask);
  if (!isRecord(headers)) throw retryable('the function for all headers gave no object of names and values');
  for (const [name, value] of Object.entries(headers)) {
    if (!isHeader(name, value))
      throw retryable(`the header ${JSON.stringify(name)} is not allowed by HTTP or otlpHttp`);
  }
  return headers as Readonly<Record<string, string>>;
}

async function valueFrom(name: string, ask: () => unknown): Promise<string> {
  const text = await resultOf(`the header ${name}`, ask);
  if (isHeaderValue(text)) return text;
  throw retryable(`the header ${name} has a value that HTTP forbids`);
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
