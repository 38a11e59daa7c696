import type { Socket } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import { untraced } from '../../suppress.ts';
import { outsideAnyContext } from '../../timers.ts';
import { Continues } from './continues.ts';

const ENDED = 'the connection has ended';

/** One connection, for one request at a time. */
export class Line {
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #continues: Continues;
  /** Whether nothing was asked over it yet. */
  isFresh = true;

  constructor(origin: string, socket: Socket, onClose: (line: Line) => void) {
    this.#socket = socket;
    this.#continues = new Continues(socket);
    socket.once('close', () => onClose(this));
    let isTaken = false;
    this.#client = new Client(origin, {
      allowH2: false,
      pipelining: 1,
      // The deadline of an attempt belongs to whoever subscribed to it, and may be longer than any that is fixed here.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (_, callback) => {
        // It asks again when the connection has ended: then the request is for another line. It does not expect to be answered at once, and after some errors of its own it would ask again for ever.
        const isLost = isTaken || socket.destroyed;
        isTaken = true;
        queueMicrotask(() =>
          isLost ? callback(new Error(ENDED, { cause: socket.errored }), null) : callback(null, socket),
        );
      },
    });
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
