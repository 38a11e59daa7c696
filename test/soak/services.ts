// What a backend listens with: a server of one protocol that reads requests whole and leaves the answers to somebody else.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { SIGNALS } from '../../src/otlp/signals.ts';
import { serveBytes } from '../support/grpcMethod.ts';
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
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const bound = (server.address() as AddressInfo).port;
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

async function serveGrpc(port: number, onRequest: (request: Request) => void): Promise<Service> {
  const server = new Server();
  serveBytes(server, SIGNALS.traces.method, (call, done) => {
    onRequest({
      body: call.request,
      answer: (how) => {
        if (how === 'ok') done(null, Buffer.alloc(0));
        else done({ code: status.UNAVAILABLE, details: 'overloaded' });
      },
      onGone: (listener) => call.once('cancelled', listener),
    });
  });
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, at) => {
      if (error === null) resolve(at);
      else reject(error);
    });
  });
  return { port: bound, url: `http://127.0.0.1:${bound}`, close: async () => server.forceShutdown() };
}
