// A server of HTTP/2 that does with each stream what it is told, frame by frame: for what no server of gRPC would do.

import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { Watchers } from '../../src/testing/backend/conditions.ts';
import type { Identity } from './httpCertificates.ts';

/** Longer than any test: who waits for nothing is told so all the same. */
const WAIT_MILLIS = 60_000;

/** One request. */
export interface Http2Request {
  readonly headers: IncomingHttpHeaders;
  /** As much as there is of it. */
  readonly body: Buffer;
  readonly stream: ServerHttp2Stream;
  readonly session: ServerHttp2Session;
  /** Of its connection: for bytes between the frames. */
  readonly socket: Socket;
}

export interface Http2Treatment {
  /** Called with each connection, before anything is said. */
  readonly connected?: (socket: Socket) => void;
  /** Called as soon as the headers are there. */
  readonly begun?: (request: Http2Request) => void;
  /** Called when the body is whole. Default: a success of gRPC. */
  readonly whole?: (request: Http2Request, index: number) => void;
}

export interface Http2ServerOptions {
  /** With it, the server has TLS. */
  readonly identity?: Identity;
  /** Default: any. */
  readonly port?: number;
}

export interface ScriptedHttp2Server {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly Http2Request[];
  readonly sessions: readonly ServerHttp2Session[];
  readonly openSessions: number;
  until(condition: () => boolean): Promise<void>;
  /** Destroys all connections, and listens no more. */
  close(): Promise<void>;
}

export const GRPC_HEAD = { ':status': 200, 'content-type': 'application/grpc' };

/** A success of gRPC with an empty message, unless the client has given the request up. */
export function succeed({ stream }: Http2Request): void {
  if (stream.destroyed) return;
  stream.respond(GRPC_HEAD, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.alloc(5));
}

/** Starts one that ends with the test. */
export async function http2Server(
  treatment: Http2Treatment = {},
  { identity, port: asked = 0 }: Http2ServerOptions = {},
): Promise<ScriptedHttp2Server> {
  const { connected, begun, whole = succeed } = treatment;
  const requests: Http2Request[] = [];
  const sessions: ServerHttp2Session[] = [];
  const open = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  const watchers = new Watchers();
  const server: Http2Server | Http2SecureServer =
    identity === undefined ? createServer() : createSecureServer({ ...identity });
  let newest: Socket; // its session is made at once
  const socketOf = new WeakMap<ServerHttp2Session, Socket>();
  server.on('sessionError', () => {});
  server.prependListener('connection', (socket: Socket) => {
    newest = socket;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    connected?.(socket);
  });
  server.on('session', (session) => {
    socketOf.set(session, newest);
    sessions.push(session);
    open.add(session);
    session.on('error', () => {});
    session.on('close', () => {
      open.delete(session);
      watchers.look();
    });
    watchers.look();
  });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const session = stream.session as ServerHttp2Session;
    const socket = socketOf.get(session) as Socket;
    const chunks: Buffer[] = [];
    const request: Http2Request = {
      headers,
      stream,
      session,
      socket,
      get body() {
        return Buffer.concat(chunks);
      },
    };
    const index = requests.push(request) - 1;
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      if (!stream.destroyed) whole(request, index);
      watchers.look();
    });
    begun?.(request);
    watchers.look();
  });
  await new Promise<void>((resolve) => server.listen(asked, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const session of open) session.destroy();
      for (const socket of sockets) socket.destroy();
    });
  onTestFinished(close);
  const { port } = server.address() as AddressInfo;
  return {
    ...{ url: `http${identity === undefined ? '' : 's'}://127.0.0.1:${port}`, port, requests, sessions, close },
    get openSessions() {
      return open.size;
    },
    until: (condition) => watchers.until(condition, WAIT_MILLIS, () => `${requests.length} requests`),
  };
}
