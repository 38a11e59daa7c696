import { createServer, type Server as NetServer, type Socket } from 'node:net';
import type { ConnectionInjector, Server, ServerCredentials, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { after } from '../../../internal/timers.ts';
import { untraced } from '../../../internal/tracingSuppression.ts';
import type { SignalName } from '../../../model/signal.ts';
import { encodeResponse } from '../../../otlp/responses/encodeResponse.ts';
import { SIGNAL_NAMES } from '../../../otlp/signals.ts';
import { type GrpcJs, requireGrpcJs } from '../../../peers/grpcJs.ts';
import { FixedDelays } from '../../shared/fixedDelays.ts';
import { BodyPace } from '../admission/bodyPace.ts';
import { OpenRequests } from '../admission/openRequests.ts';
import { ReadingSlots } from '../admission/readingSlots.ts';
import { type Listening, listening } from '../listening.ts';
import { type GrpcSettings, HTTP_RECEIVER_DEFAULTS, OWNER } from '../options.ts';
import type { Reception } from '../reception.ts';
import type { ServerTlsOptions } from '../serverTls.ts';
import { RECEIVED } from '../signals.ts';
import { internal, partialSuccessOf, type Verdict } from '../verdict.ts';
import { callInterceptor } from './callInterceptor.ts';
import { statusOf } from './grpcStatus.ts';

/** Calls at a time on one connection; OTLP's clients have some ten at most. */
const MAX_STREAMS = 64;
/** Calls that wait to be read, of all connections: of each, 64 KiB may have come. */
const MAX_WAITING_CALLS = 256;
/** How long a call waits before a connection that has more slots than its own has to give one back: a call that is not held up has been read by then. */
const PATIENCE_MILLIS = 1_000;
/** How long the message of a call may take to come, once it is read. */
const READ_MILLIS = 20_000;
/** A connection without a call for this long is closed. A client opens another one. */
const IDLE_MILLIS = 300_000;
/** How long a connection may stay open when every call is answered, at the end: its client was asked to go, and has its answers by then. */
const LEAVE_MILLIS = 1_000;
/** How long the calls of a connection may go on after the end; the receiver closes them before, at its own deadline. */
const DRAIN_MILLIS = 2 ** 31 - 1;

/** The server for OTLP/gRPC. It accepts its connections itself, so that they are bounded. */
export class GrpcReceiver {
  readonly #settings: GrpcSettings;
  readonly #reception: Reception;
  readonly #answers: Record<string, number> = {}; // by code
  readonly #sockets = new Set<Socket>();
  #whenGone: (() => void)[] = []; // what waits for the end of all connections
  #listener: NetServer | undefined;
  #server: Server | undefined;
  #injector: ConnectionInjector | undefined;

  constructor(settings: GrpcSettings, reception: Reception) {
    this.#settings = settings;
    this.#reception = reception;
  }

  /** How calls were answered, by code. */
  get answers(): Readonly<Record<string, number>> {
    return { ...this.#answers };
  }

  /** That are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  listen(): Promise<Listening> {
    const grpc = requireGrpcJs(`${OWNER}({ grpc })`);
    const server = this.#serverOf(grpc);
    const injector = server.createConnectionInjector(credentialsOf(grpc, this.#settings.tls));
    const listener = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#gone(socket)).on('error', () => {});
      injector.injectConnection(socket);
    });
    listener.maxConnections = this.#settings.maxConnections;
    this.#server = server;
    this.#injector = injector;
    this.#listener = listener;
    return untraced(() => listening(listener, this.#settings, 'grpc'));
  }

  /** Accepts no connection any more, asks clients to go when their calls are answered, and closes connections on which nothing has been said: those do not know how to go. */
  stop(): void {
    if (this.#listener?.listening) this.#listener.close();
    this.#injector?.drain(DRAIN_MILLIS);
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy();
  }

  /** Every call is answered. After `stop`, connections close behind their last answer; those that do not are closed. Resolves when none is open. */
  leave(): Promise<void> {
    if (this.#sockets.size === 0) return Promise.resolve();
    const timer = after(this.#reception.settings.scheduler, LEAVE_MILLIS, () => this.close());
    return new Promise((resolve) => {
      this.#whenGone.push(() => {
        timer.unsubscribe();
        resolve();
      });
    });
  }

  /** Closes every connection. */
  close(): void {
    if (this.#listener?.listening) this.#listener.close();
    this.#server?.forceShutdown();
    for (const socket of this.#sockets) socket.destroy();
  }

  #gone(socket: Socket): void {
    this.#sockets.delete(socket);
    if (this.#sockets.size === 0) for (const work of this.#whenGone.splice(0)) work();
  }

  #serverOf(grpc: GrpcJs): Server {
    const { maxRequestBytes, maxBytesInFlight, scheduler } = this.#reception.settings;
    const interceptor = callInterceptor(grpc, {
      reception: this.#reception,
      open: new OpenRequests(this.#settings.maxOpenRequests),
      slots: new ReadingSlots(Math.floor(maxBytesInFlight / maxRequestBytes), MAX_WAITING_CALLS),
      patience: new FixedDelays(scheduler, PATIENCE_MILLIS),
      readTimes: new FixedDelays(scheduler, READ_MILLIS),
      pace: new BodyPace(scheduler, HTTP_RECEIVER_DEFAULTS.minBytesPerSecond),
      count: (verdict) => this.#count(verdict),
    });
    const server = new grpc.Server({
      interceptors: [interceptor],
      'grpc.max_receive_message_length': maxRequestBytes,
      'grpc.max_concurrent_streams': MAX_STREAMS,
      'grpc.max_connection_idle_ms': IDLE_MILLIS,
      'grpc.enable_channelz': 0,
    });
    for (const signal of SIGNAL_NAMES) this.#serve(grpc, server, signal);
    return server;
  }

  #serve(grpc: GrpcJs, server: Server, signal: SignalName): void {
    const bytes = (message: Buffer) => message;
    const method = {
      ...{ path: RECEIVED[signal].method, requestStream: false, responseStream: false },
      ...{ requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes },
    } as const;
    const Export = (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) =>
      untraced(() => this.#receive(grpc, signal, call, answer));
    server.addService({ Export: method }, { Export });
  }

  #receive(
    grpc: GrpcJs,
    signal: SignalName,
    call: ServerUnaryCall<Buffer, Buffer>,
    answer: sendUnaryData<Buffer>,
  ): void {
    const end = this.#reception.begin();
    let waiting: typeof answer | undefined = answer; // let go with its sender: what has come goes on, and may take long
    const reply = (verdict: Verdict) => {
      this.#count(verdict);
      if (verdict.code === 0) waiting?.(null, Buffer.from(encodeResponse(partialSuccessOf(verdict))));
      else waiting?.(statusOf(grpc, verdict));
      end();
    };
    call.on('cancelled', () => {
      waiting = undefined;
      end();
    });
    try {
      this.#reception.receive(signal, 'protobuf', call.request, reply);
    } catch {
      reply(internal('the request could not be taken'));
    }
  }

  #count({ code }: Verdict): void {
    this.#answers[code] = (this.#answers[code] ?? 0) + 1;
  }
}

function credentialsOf(
  { ServerCredentials: Credentials }: GrpcJs,
  tls: ServerTlsOptions | undefined,
): ServerCredentials {
  if (tls === undefined) return Credentials.createInsecure();
  const { cert, key, clientCa } = tls;
  const authorities = clientCa === undefined ? null : Buffer.from([clientCa].flat().join('\n'));
  const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) };
  return Credentials.createSsl(authorities, [pair], clientCa !== undefined);
}
