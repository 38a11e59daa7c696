import { isIP, type Socket } from 'node:net';
import type { AttemptPhase } from '../../../model/sink.ts';
import type { SocketOpener } from './socketOpener.ts';

export type ConnectPhase = Extract<AttemptPhase, 'resolving' | 'connecting' | 'securing'>;

/**
 * Within this the second request to connect is answered, which the system sends after a second; a new attempt begins with the first again. A process that ends by itself lives on for so long at most, since a request to
 * connect holds it.
 */
const MAX_CONNECT_MILLIS = 2_000;
/** Longer than any handshake: an attempt that is shorter ends it. It counts where attempts overlap, so that there is always one that waits. */
const MAX_HANDSHAKE_MILLIS = 30_000;
/** After a attempt without an answer nobody attempts: twice as long after each further one. */
const FIRST_GAP_MILLIS = 100;
const MAX_GAP_MILLIS = 1_000;

export interface ConnectTarget {
  /** A name or an address, without brackets. */
  readonly hostname: string;
  readonly isSecure: boolean;
}

export interface ConnectListener {
  /** The oldest attempt has come this far. */
  entered(phase: ConnectPhase): void;
  connected(socket: Socket): void;
  /** A attempt failed: refused, not found, a certificate that does not fit. */
  failed(error: unknown): void;
}

/**
 * Makes as many connections as are wanted: one at a time to a host to which none has come about since the last failure, all at once otherwise.
 *
 * A host that does not answer (a firewall that drops) would collect a socket for each attempt, and each would hold the process, whatever is unref'd: a request to connect does. So a attempt that
 * nobody wants any more is ended with its socket, one that takes too long too, and between two of them is a gap in which nothing holds the process.
 */
export class ConnectPacer {
  readonly #opener: SocketOpener;
  readonly #target: ConnectTarget;
  readonly #listener: ConnectListener;
  readonly #attempts: ConnectAttempt[] = []; // oldest first
  #wanted = 0; // connections
  #isAnswering = false; // whether one has come about since the last failure
  #silences = 0; // attempts without an answer, one after the other
  #gap: NodeJS.Timeout | undefined;

  constructor(opener: SocketOpener, target: ConnectTarget, listener: ConnectListener) {
    this.#opener = opener;
    this.#target = target;
    this.#listener = listener;
  }

  /** How many attempts are under way. */
  get underWay(): number {
    return this.#attempts.length;
  }

  /** Of the oldest attempt. */
  get phase(): ConnectPhase {
    return this.#attempts[0]?.phase ?? 'connecting';
  }

  /** How many connections are wanted from now on. Dials that are more than that go on: what they bring will be of use. */
  want(count: number): void {
    this.#wanted = count;
    if (this.#gap !== undefined) return;
    const most = this.#isAnswering ? count : Math.min(count, 1);
    while (this.#attempts.length < most) this.#connect();
  }

  /** As many are wanted, because an attempt waited in vain: attempts that are more than that end. */
  giveUp(count: number): void {
    while (this.#attempts.length > count) this.#unanswered(this.#attempts.at(-1) as ConnectAttempt);
    this.want(count);
  }

  close(): void {
    this.giveUp(0);
    this.#endGap();
  }

  #connect(): void {
    const attempt: ConnectAttempt = new ConnectAttempt(this.#target, {
      entered: (phase) => attempt === this.#attempts[0] && this.#listener.entered(phase),
      connected: (socket) => {
        this.#forget(attempt);
        this.#isAnswering = true;
        this.#endGap();
        this.#listener.connected(socket);
      },
      failed: (error) => {
        this.#forget(attempt);
        this.#isAnswering = false;
        this.#listener.failed(error);
      },
      tookTooLong: () => this.#unanswered(attempt),
    });
    this.#attempts.push(attempt);
    void attempt.begin(this.#opener);
  }

  #unanswered(attempt: ConnectAttempt): void {
    this.#forget(attempt);
    attempt.end();
    this.#isAnswering = false;
    if (this.#gap !== undefined) return;
    const gapMillis = Math.min(MAX_GAP_MILLIS, FIRST_GAP_MILLIS * 2 ** this.#silences);
    this.#silences += 1;
    this.#gap = setTimeout(() => {
      this.#gap = undefined;
      this.want(this.#wanted);
    }, gapMillis).unref();
  }

  #forget(attempt: ConnectAttempt): void {
    this.#attempts.splice(this.#attempts.indexOf(attempt), 1);
  }

  #endGap(): void {
    clearTimeout(this.#gap);
    this.#gap = undefined;
    this.#silences = 0;
  }
}

interface ConnectEvents extends ConnectListener {
  tookTooLong(): void;
}

/** One connection that is being made. It tells nothing once it was ended. */
class ConnectAttempt {
  phase: ConnectPhase;
  readonly #target: ConnectTarget;
  readonly #events: ConnectEvents;
  #socket: Socket | undefined;
  #limit: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(target: ConnectTarget, events: ConnectEvents) {
    this.#target = target;
    this.#events = events;
    this.phase = isIP(target.hostname) === 0 ? 'resolving' : 'connecting';
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

  /** Destroys the socket: nobody wants it. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#limit);
    this.#socket?.destroy();
  }

  #watch(socket: Socket): void {
    this.#socket = socket;
    if (this.phase === 'connecting') this.#limitTo(MAX_CONNECT_MILLIS);
    // Once for each address of the name.
    socket.on('lookup', (error: Error | null) => {
      if (error === null && this.phase === 'resolving') this.#enter('connecting', MAX_CONNECT_MILLIS);
    });
    if (this.#target.isSecure) socket.once('connect', () => this.#enter('securing', MAX_HANDSHAKE_MILLIS));
  }

  #enter(phase: ConnectPhase, limitMillis: number): void {
    if (this.#isOver) return;
    this.phase = phase;
    this.#limitTo(limitMillis);
    this.#events.entered(phase);
  }

  #limitTo(millis: number): void {
    clearTimeout(this.#limit);
    this.#limit = setTimeout(() => this.#events.tookTooLong(), millis).unref();
  }

  #done(error: Error | null, socket: Socket | null): void {
    if (this.#isOver) {
      socket?.destroy();
    } else if (socket === null) {
      this.#fail(error);
    } else {
      this.#isOver = true;
      clearTimeout(this.#limit);
      this.#events.connected(socket);
    }
  }

  #fail(error: unknown): void {
    this.end();
    this.#events.failed(error);
  }
}
