import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { response, statusWithRetryInfo } from './messages.ts';
import type { Later, Reply } from './script.ts';
import type { Exchange, Front, FrontParts } from './server.ts';

/** So that a request of 64 MiB is not a matter of round trips. */
const WINDOW_BYTES = 16 * 1024 * 1024;
const PREFIX_BYTES = 5;
const HEAD = { ':status': 200, 'content-type': 'application/grpc+proto' };

/** OTLP/gRPC, on the frames of HTTP/2: for what no server of gRPC would do, and without any limit of its own. */
export async function grpcFront({ port, connected, arrived }: FrontParts): Promise<Front> {
  const numbers = new Map<unknown, number>();
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer({ settings: { initialWindowSize: WINDOW_BYTES } });
  server.on('session', (session) => {
    numbers.set(session, connected());
    sessions.add(session);
    session.setLocalWindowSize(WINDOW_BYTES);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const chunks: Buffer[] = [];
    const connection = numbers.get(stream.session) ?? -1;
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      if (stream.destroyed) return;
      const framed = Buffer.concat(chunks);
      const path = String(headers[':path']);
      const body = framed.subarray(PREFIX_BYTES);
      const isFlaggedCompressed = framed[0] === 1;
      arrived({ path, version: '2', headers, body, isFlaggedCompressed, connection }, new GrpcExchange(stream));
    });
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
        for (const session of sessions) session.destroy();
      }),
  };
}

class GrpcExchange implements Exchange {
  onEnd = () => {};
  readonly #stream: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
    stream.on('close', () => this.onEnd());
  }

  async answer(reply: Reply): Promise<void> {
    switch (reply.as) {
      case 'accept':
        return this.#succeed(framed(response(reply)));
      case 'code':
        return this.#refuse(reply.code, reply.later);
      case 'large': {
        const message = ofBytes(reply.bytes);
        if (reply.zipped !== true) return this.#succeed(framed(message));
        return this.#succeed(framed(gzipSync(message), true), { 'grpc-encoding': 'gzip' });
      }
      case 'drip':
        return this.#drip(reply.pieces, reply.wait);
      case 'hangUp':
        this.#stream.session?.destroy();
        return;
      case 'silence':
    }
  }

  #succeed(message: Buffer, headers: Readonly<Record<string, string>> = {}): void {
    this.#respond(headers);
    this.#stream.end(message);
  }

  #respond(headers: Readonly<Record<string, string>> = {}): void {
    this.#stream.respond({ ...HEAD, ...headers }, { waitForTrailers: true });
    this.#stream.on('wantTrailers', () => this.#stream.sendTrailers({ 'grpc-status': '0' }));
  }

  #refuse(code: number, later: Later | undefined): void {
    const details =
      later !== undefined && 'seconds' in later
        ? { 'grpc-status-details-bin': statusWithRetryInfo(code, later.seconds).toString('base64') }
        : {};
    this.#stream.respond(
      { ...HEAD, 'grpc-status': String(code), 'grpc-message': 'as told', ...details },
      { endStream: true },
    );
  }

  async #drip(pieces: number, wait: () => Promise<void>): Promise<void> {
    this.#respond();
    for (const byte of framed(ofBytes(pieces))) {
      if (this.#stream.destroyed) return;
      this.#stream.write(Buffer.of(byte));
      await wait();
    }
    this.#stream.end();
  }
}

function framed(message: Buffer, isCompressed = false): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix[0] = isCompressed ? 1 : 0;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** A warning that is as long as it takes. */
function ofBytes(bytes: number): Buffer {
  const write = (length: number) => response({ message: 'w'.repeat(length) });
  return write(Math.max(0, bytes - (write(bytes).length - bytes)));
}
