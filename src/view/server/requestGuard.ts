import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { isLoopback, type LiveViewSettings } from '../options.ts';

/**
 * Why a request is refused; `undefined` if it is not.
 *
 * A page of another site can make the browser send requests to loopback. It cannot read the answers, since no header allows it to; but if its own name is made to resolve to 127.0.0.1 (DNS rebinding), the browser takes
 * the view for that site. So the name in the `Host` header has to be one that cannot be rebound: an address, `localhost`, or the name that was given as `host`. Behind a tunnel the port may be another one.
 */
export function refusalOf(
  { method, headers }: Pick<IncomingMessage, 'method' | 'headers'>,
  { host, reach }: Pick<LiveViewSettings, 'host' | 'reach'>,
): { readonly status: number; readonly text: string } | undefined {
  const name = hostNameOf(headers.host ?? '');
  const isKnown = isLoopback(name) || name === host.toLowerCase() || (reach === 'network' && isIP(name) !== 0);
  if (!isKnown) return { status: 421, text: 'This page answers to localhost and to addresses, not to that name.' };
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, text: 'This page can only be read.' };
  return undefined;
}

/** Whether a page of another origin asks for the stream: it could not read it, but it would take the place of a page. */
export function isFromElsewhere({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const site = headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

/** The name or the address in a `Host` header, in lower case, without port and brackets. */
function hostNameOf(host: string): string {
  const [, name = ''] = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(host.toLowerCase()) ?? [];
  return name.replace(/^\[(.*)\]$/, '$1');
}
