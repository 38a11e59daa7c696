// A forward proxy as one finds them: it passes on what comes with a whole URL, and opens tunnels for CONNECT. Wherever a request is meant to go, it leads to one port of loopback.

import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { onTestFinished } from 'vitest';
import type { Identity } from './httpCertificates.ts';

export interface ProxyOptions {
  /** Of the backend behind it. */
  readonly port: number;
  /** With these it is an `https:` proxy. */
  readonly identity?: Identity;
  /** What it answers instead of passing anything on. */
  readonly refuses?: number;
}

export interface TestProxy {
  /** `http://127.0.0.1:…` */
  readonly url: string;
  /** Method, target as it was written, and what it was told of who asks. */
  readonly seen: readonly {
    readonly line: string;
    readonly host: string;
    readonly authorization: string | undefined;
  }[];
}

/** Starts one that ends with the test. */
export async function startProxy(options: ProxyOptions): Promise<TestProxy> {
  const { port, identity, refuses } = options;
  const seen: TestProxy['seen'][number][] = [];
  const open = new Set<Duplex>();
  const note = ({ method, url, headers }: IncomingMessage) => {
    seen.push({ line: `${method} ${url}`, host: headers.host ?? '', authorization: headers['proxy-authorization'] });
  };
  const pass = (request: IncomingMessage, response: ServerResponse) => {
    note(request);
    if (refuses !== undefined) return void response.writeHead(refuses, { 'content-length': 7 }).end('refused');
    passOn(request, response, port);
  };
  const server = identity === undefined ? createServer(pass) : createSecureServer({ ...identity }, pass);
  server.on('connection', (socket: Socket) => open.add(socket));
  server.on('connect', (request: IncomingMessage, socket: Duplex) => {
    note(request);
    socket.on('error', () => {});
    if (refuses !== undefined) return void socket.end(`HTTP/1.1 ${refuses} Refused\r\n\r\n`);
    const upstream = connect(port, '127.0.0.1', () => socket.write('HTTP/1.1 200 Open\r\n\r\n'));
    open.add(upstream);
    upstream.on('error', () => socket.destroy());
    upstream.pipe(socket).pipe(upstream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const { port: own } = server.address() as { port: number };
  return { url: `${identity === undefined ? 'http' : 'https'}://127.0.0.1:${own}`, seen };
}

function passOn(request: IncomingMessage, response: ServerResponse, port: number): void {
  const { method, headers } = request;
  const path = new URL(request.url ?? '').pathname;
  const onwards = httpRequest({ port, host: '127.0.0.1', method: method ?? 'GET', path, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(response);
  });
  onwards.on('error', () => response.destroy());
  request.pipe(onwards);
}
