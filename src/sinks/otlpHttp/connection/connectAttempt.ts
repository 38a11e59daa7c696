import type { Socket } from 'node:net';
import type { AttemptPhase } from '../../../model/sink.ts';
import type { SocketOpener } from './socketOpener.ts';

/**
 * The system repeats an unanswered request to connect after a second, so the second one is answered within this. A new attempt begins with the first again. A process that ends by itself lives on for
 * this long at most, since a request to connect holds it.
 */
const MAX_CONNECT_MILLIS = 2_000;
/** Longer than any handshake. The timeout of an export is usually shorter; this limit counts where exports overlap, so that one of them always waits. */
const MAX_HANDSHAKE_MILLIS = 30_000;

export type ConnectPhase = Extract<AttemptPhase, 'resolving' | 'connecting' | 'securing'>;

export interface ConnectTarget {
  /** A name or an address, without brackets; `undefined` for a socket of this machine. */
  readonly hostname: string | undefined;
  readonly isSecure: boolean;
}

export interface ConnectListener {
  /** The oldest attempt has come this far. */
  entered(phase: ConnectPhase): void;
  connected(socket: Socket): void;
  /** An attempt failed: refused, not found, a certificate that does not fit. */
  failed(error: unknown): void;
}

export interface ConnectAttemptListener extends ConnectListener {
  tookTooLong(): void;
}

/** One attempt to connect. After its end it calls its listener no more. */
export class ConnectAttempt {
  phase: ConnectPhase;
  readonly #target: ConnectTarget;
  readonly #listener: ConnectAttemptListener;
  #socket: Socket | undefined;
  #limit: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(target: ConnectTarget, listener: ConnectAttemptListener) {
    this.#target = target;
    this.#listener = listener;
    this.phase = isName(target.hostname) ? 'resolving' : 'connecting';
  }

  async begin(opener: SocketOpener): Promise<void> {
    try {
      const connect = await opener();
      if (this.#isOver) return;
      this.#watch(connect((error, socket) => this.#done(error, socket)));
    } catch (thrown) {
      if (!this.#isOver) this.#fail(thrown);
    }
  }

  /** Destroys the socket: the connection is not wanted. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#limit);
    this.#socket?.destroy();
  }

  #watch(socket: Socket): void {
    this.#socket = socket;
    if (this.phase === 'connecting') this.#limitTo(MAX_CONNECT_MILLIS);
    // Emitted once for each address of the name.
    socket.on('lookup', (error: Error | null) => {
      if (error === null && this.phase === 'resolving') this.#enter('connecting', MAX_CONNECT_MILLIS);
    });
    if (this.#target.isSecure) socket.once('connect', () => this.#enter('securing', MAX_HANDSHAKE_MILLIS));
  }

  #enter(phase: ConnectPhase, limitMillis: number): void {
    if (this.#isOver) return;
    this.phase = phase;
    this.#limitTo(limitMillis);
    this.#listener.entered(phase);
  }

  #limitTo(millis: number): void {
    clearTimeout(this.#limit);
    this.#limit = setTimeout(() => this.#listener.tookTooLong(), millis).unref();
  }

  #done(error: Error | null, socket: Socket | null): void {
    if (this.#isOver) {
      socket?.destroy();
    } else if (socket === null) {
      this.#fail(error);
    } else {
      this.#isOver = true;
      clearTimeout(this.#limit);
      this.#listener.connected(socket);
    }
  }

  #fail(error: unknown): void {
    this.end();
    this.#listener.failed(error);
  }
}

function isName(hostname: string | undefined): boolean {
  return hostname !== undefined && process.getBuiltinModule('node:net').isIP(hostname) === 0;
}
