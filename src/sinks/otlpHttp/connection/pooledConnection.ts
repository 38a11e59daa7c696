import type { Socket } from 'node:net';
import type { Client, Dispatcher } from 'undici';
import { outsideAnyContext } from '../../../internal/timers.ts';
import { untraced } from '../../../internal/tracingSuppression.ts';
import { InformationalAnswers } from './informationalAnswers.ts';

/** One connection, for one request at a time. */
export class PooledConnection {
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #informational: InformationalAnswers;
  /** Whether no request has used it yet. */
  isFresh = true;

  constructor(client: Client, socket: Socket, onClose: (connection: PooledConnection) => void) {
    this.#client = client;
    this.#socket = socket;
    this.#informational = new InformationalAnswers(socket);
    socket.once('close', () => onClose(this));
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    // Timers and listeners of the client outlive the request that causes them.
    outsideAnyContext(() => untraced(() => this.#client.dispatch(options, handler)));
  }

  /** A request is about to be written to it. */
  begin(): void {
    this.isFresh = false;
    this.#informational.expect();
  }

  async destroy(): Promise<void> {
    this.#socket.destroy();
    await this.#client.destroy();
  }
}
