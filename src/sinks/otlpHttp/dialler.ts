import { isIP, type Socket } from 'node:net';
import type { AttemptPhase } from '../../model/sink.ts';
import type { Connector } from './connector.ts';

export type DialPhase = Extract<AttemptPhase, 'resolving' | 'connecting' | 'securing'>;

/**
 * Within this the second request to connect is answered, which the system sends after a second; a new dial begins with the first again. A process that ends by itself lives on for so long at most, since a request to
 * connect holds it.
 */
const MAX_CONNECT_MILLIS = 2_000;
/** Longer than any handshake: an attempt that is shorter ends it. It counts where attempts overlap, so that there is always one that waits. */
const MAX_HANDSHAKE_MILLIS = 30_000;
/** After a dial without an answer nobody dials: twice as long after each further one. */
const FIRST_GAP_MILLIS = 100;
const MAX_GAP_MILLIS = 1_000;

export interface DialTarget {
  /** A name or an address, without brackets. */
  readonly hostname: string;
  readonly isSecure: boolean;
}

export interface DialListener {
  /** The oldest dial has come this far. */
  entered(phase: DialPhase): void;
  connected(socket: Socket): void;
  /** A dial failed: refused, not found, a certificate that does not fit. */
  failed(error: unknown): void;
}

/**
 * Makes as many connections as are wanted: one at a time to a host to which none has come about since the last failure, all at once otherwise.
 *
 * A host that does not answer (a firewall that drops) would collect a socket for each attempt, and each would hold the process, whatever is unref'd: a request to connect does. So a dial that
 * nobody wants any more is ended with its socket, one that takes too long too, and between two of them is a gap in which nothing holds the process.
 */
export class Dialler {
  readonly #connector: Connector;
  readonly #target: DialTarget;
  readonly #listener: DialListener;
  readonly #dials: Dial[] = []; // oldest first
  #wanted = 0; // connections
  #isAnswering = false; // whether one has come about since the last failure
  #silences = 0; // dials without an answer, one after the other
  #gap: NodeJS.Timeout | undefined;

  constructor(connector: Connector, target: DialTarget, listener: DialListener) {
    this.#connector = connector;
    this.#target = target;
    this.#listener = listener;
  }

  /** How many dials are under way. */
  get underWay(): number {
    return this.#dials.length;
  }

  /** Of the oldest dial. */
  get phase(): DialPhase {
    return this.#dials[0]?.phase ?? 'connecting';
  }

  /** How many connections are wanted from now on. Dials that are more than that go on: what they bring will be of use. */
  want(count: number): void {
    this.#wanted = count;
    if (this.#gap !== undefined) return;
    const most = this.#isAnswering ? count : Math.min(count, 1);
    while (this.#dials.length < most) this.#dial();
  }

  /** As many are wanted, because an attempt waited in vain: dials that are more than that end. */
  giveUp(count: number): void {
    while (this.#dials.length > count) this.#unanswered(this.#dials.at(-1) as Dial);
    this.want(count);
  }

  close(): void {
    this.giveUp(0);
    this.#endGap();
  }

  #dial(): void {
    const dial: Dial = new Dial(this.#target, {
      entered: (phase) => dial === this.#dials[0] && this.#listener.entered(phase),
      connected: (socket) => {
        this.#forget(dial);
        this.#isAnswering = true;
        this.#endGap();
        this.#listener.connected(socket);
      },
      failed: (error) => {
        this.#forget(dial);
        this.#isAnswering = false;
        this.#listener.failed(error);
      },
      tookTooLong: () => this.#unanswered(dial),
    });
    this.#dials.push(dial);
    void dial.begin(this.#connector);
  }

  #unanswered(dial: Dial): void {
    this.#forget(dial);
    dial.end();
    this.#isAnswering = false;
    if (this.#gap !== undefined) return;
    const gapMillis = Math.min(MAX_GAP_MILLIS, FIRST_GAP_MILLIS * 2 ** this.#silences);
    this.#silences += 1;
    this.#gap = setTimeout(() => {
      this.#gap = undefined;
      this.want(this.#wanted);
    }, gapMillis).unref();
  }

  #forget(dial: Dial): void {
    this.#dials.splice(this.#dials.indexOf(dial), 1);
  }

  #endGap(): void {
    clearTimeout(this.#gap);
    this.#gap = undefined;
    this.#silences = 0;
  }
}

interface DialEvents extends DialListener {
  tookTooLong(): void;
}

/** One connection that is being made. It tells nothing once it was ended. */
class Dial {
  phase: DialPhase;
  readonly #target: DialTarget;
  readonly #events: DialEvents;
  #socket: Socket | undefined;
  #limit: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(target: DialTarget, events: DialEvents) {
    this.#target = target;
    this.#events = events;
    this.phase = isIP(target.hostname) === 0 ? 'resolving' : 'connecting';
  }

  async begin(connector: Connector): Promise<void> {
    try {
      const connect = await connector();
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

  #enter(phase: DialPhase, limitMillis: number): void {
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
