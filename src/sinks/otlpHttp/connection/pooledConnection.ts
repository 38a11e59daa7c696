import type { Socket } from 'node:net';
import type { Client, Dispatcher } from 'undici';
import { outsideAnyContext } from '../../../internal/timers.ts';
import { untraced } from '../../../internal/tracingSuppression.ts';
import { InformationalAnswers } from './informationalAnswers.ts';

/** One connection, for one request at a time. */
export class PooledConnection {
  /** Of the backend, or of the proxy. */
  readonly address: string | undefined;
  /** By then it is replaced. */
  readonly endMillis: number;
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #informational: InformationalAnswers;
  #requests = 0; // that were begun

  constructor(client: Client, socket: Socket, endMillis: number, onClose: (connection: PooledConnection) => void) {
    this.address = socket.remoteAddress;
    this.endMillis = endMillis;
    this.#client = client;
    this.#socket = socket;
    this.#informational = new InformationalAnswers(socket);
    socket.once('close', () => onClose(this));
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** Whether no request has used it yet. */
  get isFresh(): boolean {
    return this.#requests === 0;
  }

  /** Whether its current request, or the last one, is its first. */
  get isFirstRequest(): boolean {
    return this.#requests === 1;
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    // Timers and listeners of the client outlive the request that causes them.
    outsideAnyContext(() => untraced(() => this.#client.dispatch(options, handler)));
  }

  /** A request is about to be written to it. */
  begin(): void {
    this.#requests += 1;
    this.#informational.expect();
  }

  async destroy(): Promise<void> {
    this.#socket.destroy();
    await this.#client.destroy();
  }
}
