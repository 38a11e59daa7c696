import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SignalName } from '../../model/signal.ts';
import { afterRealMillis } from '../time/realTime.ts';
import { AnswerScript } from './answerScript.ts';
import { Watchers } from './conditions.ts';
import { type BackendAnswer, type BackendReply, isSuccess, replyBody } from './otlpAnswer.ts';
import type { BackendScript, OtlpBackend, OtlpBackendOptions } from './otlpBackendApi.ts';
import {
  type BackendRequest,
  decodeContent,
  isJson,
  pathOf,
  type RecordedRequest,
  readBody,
  refuseBody,
} from './otlpRequest.ts';
import { DEFAULT_PATHS, signalAt } from './wireItems.ts';

const DEFAULT_BYTES = 64 * 1024 * 1024;

/** A fake backend: its server, its recorded requests and its counts. */
export class FakeBackend implements OtlpBackend {
  readonly requests: RecordedRequest[] = [];
  requestCount = 0;
  spans = 0;
  receivedSpans = 0;
  items = 0;
  receivedItems = 0;
  inFlight = 0;
  maxInFlight = 0;
  connections = 0;
  readonly #options: OtlpBackendOptions;
  readonly #server: Server;
  readonly #startedMillis = performance.now();
  readonly #undo = new Set<() => void>(); // cancels the pending delays
  readonly #watchers = new Watchers();
  readonly #answers: AnswerScript;
  #recordedBytes = 0;

  constructor(options: OtlpBackendOptions) {
    this.#options = options;
    this.#answers = new AnswerScript(options.answers ?? 'ok');
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
    return this.#options.path ?? (DEFAULT_PATHS[0] as string);
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port ?? 0, this.#options.host ?? '127.0.0.1', resolve);
    });
  }

  respond(answers: BackendScript): void {
    this.#answers.replace(answers);
  }

  until(condition: (backend: OtlpBackend) => boolean, timeoutMillis = 5_000): Promise<void> {
    const seen = () => `${this.requestCount} requests and ${this.spans} spans`;
    return this.#watchers.until(() => condition(this), timeoutMillis, seen);
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
      this.#watchers.look();
    });
    try {
      const wire = await readBody(message, this.#maxBodyBytes);
      if (wire === undefined) refuseBody(message, response);
      else await this.#answer(await this.#record(message, wire), response);
    } catch (error) {
      // The client disconnected in the middle of the body, or a callback of the test threw.
      if (!response.headersSent && !response.destroyed) response.writeHead(500).end(String(error));
    }
  }

  get #maxBodyBytes(): number {
    return this.#options.maxBodyBytes ?? DEFAULT_BYTES;
  }

  async #record(message: IncomingMessage, wire: Uint8Array): Promise<RecordedRequest> {
    const { decode } = this.#options;
    const content = await decodeContent(message, wire, {
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
    this.receivedItems += request.items;
    this.requests.push(request);
    this.#recordedBytes += request.body.length;
    this.#forgetOldest();
    this.#watchers.look();
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
      this.#watchers.look();
    });
    const answer = await this.#choose(request);
    request.answer = answer;
    this.#watchers.look();
    if (answer === 'reset') response.socket?.resetAndDestroy();
    else if (answer !== 'hang') await this.#reply(request, answer === 'ok' ? {} : answer, response);
  }

  #choose(request: BackendRequest): BackendAnswer | Promise<BackendAnswer> {
    const paths = this.#options.path === undefined ? DEFAULT_PATHS : [this.#options.path];
    if (!paths.includes(pathOf(request.path))) return { status: 404 };
    if (request.problem !== undefined) return { status: 400, body: request.problem };
    return this.#answers.next(request);
  }

  async #reply(request: RecordedRequest, reply: BackendReply, response: ServerResponse): Promise<void> {
    if (reply.delayMillis !== undefined) await this.#delay(reply.delayMillis);
    if (response.destroyed) return;
    const signal = signalAt(pathOf(request.path));
    const body = replyBody(reply, isJson(request.headers), signal);
    const type = isJson(request.headers) ? 'application/json' : 'application/x-protobuf';
    // Counted before the answer is written, so that the count is right when the client receives it.
    if (isSuccess(reply)) this.#accept(request.items - (reply.partialSuccess?.rejected ?? 0), signal);
    response.writeHead(reply.status ?? 200, { 'content-type': type, ...reply.headers }).end(body);
  }

  #accept(items: number, signal: SignalName): void {
    this.items += items;
    if (signal === 'traces') this.spans += items;
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
}
