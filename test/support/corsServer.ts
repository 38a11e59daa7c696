// A page, and a collector of another origin, which lets pages of any origin send to it, or of none.

import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { Watchers } from '../../src/testing/backend/conditions.ts';

const WAIT_MILLIS = 60_000;

interface Arrived {
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

export interface CorsCollector {
  readonly url: string;
  readonly arrived: readonly Arrived[];
  /** How often a browser asked whether it may send. */
  readonly preflights: number;
  until(count: number): Promise<void>;
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An empty page. */
export function pageServer(): Promise<string> {
  const headers = { 'content-type': 'text/html' };
  return listening(createServer((_, response) => response.writeHead(200, headers).end('<!doctype html><title>a page')));
}

/**
 * A collector that answers each request with success.
 *
 * @param allows `all` that a browser asks for; `preflight`: it may send, and not read the answer; `nothing`
 */
export async function corsCollector(allows: 'all' | 'preflight' | 'nothing' = 'all'): Promise<CorsCollector> {
  const arrived: Arrived[] = [];
  const watchers = new Watchers();
  let preflights = 0;
  const server = createServer(async (request, response) => {
    if (request.method === 'OPTIONS') {
      preflights += 1;
      const asked = request.headers['access-control-request-headers'] ?? '';
      const allowed = { 'access-control-allow-origin': '*', 'access-control-allow-headers': asked };
      response.writeHead(204, allows === 'nothing' ? {} : allowed).end();
      return;
    }
    arrived.push({ headers: request.headers, body: await buffer(request) });
    response.writeHead(200, allows === 'all' ? { 'access-control-allow-origin': '*' } : {}).end();
    watchers.look();
  });
  const origin = await listening(server);
  return {
    url: `${origin}/v1/traces`,
    arrived,
    get preflights() {
      return preflights;
    },
    until: (count) =>
      watchers.until(
        () => arrived.length >= count,
        WAIT_MILLIS,
        () => `${arrived.length} requests`,
      ),
  };
}
