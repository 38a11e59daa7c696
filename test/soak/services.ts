// What a backend listens with: a server of one protocol that reads requests whole and leaves the answers to somebody else.

import { createServer } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { status } from '@grpc/grpc-js';
import { SIGNALS } from '../../src/otlp/signals.ts';
import type { Protocol } from './plan.ts';

/** A request that has arrived whole. */
export interface Request {
  readonly body: Uint8Array;
  /** With a success, or as a backend does that is overloaded. */
  answer(how: 'ok' | 'unavailable'): void;
  /** Calls the listener when the client has given it up, or its connection is gone. */
  onGone(listener: () => void): void;
}

export interface Service {
  readonly port: number;
  readonly url: string;
  /** Breaks its connections and listens no more. */
  close(): Promise<void>;
}

type Serve = (port: number, onRequest: (request: Request) => void) => Promise<Service>;

const WINDOW_BYTES = 4 * 1024 * 1024;
/** Before each message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;
const { OK, UNAVAILABLE } = status;

/** Listens at a port of loopback; 0: at any. */
export const SERVICES: Readonly<Record<Protocol, Serve>> = { http: serveHttp, grpc: serveGrpc };

async function serveHttp(port: number, onRequest: (request: Request) => void): Promise<Service> {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const chunks: Uint8Array[] = [];
    request.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    request.on('end', () => {
      onRequest({
        body: Buffer.concat(chunks),
        answer: (how) => response.writeHead(how === 'ok' ? 200 : 503, { 'content-length': 0 }).end(),
        onGone: (listener) => response.once('close', listener),
      });
    });
  });
  const bound = await listenAt(server, port);
  return {
    port: bound,
    url: `http://127.0.0.1:${bound}${SIGNALS.traces.path}`,
    close: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

/**
 * gRPC on Node's HTTP/2, with a window as a Collector's grows to: with that of `@grpc/grpc-js`, 64 KiB for all calls of a connection, the server would be what is measured.
 */
async function serveGrpc(port: number, onRequest: (request: Request) => void): Promise<Service> {
  const server = createHttp2Server({ settings: { initialWindowSize: WINDOW_BYTES } });
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    session.setLocalWindowSize(WINDOW_BYTES);
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => {});
  });
  server.on('stream', (stream: ServerHttp2Stream) => {
    const chunks: Uint8Array[] = [];
    stream.on('error', () => {});
    stream.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    stream.on('end', () => {
      if (stream.destroyed) return;
      onRequest({
        body: Buffer.concat(chunks).subarray(PREFIX_BYTES),
        answer: (how) => answerCall(stream, how === 'ok' ? OK : UNAVAILABLE),
        onGone: (listener) => stream.once('close', listener),
      });
    });
  });
  const bound = await listenAt(server, port);
  return {
    port: bound,
    url: `http://127.0.0.1:${bound}`,
    close: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) session.destroy();
      return closed;
    },
  };
}

/** An empty message, and the status behind it. */
function answerCall(stream: ServerHttp2Stream, status: number): void {
  if (stream.destroyed) return;
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(status) }));
  stream.end(status === OK ? Buffer.alloc(PREFIX_BYTES) : undefined);
}

async function listenAt(server: NetServer, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
