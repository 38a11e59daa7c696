import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer, type ServerOptions as SecureServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type BackendAnswer, type BackendReply, isSuccess, replyBody } from './otlpAnswer.ts';
import { type BackendRequest, isJson, type RecordedRequest, readBody, readContent, refuseBody } from './otlpRequest.ts';
import { afterRealMillis } from './realTime.ts';

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

/** Starts a backend that takes OTLP over HTTP, and answers as it is told. */
export async function otlpBackend(options: OtlpBackendOptions = {}): Promise<OtlpBackend> {
  const backend = new FakeBackend(options);
  await backend.listen();
  return backend;
}

const DEFAULT_BYTES = 64 * 1024 * 1024;

class FakeBackend implements OtlpBackend {
  readonly requests: RecordedRequest[] = [];
  requestCount = 0;
  spans = 0;
  receivedSpans = 0;
  inFlight = 0;
  maxInFlight = 0;
  connections = 0;
  readonly #options: OtlpBackendOptions;
  readonly #server: Server;
  readonly #startedMillis = performance.now();
  readonly #undo = new Set<() => void>(); // delays that are under way
  readonly #watchers = new Set<() => void>();
  #answers: BackendScript;
  #step = 0; // how many answers of the script were given
  #recordedBytes = 0;

  constructor(options: OtlpBackendOptions) {
    this.#options = options;
    this.#answers = options.answers ?? 'ok';
    const handle = (request: IncomingMessage, response: ServerResponse) => void this.#handle(request, response);
    this.#server = options.tls === undefined ? createServer(handle) : createSecureServer(options.tls, handle);
    this.#server.on(options.tls === undefined ? 'connection' : 'secureConnection', () => {
      this.connections += 1;
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  get url(): string {
    const host = this.#options.host ?? '127.0.0.1';
    const scheme = this.#options.tls === undefined ? 'http' : 'https';
    return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${this.port}${this.#path}`;
  }

  get #path(): string {
    return this.#options.path ?? '/v1/traces';
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port ?? 0, this.#options.host ?? '127.0.0.1', resolve);
    });
  }

  respond(answers: BackendScript): void {
    this.#answers = answers;
    this.#step = 0;
  }

  until(condition: (backend: OtlpBackend) => boolean, timeoutMillis = 5_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        this.#watchers.delete(look);
        cancel();
        settle();
      };
      const look = () => {
        try {
          if (condition(this)) finish(resolve);
        } catch (error) {
          finish(() => reject(error));
        }
      };
      const cancel = afterRealMillis(timeoutMillis, () => {
        const seen = `${this.requestCount} requests and ${this.spans} spans`;
        finish(() => reject(new Error(`the backend waited ${timeoutMillis} ms, and had ${seen}`)));
      });
      this.#watchers.add(look);
      look();
    });
  }

  async close(): Promise<void> {
    for (const undo of this.#undo) undo();
    this.#undo.clear();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    this.inFlight += 1;
    this.maxInFlight = Math.max(this.maxInFlight, this.inFlight);
    response.on('close', () => {
      this.inFlight -= 1;
      this.#look();
    });
    try {
      const wire = await readBody(message, this.#maxBodyBytes);
      if (wire === undefined) refuseBody(message, response);
      else await this.#answer(await this.#record(message, wire), response);
    } catch (error) {
      // The client went away in the middle of its body, or a callback of the test threw.
      if (!response.headersSent && !response.destroyed) response.writeHead(500).end(String(error));
    }
  }

  get #maxBodyBytes(): number {
    return this.#options.maxBodyBytes ?? DEFAULT_BYTES;
  }

  async #record(message: IncomingMessage, wire: Uint8Array): Promise<RecordedRequest> {
    const { decode } = this.#options;
    const content = await readContent(message.headers, wire, {
      maxBodyBytes: this.#maxBodyBytes,
      ...(decode && { decode }),
    });
    const request: RecordedRequest = {
      index: this.requestCount,
      method: message.method ?? '',
      path: message.url ?? '',
      headers: message.headers,
      wireBytes: wire.length,
      atMillis: performance.now() - this.#startedMillis,
      answer: undefined,
      aborted: false,
      ...content,
    };
    this.requestCount += 1;
    this.receivedSpans += request.spans.length;
    this.requests.push(request);
    this.#recordedBytes += request.body.length;
    this.#forgetOldest();
    this.#look();
    return request;
  }

  #forgetOldest(): void {
    const maxRequests = this.#options.maxRequests ?? 1_000;
    const maxBytes = this.#options.maxRecordedBytes ?? DEFAULT_BYTES;
    while (this.requests.length > 1 && (this.requests.length > maxRequests || this.#recordedBytes > maxBytes)) {
      this.#recordedBytes -= this.requests.shift()?.body.length ?? 0;
    }
  }

  async #answer(request: RecordedRequest, response: ServerResponse): Promise<void> {
    response.on('close', () => {
      request.aborted = !response.writableFinished && request.answer !== 'reset';
      this.#look();
    });
    const answer = await this.#choose(request);
    request.answer = answer;
    this.#look();
    if (answer === 'reset') response.socket?.resetAndDestroy();
    else if (answer !== 'hang') await this.#reply(request, answer === 'ok' ? {} : answer, response);
  }

  #choose(request: BackendRequest): BackendAnswer | Promise<BackendAnswer> {
    if (request.path.split('?')[0] !== this.#path) return { status: 404 };
    if (request.problem !== undefined) return { status: 400, body: request.problem };
    const step = this.#step;
    this.#step += 1;
    const answers = this.#answers;
    if (typeof answers === 'function') return answers(request, step);
    return isList(answers) ? (answers[step] ?? answers.at(-1) ?? 'ok') : answers;
  }

  async #reply(request: RecordedRequest, reply: BackendReply, response: ServerResponse): Promise<void> {
    if (reply.delayMillis !== undefined) await this.#delay(reply.delayMillis);
    if (response.destroyed) return;
    const body = replyBody(reply, isJson(request.headers));
    const type = isJson(request.headers) ? 'application/json' : 'application/x-protobuf';
    // Counted before it is written: when the client knows, the test can rely on it.
    if (isSuccess(reply)) this.spans += request.spans.length - (reply.partialSuccess?.rejected ?? 0);
    response.writeHead(reply.status ?? 200, { 'content-type': type, ...reply.headers }).end(body);
  }

  #delay(delayMillis: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = afterRealMillis(delayMillis, () => {
        this.#undo.delete(cancel);
        resolve();
      });
      this.#undo.add(cancel);
    });
  }

  #look(): void {
    for (const look of [...this.#watchers]) look();
  }
}

function isList(answers: BackendScript): answers is readonly BackendAnswer[] {
  return Array.isArray(answers);
}
