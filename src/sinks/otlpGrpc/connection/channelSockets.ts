import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Whose connection is being made. */
const owner = new AsyncLocalStorage<ChannelSockets>();

/** Node publishes each socket of a client here, when it is made. */
const NEW_SOCKET = 'net.client.socket';
const onSocket = (message: unknown) => owner.getStore()?.keep((message as { socket: Socket }).socket);
let isWatching = false; // since the first channel of the process

/**
 * The sockets of one channel.
 *
 * Why watch them? `@grpc/grpc-js` does not end an attempt to connect, not even when its channel is closed, and may begin another one a second later; and each attempt holds the process, for two minutes
 * where a host does not answer.
 */
export class ChannelSockets {
  readonly #sockets = new Set<Socket>();
  #isOver = false;

  constructor() {
    if (!isWatching) subscribe(NEW_SOCKET, onSocket);
    isWatching = true;
  }

  /** Runs what may make the channel connect, now or later. */
  within<R>(work: () => R): R {
    return owner.run(this, work);
  }

  keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    // It begins to connect after this, which a socket that is destroyed now would do as well.
    if (this.#isOver) process.nextTick(() => socket.destroy());
  }

  /** Destroys all of them, and those to come. */
  end(): void {
    this.#isOver = true;
    for (const socket of this.#sockets) socket.destroy();
  }
}
