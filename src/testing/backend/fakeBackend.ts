import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { CONTENT_TYPES } from '../../inputs/otlpReceiver/http/answer.ts';
import { answerCors } from '../../inputs/otlpReceiver/http/cors.ts';
import { isVerdict, type Route } from '../../inputs/otlpReceiver/http/route.ts';
import type { Verdict } from '../../inputs/otlpReceiver/verdict.ts';
import { cannotListen } from '../../internal/cannotListen.ts';
import { SIGNALS } from '../../otlp/signals.ts';
import { afterRealMillis } from '../time/realTime.ts';
import { AnswerScript } from './answerScript.ts';
import { Watchers } from './conditions.ts';
import { type BackendAnswer, type BackendReply, isSuccess, replyBody } from './otlpAnswer.ts';
import type { BackendScript, OtlpBackend, OtlpBackendOptions } from './otlpBackendApi.ts';
import type { RecordedRequest } from './otlpRequest.ts';
import { type ReadRequest, RequestReader } from './requestReader.ts';

const DEFAULT_BYTES = 64 * 1024 * 1024;

/**
 * A fake backend: its server, its recorded requests and its counts.
 *
 * What a request is, how much of it is read and how it is decompressed, decoded and refused is the receiver's. The server is not: a script answers with any status, headers and body, delays, and ends connections, and a request is to be seen with its headers, also where a receiver would have refused it.
 */
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
  readonly #reader: RequestReader;
  #recordedBytes = 0;

  constructor(options: OtlpBackendOptions) {
    this.#options = options;
    this.#answers = new AnswerScript(options.answers ?? 'ok');
    this.#reader = new RequestReader(options, options.maxBodyBytes ?? DEFAULT_BYTES);
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
    return this.#options.path ?? SIGNALS.traces.path;
  }

  listen(): Promise<void> {
    const { port = 0, host = '127.0.0.1' } = this.#options;
    const place = { host, port };
    const freePort = 'leave port out for any that is free (url tells which)';
    return new Promise((resolve, reject) => {
      const what = `otlpBackend cannot listen on ${host}`;
      this.#server.once('error', (cause) => reject(cannotListen(what, { cause, ...place }, freePort)));
      this.#server.listen(place, resolve);
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
    if (answerCors(message, response, this.#options)) return;
    this.inFlight += 1;
    this.maxInFlight = Math.max(this.maxInFlight, this.inFlight);
    response.on('close', () => {
      this.inFlight -= 1;
      this.#watchers.look();
    });
    message.on('error', () => {});
    try {
      const read = await this.#reader.read(message);
      if (read === undefined) return; // the client has gone
      const { route } = read;
      if (isVerdict(route)) this.#refuse(message, response, read, route);
      else await this.#answer(this.#record(message, read), route, response);
    } catch (error) {
      // A callback of the test threw.
      if (!response.headersSent && !response.destroyed) response.writeHead(500).end(String(error));
    }
  }

  /** What is too large is not recorded. */
  #refuse(message: IncomingMessage, response: ServerResponse, read: ReadRequest, verdict: Verdict): void {
    const { status, message: problem } = verdict;
    if (status !== 413) Object.assign(this.#record(message, read), { problem, answer: { status } });
    this.#reader.refuse(message, response, verdict);
  }

  #record(message: IncomingMessage, { content }: ReadRequest): RecordedRequest {
    const request: RecordedRequest = {
      index: this.requestCount,
      method: message.method ?? '',
      path: message.url ?? '',
      headers: message.headers,
      atMillis: performance.now() - this.#startedMillis,
      problem: undefined,
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

  async #answer(request: RecordedRequest, route: Route, response: ServerResponse): Promise<void> {
    response.on('close', () => {
      request.aborted = !response.writableFinished && request.answer !== 'reset';
      this.#watchers.look();
    });
    const answer: BackendAnswer = await this.#answers.next(request);
    request.answer = answer;
    this.#watchers.look();
    if (answer === 'reset') response.socket?.resetAndDestroy();
    else if (answer !== 'hang') await this.#reply(request, answer === 'ok' ? {} : answer, route, response);
  }

  async #reply(request: RecordedRequest, reply: BackendReply, route: Route, response: ServerResponse): Promise<void> {
    if (reply.delayMillis !== undefined) await this.#delay(reply.delayMillis);
    if (response.destroyed) return;
    // Counted before the answer is written, so that the count is right when the client receives it.
    if (isSuccess(reply)) this.#accept(request.items - (reply.partialSuccess?.rejected ?? 0), route);
    const headers = { 'content-type': CONTENT_TYPES[route.format], ...reply.headers };
    response.writeHead(reply.status ?? 200, headers).end(replyBody(reply, route));
  }

  #accept(items: number, { signal }: Route): void {
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
