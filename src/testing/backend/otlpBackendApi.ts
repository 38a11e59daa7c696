import type { IncomingHttpHeaders } from 'node:http';
import type { ServerOptions as SecureServerOptions } from 'node:https';
import type { BackendAnswer } from './otlpAnswer.ts';
import type { BackendRequest } from './otlpRequest.ts';

/** One answer for all requests, a list of answers (the last one repeats), or a function of the request. */
export type BackendScript =
  | BackendAnswer
  | readonly BackendAnswer[]
  | ((request: BackendRequest, index: number) => BackendAnswer | Promise<BackendAnswer>);

/** Options of a fake backend. */
export interface OtlpBackendOptions {
  /** The port to listen on: 0 to 65535. Default 0: any free port. */
  readonly port?: number;
  /** The address to listen on. Default `127.0.0.1`. */
  readonly host?: string;
  /** The one path that it knows. Default: those of all signals, `/v1/traces`, `/v1/logs` and `/v1/metrics`. What a receiver refuses gets its answer, and does not advance the script: 404 for another path, 405 for another method, 415 for an unknown content type or encoding, and 400 for a body that cannot be read. */
  readonly path?: string;
  /** How requests are answered. Default `'ok'`. */
  readonly answers?: BackendScript;
  /** Key and certificate for TLS. Default: plain HTTP. */
  readonly tls?: SecureServerOptions;
  /** The maximum body size, in bytes: 1 or more. Default 64 MiB. A larger body, also after decompression, gets 413 and is not recorded. */
  readonly maxBodyBytes?: number;
  /** The pages of which sites may send, from a browser. What browsers ask beforehand is answered and not recorded. Default: none. */
  readonly cors?: {
    /** Origins, such as `https://shop.example` (without a path), or `*` for all. */
    readonly allowedOrigins: readonly string[];
  };
  /** The maximum number of recorded requests: 1 or more. Default 1,000. Beyond it the oldest are dropped, but still counted. */
  readonly maxRequests?: number;
  /** The maximum number of recorded body bytes: 1 or more. Default 64 MiB. The newest request is always kept. */
  readonly maxRecordedBytes?: number;
  /** Decodes a body for {@link BackendRequest.decoded}. Default: no decoding. */
  readonly decode?: (body: Uint8Array, headers: IncomingHttpHeaders) => unknown;
}

/** A fake backend on a real socket. Close it with {@link OtlpBackend.close}. */
export interface OtlpBackend {
  /** The full URL: `http://127.0.0.1:40123/v1/traces`, or with the `path` that was given. */
  readonly url: string;
  /** The port that it listens on. */
  readonly port: number;
  /** The newest requests, oldest first: at most `maxRequests`. */
  readonly requests: readonly BackendRequest[];
  /** The number of all requests. */
  readonly requestCount: number;
  /** Accepted spans: those of successfully answered requests, without the rejected ones. */
  readonly spans: number;
  /** All received spans, whatever the answer, without those of requests that were refused as a receiver refuses. A retried request counts again. */
  readonly receivedSpans: number;
  /** The same of all signals: accepted spans, log records and data points. */
  readonly items: number;
  /** All received ones, whatever the answer. */
  readonly receivedItems: number;
  /** Requests in flight. */
  readonly inFlight: number;
  /** The most requests that were in flight at a time. */
  readonly maxInFlight: number;
  /** The number of all connections. */
  readonly connections: number;
  /** Replaces the answers, from the next request on. A list starts at its beginning. */
  respond(answers: BackendScript): void;
  /** Resolves as soon as `condition` returns true; it is called after each request and answer. Rejects after `timeoutMillis` (default 5,000). */
  until(condition: (backend: OtlpBackend) => boolean, timeoutMillis?: number): Promise<void>;
  /** Stops the server and ends all connections, including those of requests without an answer. */
  close(): Promise<void>;
  /** `await using`: calls `close` at the end of the block. */
  [Symbol.asyncDispose](): Promise<void>;
}
