import { ConnectAttempt, type ConnectListener, type ConnectPhase, type ConnectTarget } from './connectAttempt.ts';
import type { SocketOpener } from './socketOpener.ts';

/** The gap after an attempt that was not answered. It doubles with each further one. */
const FIRST_GAP_MILLIS = 100;
const MAX_GAP_MILLIS = 1_000;

/**
 * Makes as many connections as are wanted. To a host that has not accepted one since the last failure, it makes one at a time; otherwise all at once.
 *
 * Why one at a time? A host that does not answer (a firewall that drops packets) would collect a socket for each export, and each socket holds the process: a request to connect does, even if it is
 * unref'd. So an attempt to connect ends with its socket when it is no longer wanted or takes too long, and between two attempts is a gap in which nothing holds the process.
 */
export class ConnectPacer {
  readonly #opener: SocketOpener;
  readonly #target: ConnectTarget;
  readonly #listener: ConnectListener;
  readonly #attempts: ConnectAttempt[] = []; // oldest first
  #wanted = 0; // connections that are missing
  #isAnswering = false; // whether the host has accepted a connection since the last failure
  #unansweredInARow = 0; // attempts
  #gap: NodeJS.Timeout | undefined;

  constructor(opener: SocketOpener, target: ConnectTarget, listener: ConnectListener) {
    this.#opener = opener;
    this.#target = target;
    this.#listener = listener;
  }

  /** Attempts to connect that are in flight. */
  get inFlight(): number {
    return this.#attempts.length;
  }

  /** The phase of the oldest attempt. */
  get phase(): ConnectPhase {
    return this.#attempts[0]?.phase ?? 'connecting';
  }

  /** Sets how many connections are wanted. Attempts beyond that number go on: later requests can use their connections. */
  want(count: number): void {
    this.#wanted = count;
    if (this.#gap !== undefined) return;
    const most = this.#isAnswering ? count : Math.min(count, 1);
    while (this.#attempts.length < most) this.#connect();
  }

  /** Sets how many connections are wanted after a request gave up waiting. Attempts beyond that number end. */
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
    const gapMillis = Math.min(MAX_GAP_MILLIS, FIRST_GAP_MILLIS * 2 ** this.#unansweredInARow);
    this.#unansweredInARow += 1;
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
    this.#unansweredInARow = 0;
  }
}
