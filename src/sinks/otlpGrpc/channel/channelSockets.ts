import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Node publishes each socket of a client here, when it is made. */
const NEW_SOCKET = 'net.client.socket';

/** Whose connection is being made. */
const owner = new AsyncLocalStorage<ChannelSockets>();

/**
 * The sockets of one channel.
 *
 * Why watch them? `@grpc/grpc-js` does not end an attempt to connect, not even when its channel is closed; and each attempt holds the process, for two minutes where a host does not answer.
 */
export class ChannelSockets {
  readonly #sockets = new Set<Socket>();
  readonly #onSocket = (message: unknown) => {
    if (owner.getStore() === this) this.#keep((message as { socket: Socket }).socket);
  };

  constructor() {
    subscribe(NEW_SOCKET, this.#onSocket);
  }

  /** Runs what may make the channel connect, now or later. */
  within<R>(work: () => R): R {
    return owner.run(this, work);
  }

  /** Destroys those that are left, and watches no more. */
  end(): void {
    unsubscribe(NEW_SOCKET, this.#onSocket);
    for (const socket of this.#sockets) socket.destroy();
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}
