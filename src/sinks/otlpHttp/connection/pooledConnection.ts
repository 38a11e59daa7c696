import type { Socket } from 'node:net';
import type { Client, Dispatcher } from 'undici';
import { outsideAnyContext } from '../../../internal/timers.ts';
import { untraced } from '../../../internal/tracingSuppression.ts';
import { InformationalAnswers } from './informationalAnswers.ts';

/** One connection, for one request at a time. */
export class PooledConnection {
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #continues: InformationalAnswers;
  /** Whether nothing was asked over it yet. */
  isFresh = true;

  constructor(client: Client, socket: Socket, onClose: (connection: PooledConnection) => void) {
    this.#client = client;
    this.#socket = socket;
    this.#continues = new InformationalAnswers(socket);
    socket.once('close', () => onClose(this));
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    // What the client makes for itself (timers, listeners) outlives the request that it is made in.
    outsideAnyContext(() => untraced(() => this.#client.dispatch(options, handler)));
  }

  /** A request is written to it from now on. */
  begin(): void {
    this.isFresh = false;
    this.#continues.expect();
  }

  async destroy(): Promise<void> {
    this.#socket.destroy();
    await this.#client.destroy();
  }
}
