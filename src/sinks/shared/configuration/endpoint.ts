import { Buffer } from '../../../internal/buffer.ts';
import type { EnvironmentReader } from '../../../internal/environment.ts';
import { InvalidOptionError } from '../../../model/errors.ts';
import { type Signal, variablesOf } from '../../../otlp/signals.ts';
import { kindOf } from './secret.ts';

/** Where requests go, and the credentials that the URL had. */
export interface Endpoint {
  /** Without credentials and fragment: neither travels in an HTTP request. */
  readonly url: URL;
  /** The credentials of the URL, as a header's value. */
  readonly authorization: string | undefined;
}

const URL_RULE = 'an http:// or https:// URL';
const DEFAULT_BASE = 'http://localhost:4318';

/** The endpoint of an option. A refused value may hold a secret anywhere, so at most its scheme and host are shown. */
export function requireEndpoint(option: string, given: unknown): Endpoint {
  // Not `instanceof URL`: it may come from another realm.
  const text = typeof given === 'string' ? given : (given as Partial<URL> | null)?.href;
  if (typeof text !== 'string') throw new InvalidOptionError(option, URL_RULE, kindOf(given));
  const endpoint = parseEndpoint(text);
  if (endpoint === undefined) throw new InvalidOptionError(option, URL_RULE, shownHostOf(text));
  return endpoint;
}

/**
 * The endpoint of the variables: that of the signal as it is, else that of all signals with the signal's path (`/v1/traces`), else OTLP's default. The warning about an ignored variable says where
 * the items go instead: they may contain what only the intended backend should see.
 */
export function endpointOf({ path, ...signal }: Signal<never>, environment: EnvironmentReader): Endpoint {
  const [ofSignal = '', ofAll = ''] = variablesOf(signal)('ENDPOINT');
  const ignored: string[] = [];
  const read = (name: string, parse: (text: string) => Endpoint | undefined) => {
    const text = environment.text(name);
    const endpoint = text === undefined ? undefined : parse(text);
    if (text !== undefined && endpoint === undefined) ignored.push(name);
    return endpoint;
  };
  const endpoint =
    read(ofSignal, parseEndpoint) ?? read(ofAll, (text) => parseBase(text, path)) ?? defaultEndpoint(path);
  for (const name of ignored)
    environment.warn(name, URL_RULE, `${signal.fields.noun}s go to ${shownUrl(endpoint.url)} instead`);
  return endpoint;
}

/** The URL as messages show it: without the query, which may hold a key. */
export function shownUrl({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

/** The credentials of a URL as the value of a header, `Basic …` (RFC 7617). */
export function basicOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  return `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')}`;
}

export function isHttp(url: URL | null): url is URL {
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:');
}

function defaultEndpoint(path: string): Endpoint {
  return { url: new URL(`${DEFAULT_BASE}${path}`), authorization: undefined };
}

/** `undefined` for what is no such URL. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const url = URL.parse(text);
  if (!isHttp(url)) return undefined;
  const authorization = basicOf(url);
  url.username = '';
  url.password = '';
  url.hash = '';
  return { url, authorization };
}

function parseBase(text: string, path: string): Endpoint | undefined {
  const endpoint = parseEndpoint(text);
  if (endpoint !== undefined) endpoint.url.pathname = `${endpoint.url.pathname.replace(/\/$/, '')}${path}`;
  return endpoint;
}

/** A percent sign that encodes nothing stands for itself: URLs allow it. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Scheme and host of a refused URL, if they certainly are that: `token:…` and a password with a slash can look like them. */
export function shownHostOf(text: string): string {
  const url = URL.parse(text);
  if (url === null) return 'a string that is no URL';
  const { protocol, host, pathname, search, hash } = url;
  const isSure = host !== '' && !`${pathname}${search}${hash}`.includes('@');
  return isSure ? `${protocol}//${host}` : 'a string without http:// or https://';
}
