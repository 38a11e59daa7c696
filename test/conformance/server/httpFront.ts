import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { SignalName } from '../subjects/subject.ts';
import { response, responseJson } from './messages.ts';
import type { Later, Reply } from './script.ts';
import type { Exchange, Front, FrontParts } from './server.ts';

/** Longer than any check: the server never closes a connection by itself. */
const KEEP_ALIVE_MILLIS = 120_000;

const SIGNALS: readonly SignalName[] = ['traces', 'logs', 'metrics'];

/** OTLP/HTTP, on HTTP/1.1. What no server of HTTP would send is written to the socket as it is. */
export async function httpFront({ port, connected, arrived }: FrontParts): Promise<Front> {
  const numbers = new Map<Socket, number>();
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MILLIS }, (request, answer) => {
    const chunks: Buffer[] = [];
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const exchange = new HttpExchange(request, answer);
      const { url = '', httpVersion: version, headers } = request;
      const connection = numbers.get(request.socket) ?? -1;
      arrived(
        { path: url, version, headers, body: Buffer.concat(chunks), isFlaggedCompressed: false, connection },
        exchange,
      );
    });
  });
  server.on('connection', (socket) => {
    numbers.set(socket, connected());
    socket.on('error', () => {});
    socket.on('close', () => numbers.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

class HttpExchange implements Exchange {
  onEnd = () => {};
  readonly #socket: Socket;
  readonly #answer: ServerResponse;
  readonly #type: string;
  readonly #signal: SignalName;

  constructor(request: IncomingMessage, answer: ServerResponse) {
    this.#socket = request.socket;
    this.#answer = answer;
    this.#type = request.headers['content-type'] ?? '';
    this.#signal = SIGNALS.find((signal) => request.url?.endsWith(signal)) ?? 'traces';
    answer.on('close', () => this.onEnd());
  }

  async answer(reply: Reply): Promise<void> {
    switch (reply.as) {
      case 'accept': {
        const isJson = this.#type === 'application/json';
        return this.#end(200, {}, isJson ? responseJson(reply, this.#signal) : response(reply));
      }
      case 'code':
        return this.#end(reply.code, retryAfter(reply.later), Buffer.alloc(0));
      case 'large': {
        const body = this.#ofBytes(reply.bytes);
        const headers = reply.zipped === true ? { 'content-encoding': 'gzip' } : {};
        return this.#end(reply.code ?? 200, headers, reply.zipped === true ? gzipSync(body) : body);
      }
      case 'drip':
        return this.#drip(reply.pieces, reply.wait);
      case 'hangUp':
        this.#socket.resetAndDestroy();
        return;
      case 'silence':
    }
  }

  #end(status: number, headers: Readonly<Record<string, string>>, body: Buffer): void {
    this.#answer.writeHead(status, { 'content-type': this.#type, 'content-length': body.length, ...headers }).end(body);
  }

  /** A warning that is as long as it takes. */
  #ofBytes(bytes: number): Buffer {
    const write = (length: number) => {
      const given = { message: 'w'.repeat(length) };
      return this.#type === 'application/json' ? responseJson(given, this.#signal) : response(given);
    };
    return write(bytes - (write(bytes).length - bytes));
  }

  /** The head itself is slow, so that not even the status' line is followed by anything that a client could act on. */
  async #drip(pieces: number, wait: () => Promise<void>): Promise<void> {
    this.#socket.write('HTTP/1.1 200 OK\r\nx-slow: ');
    for (let piece = 0; piece < pieces && !this.#socket.destroyed; piece++) {
      this.#socket.write('.');
      await wait();
    }
    this.#socket.end('\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  }
}

function retryAfter(later: Later | undefined): Record<string, string> {
  if (later === undefined) return {};
  return { 'retry-after': 'seconds' in later ? String(later.seconds) : later.header };
}
