import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';
import { untraced } from '../../../internal/tracingSuppression.ts';
import { BodyPace } from '../admission/bodyPace.ts';
import { OpenRequests } from '../admission/openRequests.ts';
import { type Listening, listening } from '../listening.ts';
import type { HttpSettings } from '../options.ts';
import type { Reception } from '../reception.ts';
import { secureContext } from '../serverTls.ts';
import { internal, type Verdict } from '../verdict.ts';
import { answer, discardRest } from './answer.ts';
import { answerCors } from './cors.ts';
import { readBody } from './readBody.ts';
import { formatOf, isVerdict, type Route, routeOf } from './route.ts';

/** A little longer than the minute in which metric readers send by default. */
const KEEP_ALIVE_MILLIS = 65_000;
/** How often Node looks for heads and requests that take too long. */
const LOOK_MILLIS = 1_000;

/** The server for OTLP/HTTP. */
export class HttpReceiver {
  readonly #reception: Reception;
  readonly #settings: HttpSettings;
  readonly #server: Server;
  readonly #pace: BodyPace;
  readonly #answers: Record<string, number> = {}; // by status
  readonly #open: OpenRequests;
  readonly #sockets = new Set<Socket>(); // also those of which TLS has made no connection yet

  constructor(settings: HttpSettings, reception: Reception) {
    this.#settings = settings;
    this.#reception = reception;
    this.#pace = new BodyPace(reception.settings.scheduler, settings.minBytesPerSecond);
    this.#open = new OpenRequests(settings.maxOpenRequests);
    this.#server = serverOf(settings);
    const handle = (request: IncomingMessage, response: ServerResponse) =>
      untraced(() => void this.#handle(request, response));
    this.#server.on('request', handle);
    // Without a listener, Node asks for the body of a request that is refused.
    this.#server.on('checkContinue', handle);
    this.#server.maxConnections = settings.maxConnections;
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** How requests were answered, by status. */
  get answers(): Readonly<Record<string, number>> {
    return { ...this.#answers };
  }

  /** That are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  listen(): Promise<Listening> {
    return untraced(() => listening(this.#server, this.#settings, 'http'));
  }

  /** Accepts no connection any more, and closes those that are idle. */
  stop(): void {
    if (this.#server.listening) this.#server.close();
    this.#server.closeIdleConnections();
  }

  /** Closes every connection. */
  close(): void {
    this.stop();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const end = this.#reception.begin();
    response.on('error', () => {}).on('close', end);
    request.on('error', () => {});
    if (this.#reception.isClosing) response.shouldKeepAlive = false;
    if (answerCors(request, response, this.#settings)) return;
    const refused = this.#reception.authorize(request.headers.authorization);
    const route = refused ?? routeOf(request);
    if (isVerdict(route)) this.#refuse(request, response, route);
    else await this.#read(request, response, route);
  }

  async #read(request: IncomingMessage, response: ServerResponse, route: Route): Promise<void> {
    const { contentLength = 0, coding, signal } = route;
    const giveBack = this.#open.take(request.socket);
    if (giveBack === undefined) return this.#refuse(request, response, this.#reception.tooManyOpen());
    response.on('close', giveBack);
    const lease = this.#reception.lease(request.socket);
    const refused = this.#reception.admit(signal, contentLength) ?? this.#room(lease, coding ? 0 : contentLength);
    if (refused !== undefined) return this.#refuse(request, response, refused);
    if (request.headers.expect !== undefined) response.writeContinue();
    const endReading = this.#reception.beginReading();
    const body = await readBody(request, { reception: this.#reception, route, lease, pace: this.#pace });
    if (Buffer.isBuffer(body)) this.#receive(response, body, route);
    lease.giveBack();
    endReading();
    if (body !== undefined && !Buffer.isBuffer(body)) this.#refuse(request, response, body);
  }

  #receive(response: ServerResponse, body: Buffer, route: Route): void {
    let waiting: ServerResponse | undefined = response; // let go with its sender: what has come goes on, and may take long
    response.on('close', () => {
      waiting = undefined;
    });
    const reply = (verdict: Verdict) => this.#answer(waiting, verdict, route);
    try {
      this.#reception.receive(route.signal, route.format, body, reply);
    } catch {
      reply(internal('the request could not be taken'));
    }
  }

  #room(lease: ReturnType<Reception['lease']>, bytes: number): Verdict | undefined {
    return lease.reach(bytes) ? undefined : this.#reception.noBytes();
  }

  #answer(response: ServerResponse | undefined, verdict: Verdict, { format, signal }: Route): void {
    this.#count(verdict);
    if (response === undefined) return;
    if (this.#reception.isClosing && !response.headersSent) response.shouldKeepAlive = false;
    answer(response, verdict, format, signal);
  }

  #refuse(request: IncomingMessage, response: ServerResponse, verdict: Verdict): void {
    this.#count(verdict);
    answer(response, verdict, formatOf(request));
    discardRest(request, this.#reception.settings.scheduler);
  }

  #count({ status }: Verdict): void {
    this.#answers[status] = (this.#answers[status] ?? 0) + 1;
  }
}

function serverOf({ tls, headersTimeoutMillis, requestTimeoutMillis }: HttpSettings): Server {
  const options: ServerOptions = {
    headersTimeout: headersTimeoutMillis,
    requestTimeout: requestTimeoutMillis,
    keepAliveTimeout: KEEP_ALIVE_MILLIS,
    connectionsCheckingInterval: LOOK_MILLIS,
    noDelay: true,
  };
  if (tls === undefined) return createServer(options);
  const isMutual = tls.clientCa !== undefined;
  const handshake = { handshakeTimeout: headersTimeoutMillis, requestCert: isMutual, rejectUnauthorized: isMutual };
  return createSecureServer({ ...options, ...secureContext(tls), ...handshake });
}
