// A backend of OTLP/gRPC on the real server of `@grpc/grpc-js`, which answers each call as it is told.

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { SIGNALS } from '../../src/otlp/signals.ts';
import { Watchers } from '../../src/testing/backend/conditions.ts';
import type { Identity } from './httpCertificates.ts';

/** Longer than any test: who waits for nothing is told so all the same. */
const WAIT_MILLIS = 60_000;

/** One call that has arrived whole. */
export interface GrpcArrival {
  /** The method's path. */
  readonly method: string;
  readonly message: Buffer;
  readonly metadata: Readonly<Record<string, string | Buffer>>;
  /** How much time the client gives from now on, in milliseconds. */
  readonly leftMillis: number;
  /** Whether the client has cancelled it since. */
  isCancelled: boolean;
}

/** A status, 0 when left out; or no answer at all. */
export type GrpcAnswer =
  | 'never'
  | {
      readonly code?: number;
      readonly details?: string;
      /** A `google.rpc.Status`, for the trailer `grpc-status-details-bin`. */
      readonly status?: Buffer;
      /** Of a success. */
      readonly message?: Buffer;
      /** Answers with headers before the status. */
      readonly headersFirst?: boolean;
    };

export interface GrpcBackendOptions {
  /** The answer to each call, or a function that gives it. Default: success. */
  readonly answers?: GrpcAnswer | ((arrival: GrpcArrival, index: number) => GrpcAnswer | Promise<GrpcAnswer>);
  /** With it, the backend has TLS. */
  readonly identity?: Identity;
  /** Of the authority of clients that are let in. */
  readonly clientAuthority?: string;
  /** Default: any. */
  readonly port?: number;
  /** The path of a Unix socket to listen on instead. */
  readonly path?: string;
  /** The largest message that the server takes. Default 4 MiB, as everywhere. */
  readonly maxMessageBytes?: number;
}

export interface GrpcBackend {
  /** `http://127.0.0.1:…`, `https://…` or `unix:…` */
  readonly url: string;
  readonly port: number;
  readonly arrivals: readonly GrpcArrival[];
  /** Connections there were, and those that are open. */
  readonly connections: number;
  readonly openConnections: number;
  /** Resolves as soon as the condition holds; it is looked at whenever something arrives, begins or ends. */
  until(condition: (backend: GrpcBackend) => boolean): Promise<void>;
  /** Breaks all connections. */
  breakConnections(): void;
  /** Says GOAWAY on all connections, and ends them when their calls are answered. */
  goAway(): void;
  close(): Promise<void>;
}

/** Starts one that ends with the test. */
export async function grpcBackend(options: GrpcBackendOptions = {}): Promise<GrpcBackend> {
  const backend = new ScriptedBackend(options);
  await backend.listen();
  onTestFinished(() => backend.close());
  return backend;
}

class ScriptedBackend implements GrpcBackend {
  readonly arrivals: GrpcArrival[] = [];
  connections = 0;
  port = 0;
  readonly #options: GrpcBackendOptions;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #watchers = new Watchers();
  readonly #onSocket = (message: unknown) => this.#accept((message as { socket: Socket }).socket);

  constructor(options: GrpcBackendOptions) {
    this.#options = options;
    const maxBytes = options.maxMessageBytes;
    this.#server = new Server(maxBytes === undefined ? {} : { 'grpc.max_receive_message_length': maxBytes });
    for (const { method } of Object.values(SIGNALS)) this.#serve(method);
  }

  get url(): string {
    const { path, identity } = this.#options;
    return path === undefined ? `http${identity === undefined ? '' : 's'}://127.0.0.1:${this.port}` : `unix:${path}`;
  }

  get openConnections(): number {
    return this.#open.size;
  }

  async listen(): Promise<void> {
    const { path, port = 0, identity, clientAuthority } = this.#options;
    const credentials =
      identity === undefined
        ? ServerCredentials.createInsecure()
        : ServerCredentials.createSsl(
            clientAuthority === undefined ? null : Buffer.from(clientAuthority),
            [{ cert_chain: Buffer.from(identity.cert), private_key: Buffer.from(identity.key) }],
            clientAuthority !== undefined,
          );
    const address = path === undefined ? `127.0.0.1:${port}` : `unix:${path}`;
    this.port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(address, credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
    });
    subscribe('net.server.socket', this.#onSocket);
  }

  async close(): Promise<void> {
    unsubscribe('net.server.socket', this.#onSocket);
    this.#server.forceShutdown();
    this.breakConnections();
  }

  breakConnections(): void {
    for (const socket of this.#open) socket.destroy();
  }

  goAway(): void {
    this.#server.drain(`127.0.0.1:${this.port}`, WAIT_MILLIS);
  }

  until(condition: (backend: GrpcBackend) => boolean): Promise<void> {
    const seen = () => `${this.arrivals.length} calls on ${this.connections} connections`;
    return this.#watchers.until(() => condition(this), WAIT_MILLIS, seen);
  }

  #accept(socket: Socket): void {
    if (this.#options.path === undefined && socket.localPort !== this.port) return;
    this.connections += 1;
    this.#open.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      this.#watchers.look();
    });
    this.#watchers.look();
  }

  #serve(method: string): void {
    const same = (bytes: Buffer) => bytes;
    const codec = {
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    };
    const definition = { Export: { path: method, requestStream: false, responseStream: false, ...codec } };
    const answer = (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) =>
      void this.#answer(method, call, done);
    this.#server.addService(definition as ServiceDefinition, { Export: answer as UntypedHandleCall });
  }

  async #answer(method: string, call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>): Promise<void> {
    const deadline = call.getDeadline();
    const arrival: GrpcArrival = {
      method,
      message: call.request,
      metadata: call.metadata.getMap(),
      leftMillis: Number(deadline) - Date.now(),
      isCancelled: false,
    };
    call.on('cancelled', () => {
      arrival.isCancelled = true;
      this.#watchers.look();
    });
    this.arrivals.push(arrival);
    this.#watchers.look();
    const { answers = {} } = this.#options;
    const given = typeof answers === 'function' ? await answers(arrival, this.arrivals.length - 1) : answers;
    if (given === 'never') return;
    const { code = 0, details = '', status, message = Buffer.alloc(0), headersFirst = false } = given;
    const trailers = new Metadata();
    if (status !== undefined) trailers.set('grpc-status-details-bin', status);
    if (headersFirst) call.sendMetadata(new Metadata());
    if (code === 0) done(null, message);
    else done({ code, details, metadata: trailers });
  }
}
