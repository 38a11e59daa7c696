import type { BlockList } from 'node:net';
import type { EnvironmentReader } from '../../../internal/environment.ts';
import { basicOf, isHttp } from './endpoint.ts';

/** The proxy that requests go through. */
export interface ProxySettings {
  /** Scheme, host and port. */
  readonly url: URL;
  /** Its credentials, as the value of `proxy-authorization`. */
  readonly authorization: string | undefined;
}

const PROXY_RULE = 'the http:// or https:// URL of a proxy';
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/** Names in lower case first, even when empty. */
const FOR_HTTP = ['http_proxy', 'HTTP_PROXY'] as const;
const FOR_HTTPS = ['https_proxy', 'HTTPS_PROXY'] as const;

type Variable = NonNullable<ReturnType<EnvironmentReader['firstPresent']>>;

/**
 * The proxy for a URL by `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, with the precedence of undici, and so of Node's own `fetch`;
 * for `https:` targets without a proxy of their own, that for `http:`. An invalid value is warned about and ignored.
 */
export function proxyFor(target: URL, environment: EnvironmentReader): ProxySettings | undefined {
  const names = target.protocol === 'https:' ? [FOR_HTTPS, FOR_HTTP] : [FOR_HTTP];
  const variables = names.flatMap((either) => environment.firstPresent(...either) ?? []);
  const given = variables.filter(({ value }) => value !== '');
  return given.length === 0 || isReachedDirectly(target, environment) ? undefined : firstValid(given, environment);
}

function isReachedDirectly(target: URL, environment: EnvironmentReader): boolean {
  const host = bareHostOf(target);
  const noProxy = environment.firstPresent('no_proxy', 'NO_PROXY')?.value ?? '';
  return isLoopback(host) || isExempt(host, target.port || DEFAULT_PORTS[target.protocol], noProxy);
}

function firstValid(variables: readonly Variable[], environment: EnvironmentReader): ProxySettings | undefined {
  for (const { name, value } of variables) {
    const url = URL.parse(value.includes('://') ? value : withScheme(value));
    if (isHttp(url)) return { url: new URL(url.origin), authorization: basicOf(url) };
    environment.warn(name, PROXY_RULE);
  }
  return undefined;
}

/** Accepts `proxy.example:3128`, which is common. A name without a port is more likely a mistake. */
function withScheme(value: string): string {
  return /:\d+\/?$/.test(value) ? `http://${value}` : value;
}

/** The host without the brackets of an IPv6 address, and without the final dot of an absolute name. */
function bareHostOf(url: URL): string {
  return url.hostname.replace(/^\[(.+)\]$/, '$1').replace(/(.)\.$/, '$1');
}

/** Loopback is never reached through a proxy, as in Go: a proxy on another host would reach its own loopback. */
function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const loopback = new (net().BlockList)();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');
  return isWithin(loopback, host);
}

function isWithin(list: BlockList, host: string): boolean {
  const version = net().isIP(host);
  return version !== 0 && list.check(host, version === 6 ? 'ipv6' : 'ipv4');
}

/** A name matches its subdomains, too; `*.name` matches only these; `*` matches every host; `name:port` only that port; a prefix (`10.0.0.0/8`) matches addresses. */
function isExempt(host: string, port: string | undefined, noProxy: string): boolean {
  return noProxy
    .toLowerCase()
    .split(/[,\s]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      const [name, ofPort] = nameAndPort(entry);
      if (ofPort !== undefined && ofPort !== port) return false;
      return name === '*' || isBelow(host, name) || isInPrefix(host, name);
    });
}

function nameAndPort(entry: string): [name: string, port: string | undefined] {
  const [, inBrackets, ofBrackets] = /^\[(.+)\](?::(\d+))?$/.exec(entry) ?? [];
  if (inBrackets !== undefined) return [inBrackets, ofBrackets];
  // More than one colon is an IPv6 address.
  const [, name, port] = /^([^:]+):(\d+)$/.exec(entry) ?? [];
  return name === undefined ? [entry, undefined] : [name, port];
}

function isBelow(host: string, name: string): boolean {
  const domain = name.replace(/^\*?\./, '').replace(/(.)\.$/, '$1');
  return (host === domain && !name.startsWith('*')) || host.endsWith(`.${domain}`);
}

function isInPrefix(host: string, entry: string): boolean {
  const [address = '', bits = ''] = entry.split('/');
  const version = net().isIP(address);
  if (version === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (version === 6 ? 128 : 32)) return false;
  const prefix = new (net().BlockList)();
  prefix.addSubnet(address, Number(bits), version === 6 ? 'ipv6' : 'ipv4');
  return isWithin(prefix, host);
}

/** Loaded at the first use: it takes 2 ms, and most programs have no proxy. */
function net() {
  return process.getBuiltinModule('node:net');
}
