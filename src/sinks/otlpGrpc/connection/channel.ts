import type { Client, ClientUnaryCall, Metadata, ServiceError } from '@grpc/grpc-js';
import { outsideAnyContext } from '../../../internal/timers.ts';
import { untraced } from '../../../internal/tracingSuppression.ts';
import type { ChannelSockets } from './channelSockets.ts';
import type { GrpcJs } from './grpcJs.ts';

/** One call, as it is made. */
export interface CallRequest {
  /** The method's path. */
  readonly method: string;
  readonly message: Buffer;
  readonly metadata: Metadata;
  /** On the wall clock, as gRPC wants it, or `Infinity`. */
  readonly deadlineMillis: number;
}

/** Follows one call. */
export interface CallWatch {
  /** The connection is there, and the call leaves the process. Until then nothing of it was sent. */
  sending(): void;
  /** The answer has begun. */
  headed(): void;
  /** Called once, with the answer's message, or with a status other than OK, the backend's or gRPC's own. */
  ended(error: ServiceError | null, message: Buffer | undefined): void;
}

/** One connection to the backend, for all calls at a time: a channel of gRPC that is not used again when it has lost its connection. */
export class Channel {
  /** By then it is replaced. */
  readonly endMillis: number;
  /** When a call was answered last, whichever. */
  answeredAtMillis = Number.NEGATIVE_INFINITY;
  /** Calls on it, and those about to be made. */
  users = 0;
  /** Takes no new calls. */
  isRetired = false;
  readonly #client: Client;
  readonly #grpc: GrpcJs;
  readonly #sockets: ChannelSockets;
  readonly #calls = new Set<ClientUnaryCall>();
  #hasConnected = false;

  constructor(client: Client, grpc: GrpcJs, sockets: ChannelSockets, endMillis: number) {
    this.endMillis = endMillis;
    this.#client = client;
    this.#grpc = grpc;
    this.#sockets = sockets;
  }

  /** Whether it is connected, or its first attempt to connect goes on. */
  get isAlive(): boolean {
    const { IDLE, CONNECTING, READY } = this.#grpc.connectivityState;
    const state = this.#client.getChannel().getConnectivityState(false);
    return state === READY || (!this.#hasConnected && (state === IDLE || state === CONNECTING));
  }

  get wasAnswered(): boolean {
    return this.answeredAtMillis > Number.NEGATIVE_INFINITY;
  }

  get hasConnected(): boolean {
    return this.#hasConnected;
  }

  /** Returns what cancels the call. */
  call({ method, message, metadata, deadlineMillis }: CallRequest, watch: CallWatch): () => void {
    // gRPC asks for the credentials of a call when it has a connection for it.
    const credentials = this.#grpc.CallCredentials.createFromMetadataGenerator((_, done) => {
      this.#hasConnected = true;
      watch.sending();
      done(null, new this.#grpc.Metadata());
    });
    const make = () =>
      this.#client.makeUnaryRequest(
        method,
        same,
        same,
        message,
        metadata,
        { deadline: deadlineMillis, credentials },
        (error, answer) => {
          this.#calls.delete(made);
          watch.ended(error, answer);
        },
      );
    const made = outsideAnyContext(() => untraced(() => this.#sockets.within(make)));
    this.#calls.add(made);
    made.on('metadata', () => watch.headed());
    return () => made.cancel();
  }

  /** Cancels its calls, and ends its connection and what is left of an attempt to connect. */
  close(): void {
    this.isRetired = true;
    for (const call of this.#calls) call.cancel();
    // A call that has just been made has gRPC look for addresses, which are there two turns later: then it connects, and goes on trying for ever, whether the channel was closed meanwhile or not.
    setImmediate(() =>
      setImmediate(() => {
        this.#client.close();
        // A connection says goodbye first.
        setImmediate(() => this.#sockets.end());
      }),
    );
  }
}

function same(bytes: Buffer): Buffer {
  return bytes;
}
