import type { IncomingHttpHeaders } from 'node:http';
import type { ServerOptions as SecureServerOptions } from 'node:https';
import type { BackendAnswer } from './otlpAnswer.ts';
import type { BackendRequest } from './otlpRequest.ts';

/** One answer for all, one after the other (the last repeats), or decided request by request. */
export type BackendScript =
  | BackendAnswer
  | readonly BackendAnswer[]
  | ((request: BackendRequest, index: number) => BackendAnswer | Promise<BackendAnswer>);

/** How a fake backend behaves. */
export interface OtlpBackendOptions {
  /** Default 0: a free one. */
  readonly port?: number;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default `/v1/traces`. Any other is answered by 404, and bytes that are no message by 400, without a step in the script. */
  readonly path?: string;
  /** Default `'ok'`. */
  readonly answers?: BackendScript;
  /** Key and certificate, to speak TLS. */
  readonly tls?: SecureServerOptions;
  /** The largest body, in bytes. Default 64 MiB. A larger one is answered by 413 and not recorded; one that grows beyond it in decompression, by 400. */
  readonly maxBodyBytes?: number;
  /** How many requests are kept. The oldest go first; the counts go on. Default 1,000. */
  readonly maxRequests?: number;
  /** How many bytes of bodies are kept, the newest request excepted. Default 64 MiB. */
  readonly maxRecordedBytes?: number;
  /** Decodes a body for {@link BackendRequest.decoded}. Default: left alone. */
  readonly decode?: (body: Uint8Array, headers: IncomingHttpHeaders) => unknown;
}

/** A backend on a real socket, to be closed with {@link OtlpBackend.close}. */
export interface OtlpBackend {
  /** The whole address to send to: `http://127.0.0.1:40123/v1/traces`. */
  readonly url: string;
  readonly port: number;
  /** The newest requests, oldest first: at most `maxRequests`. */
  readonly requests: readonly BackendRequest[];
  /** How many requests came in all. */
  readonly requestCount: number;
  /** Spans that were accepted: in requests answered by a success, less those rejected. */
  readonly spans: number;
  /** Spans that came, whatever they were answered. A request that is retried counts again. */
  readonly receivedSpans: number;
  /** Requests that are open now, and the most that were open at once. */
  readonly inFlight: number;
  readonly maxInFlight: number;
  /** How many connections were made in all. */
  readonly connections: number;
  /** Changes the answers from the next request on. A list starts at its beginning. */
  respond(answers: BackendScript): void;
  /** Resolves as soon as `condition` holds, looking after each request and answer. Rejects after `timeoutMillis` (default 5,000). */
  until(condition: (backend: OtlpBackend) => boolean, timeoutMillis?: number): Promise<void>;
  /** Ends all connections, those that hang among them. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
