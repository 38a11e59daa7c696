import type { Socket } from 'node:net';
import type { AttemptPhase } from '../../../model/sink.ts';
import type { AddressPreference } from '../../../strategies/addressPreference.ts';
import { ConnectionRenewal, type ConnectionRenewalSettings } from '../../../strategies/connectionRenewal.ts';
import type { BackendRoute } from './backendRoute.ts';
import { ConnectPacer } from './connectPacer.ts';
import { PooledConnection } from './pooledConnection.ts';

const CLOSED = 'its connections were closed';

interface Waiter {
  enter(phase: AttemptPhase): void;
  take(connection: PooledConnection): void;
  fail(error: unknown): void;
}

export interface PoolSettings extends ConnectionRenewalSettings {
  /** A monotonic clock. */
  readonly now: () => number;
}

/**
 * What the request on a connection came to. `refused`: by a status that says to try again · `brokenOff`: it was begun, and no answer came, or a refusal that was not read to its end (whoever aborts a
 * request usually has waited for too long) · `unread`: another answer that was not read to its end · `unused`: it was not begun.
 */
export type ConnectionUse = 'answered' | 'refused' | 'brokenOff' | 'unread' | 'unused';

/**
 * The connections to one backend: as many as there are requests at a time. The HTTP client of each decides how long it is kept alive while it is idle. A request that waits for a connection takes the
 * first one that becomes free or is made.
 *
 * A connection that gets too old, or that belongs to a sick backend, ends between two requests, never during one. It is replaced when a request needs another one.
 */
export class ConnectionPool {
  readonly #pacer: ConnectPacer;
  readonly #renewal: ConnectionRenewal;
  readonly #addresses: AddressPreference;
  readonly #now: () => number;
  readonly #all = new Set<PooledConnection>();
  readonly #idle: PooledConnection[] = []; // the one used last at the end
  readonly #waiters = new Set<Waiter>(); // in the order in which they came
  #isClosed = false;

  constructor({ opener, target, addresses, clientOn }: BackendRoute, settings: PoolSettings) {
    const { now } = settings;
    this.#renewal = new ConnectionRenewal(settings);
    this.#addresses = addresses;
    this.#now = now;
    const opened = (socket: Socket) => {
      const endMillis = now() + this.#renewal.nextAgeMillis();
      return new PooledConnection(clientOn(socket), socket, endMillis, (connection) => this.#forget(connection));
    };
    this.#pacer = new ConnectPacer(opener, target, {
      entered: (phase) => {
        for (const waiter of [...this.#waiters]) waiter.enter(phase);
      },
      connected: (socket) => this.#connected(opened(socket)),
      // Each attempt that is still in flight may serve a waiter: only the others fail.
      failed: (error) => this.#fail(this.#waiters.size - this.#pacer.inFlight, error),
    });
  }

  /** Resolves with a connection for one request, which must be given back. */
  take(enter: (phase: AttemptPhase) => void, signal: AbortSignal): Promise<PooledConnection> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      if (this.#isClosed) throw new Error(CLOSED);
      const idle = this.#takeIdle();
      if (idle !== undefined) return resolve(idle);
      const giveUp = () => {
        this.#waiters.delete(waiter);
        this.#pacer.giveUp(this.#waiters.size);
        reject(signal.reason);
      };
      const settled = () => signal.removeEventListener('abort', giveUp);
      const waiter: Waiter = {
        enter,
        take: (connection) => {
          settled();
          resolve(connection);
        },
        fail: (error) => {
          settled();
          reject(error);
        },
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiters.add(waiter);
      this.#pacer.want(this.#waiters.size);
      enter(this.#pacer.phase);
    });
  }

  giveBack(connection: PooledConnection, use: ConnectionUse): void {
    if (this.#isUsable(connection, use)) this.#offer(connection);
    else void connection.destroy();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#pacer.close();
    this.#fail(this.#waiters.size, new Error(CLOSED));
    await Promise.all([...this.#all].map((connection) => connection.destroy()));
  }

  /** Takes note of how the request ended. */
  #isUsable(connection: PooledConnection, use: ConnectionUse): boolean {
    const { address, isFirstRequest } = connection;
    const isSick = use === 'refused' || use === 'brokenOff';
    if (isSick && address !== undefined) this.#addresses.avoid(address, this.#now());
    if (use === 'refused') return !this.#renewal.refused(isFirstRequest, this.#now()) && this.#isFit(connection);
    if (use !== 'answered') return false;
    this.#renewal.answered();
    if (address !== undefined) this.#addresses.trust(address);
    return this.#isFit(connection);
  }

  #isFit({ isOpen, endMillis, address }: PooledConnection): boolean {
    const now = this.#now();
    return isOpen && now < endMillis && (address === undefined || !this.#addresses.isAvoided(address, now));
  }

  #takeIdle(): PooledConnection | undefined {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (this.#isFit(idle)) return idle;
      void idle.destroy();
    }
    return undefined;
  }

  #connected(connection: PooledConnection): void {
    this.#all.add(connection);
    this.#offer(connection);
  }

  #offer(connection: PooledConnection): void {
    const [first] = this.#waiters;
    if (first === undefined) return void this.#idle.push(connection);
    this.#waiters.delete(first);
    this.#pacer.want(this.#waiters.size);
    first.take(connection);
  }

  #fail(count: number, error: unknown): void {
    const failed = [...this.#waiters].slice(0, count);
    for (const waiter of failed) this.#waiters.delete(waiter);
    this.#pacer.want(this.#waiters.size);
    for (const waiter of failed) waiter.fail(error);
  }

  #forget(connection: PooledConnection): void {
    this.#all.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
  }
}
