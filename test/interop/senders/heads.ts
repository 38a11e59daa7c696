import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Compression, SenderProtocol } from './sender.ts';

const TYPES: Readonly<Record<SenderProtocol, RegExp>> = {
  'http/protobuf': /^application\/x-protobuf\b/,
  'http/json': /^application\/json\b/,
  grpc: /^application\/grpc\b/,
};

/** Heads of all requests that reach servers of this process, from the sockets and not from the receiver. */
export class Heads implements Disposable {
  readonly #heads: IncomingHttpHeaders[] = [];
  readonly #onRequest = (message: unknown) => {
    const { request } = message as { request: IncomingMessage };
    // A server of HTTP/2 tells of its requests here, too.
    if (request.httpVersionMajor === 1) this.#heads.push(request.headers);
  };
  readonly #onStream = (message: unknown) => {
    this.#heads.push((message as { headers: IncomingHttpHeaders }).headers);
  };

  constructor() {
    subscribe('http.server.request.start', this.#onRequest);
    subscribe('http2.server.stream.created', this.#onStream);
  }

  /** What is wrong with them where all are to be of one protocol and compression, or `undefined`. */
  wrong(protocol: SenderProtocol, compression: Compression): string | undefined {
    if (this.#heads.length === 0) return 'no request has come';
    const encoding = protocol === 'grpc' ? 'grpc-encoding' : 'content-encoding';
    const other = this.#heads.find((head) => {
      const isCompressed = (head[encoding] ?? 'identity') !== 'identity';
      const isGzip = head[encoding] === 'gzip';
      return !TYPES[protocol].test(head['content-type'] ?? '') || (compression === 'gzip' ? !isGzip : isCompressed);
    });
    return other && `a request came as ${other['content-type']}, ${other[encoding] ?? 'not compressed'}`;
  }

  [Symbol.dispose](): void {
    unsubscribe('http.server.request.start', this.#onRequest);
    unsubscribe('http2.server.stream.created', this.#onStream);
  }
}
