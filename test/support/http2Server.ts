// A server of HTTP/2 that does with each stream what it is told, frame by frame: for what no server of gRPC would do.

import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { Watchers } from '../../src/testing/backend/conditions.ts';

/** Longer than any test: who waits for nothing is told so all the same. */
const WAIT_MILLIS = 60_000;

/** One request, whose body is whole unless it was treated before. */
export interface Http2Request {
  readonly headers: IncomingHttpHeaders;
  body: Buffer;
  readonly stream: ServerHttp2Stream;
  readonly session: ServerHttp2Session;
}

export interface Http2Treatment {
  /** Called as soon as the headers are there. */
  readonly begun?: (request: Http2Request) => void;
  /** Called when the body is whole. Default: a success of gRPC. */
  readonly whole?: (request: Http2Request, index: number) => void;
}

export interface ScriptedHttp2Server {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly Http2Request[];
  readonly sessions: readonly ServerHttp2Session[];
  readonly openSessions: number;
  until(condition: () => boolean): Promise<void>;
}

export const GRPC_HEAD = { ':status': 200, 'content-type': 'application/grpc' };

/** A success of gRPC with an empty message. */
export function succeed({ stream }: Http2Request): void {
  stream.respond(GRPC_HEAD, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.alloc(5));
}

/** Starts one that ends with the test. */
export async function http2Server({ begun, whole = succeed }: Http2Treatment = {}): Promise<ScriptedHttp2Server> {
  const requests: Http2Request[] = [];
  const sessions: ServerHttp2Session[] = [];
  const open = new Set<ServerHttp2Session>();
  const watchers = new Watchers();
  const server: Http2Server = createServer();
  server.on('session', (session) => {
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
    const request = { headers, body: Buffer.alloc(0), stream, session: stream.session as ServerHttp2Session };
    const index = requests.push(request) - 1;
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => {
      request.body = Buffer.concat([request.body, chunk]);
    });
    stream.on('end', () => {
      if (!stream.destroyed) whole(request, index);
      watchers.look();
    });
    begun?.(request);
    watchers.look();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const session of open) session.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    ...{ url: `http://127.0.0.1:${port}`, port, requests, sessions },
    get openSessions() {
      return open.size;
    },
    until: (condition) => watchers.until(condition, WAIT_MILLIS, () => `${requests.length} requests`),
  };
}
