// A server that answers with whatever bytes it is told to: for what no HTTP library would send.

import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecureServer } from 'node:tls';
import { onTestFinished } from 'vitest';
import { Watchers } from '../../src/testing/backend/conditions.ts';
import type { Identity } from './httpCertificates.ts';

/** Longer than any test: who waits for nothing is told so all the same. */
const WAIT_MILLIS = 60_000;

/** One request that has arrived whole, and the socket to answer it on. */
export interface RawRequest {
  /** Request line and headers. */
  readonly head: string;
  readonly body: Buffer;
  readonly socket: Socket;
}

export interface RawServerOptions {
  /** Called with each connection. With TLS, when its handshake is over. */
  readonly connected?: (socket: Socket) => void;
  /** Called when the head of a request is there; its body may still be on its way. */
  readonly headed?: (socket: Socket) => void;
  /** With it, the server has TLS. */
  readonly identity?: Identity;
  /** Default: any. */
  readonly port?: number;
}

export interface RawServer {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly RawRequest[];
  /** How many connections there were, and how many of them the client has ended since. */
  readonly connections: number;
  readonly closedConnections: number;
  /** Resolves as soon as the condition holds; it is looked at after each request, and after each connection that begins or ends. */
  until(condition: (server: RawServer) => boolean): Promise<void>;
  /** Destroys all connections, and listens no more. */
  close(): Promise<void>;
}

/** Starts a server that ends with the test. `answer` is called for each request. */
export async function rawServer(
  answer: (request: RawRequest) => void,
  options: RawServerOptions = {},
): Promise<RawServer> {
  const server = new ScriptedServer(answer, options);
  await server.listen();
  onTestFinished(() => server.close());
  return server;
}

/** A port on which nobody listens any more. */
export async function closedPort(): Promise<number> {
  const server = new ScriptedServer(() => {});
  await server.listen();
  const { port } = server;
  await server.close();
  return port;
}

/** A port on which whoever connects is hung up on. */
export function hangUpPort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.resetAndDestroy());
    onTestFinished(() => void server.close());
    server.listen(0, '127.0.0.1', () => resolve(portOf(server)));
  });
}

/** An answer as bytes. */
export function rawAnswer(status: number, headers: Readonly<Record<string, string | number>>, body: string): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Whatever\r\n${lines.join('')}\r\n${body}`;
}

class ScriptedServer implements RawServer {
  readonly requests: RawRequest[] = [];
  connections = 0;
  closedConnections = 0;
  port = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #watchers = new Watchers();
  readonly #options: RawServerOptions;

  constructor(answer: (request: RawRequest) => void, options: RawServerOptions = {}) {
    const { identity } = options;
    const read = (socket: Socket) => {
      this.#read(
        socket.on('error', () => {}),
        answer,
      );
      options.connected?.(socket);
      this.#look();
    };
    this.#options = options;
    this.#server = identity === undefined ? createServer(read) : createSecureServer({ ...identity }, read);
    this.#server.on('connection', (socket) => this.#accept(socket));
  }

  get url(): string {
    return `http${this.#options.identity === undefined ? '' : 's'}://127.0.0.1:${this.port}/v1/traces`;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#options.port ?? 0, '127.0.0.1', resolve));
    this.port = portOf(this.#server);
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  until(condition: (server: RawServer) => boolean): Promise<void> {
    const seen = () => `${this.requests.length} requests on ${this.connections} connections`;
    return this.#watchers.until(() => condition(this), WAIT_MILLIS, seen);
  }

  #accept(socket: Socket): void {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closedConnections += 1;
      this.#sockets.delete(socket);
      this.#look();
    });
  }

  #read(socket: Socket, answer: (request: RawRequest) => void): void {
    let chunks: Buffer[] = []; // not looked at yet
    let size = 0; // of the chunks
    let needed = 0; // of them, before there is something to do
    let isHeaded = false; // whether the head of the next request was there
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size < needed) return;
      let received = Buffer.concat(chunks);
      for (;;) {
        const headLength = received.indexOf('\r\n\r\n') + 4;
        const isThere = headLength > 3;
        if (isThere && !isHeaded) this.#options.headed?.(socket);
        isHeaded = isThere;
        needed = isThere ? requestLength(received, headLength) : 0;
        if (!isThere || received.length < needed) break;
        const request = {
          head: received.toString('latin1', 0, headLength),
          body: received.subarray(headLength, needed),
          socket,
        };
        received = received.subarray(needed);
        isHeaded = false;
        this.requests.push(request);
        answer(request);
        this.#look();
      }
      chunks = [received];
      size = received.length;
    });
  }

  #look(): void {
    this.#watchers.look();
  }
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** How long the first request in these bytes is, whose head is there. */
function requestLength(bytes: Buffer, headLength: number): number {
  const contentLength = /^content-length: *(\d+)/im.exec(bytes.toString('latin1', 0, headLength))?.[1] ?? '0';
  return headLength + Number(contentLength);
}
