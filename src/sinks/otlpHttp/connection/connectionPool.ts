import type { AttemptPhase } from '../../../model/sink.ts';
import type { BackendRoute } from './backendRoute.ts';
import { ConnectPacer } from './connectPacer.ts';
import { PooledConnection } from './pooledConnection.ts';

const CLOSED = 'its connections were closed';

interface Waiter {
  enter(phase: AttemptPhase): void;
  take(connection: PooledConnection): void;
  fail(error: unknown): void;
}

/**
 * The connections to one backend: as many as there are requests at a time. The HTTP client of each decides how long it is kept alive. A request that waits for a connection takes the first one that becomes free or is made.
 */
export class ConnectionPool {
  readonly #pacer: ConnectPacer;
  readonly #all = new Set<PooledConnection>();
  readonly #idle: PooledConnection[] = []; // the one used last at the end
  readonly #waiters = new Set<Waiter>(); // in the order in which they came
  #isClosed = false;

  constructor({ opener, target, clientOn }: BackendRoute) {
    this.#pacer = new ConnectPacer(opener, target, {
      entered: (phase) => {
        for (const waiter of [...this.#waiters]) waiter.enter(phase);
      },
      connected: (socket) =>
        this.#connected(new PooledConnection(clientOn(socket), socket, (connection) => this.#forget(connection))),
      // Each attempt that is still in flight may serve a waiter: only the others fail.
      failed: (error) => this.#fail(this.#waiters.size - this.#pacer.inFlight, error),
    });
  }

  /** Resolves with a connection for one request, which must be given back. */
  take(enter: (phase: AttemptPhase) => void, signal: AbortSignal): Promise<PooledConnection> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      if (this.#isClosed) throw new Error(CLOSED);
      const idle = this.#idle.pop();
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

  /** @param isSound whether the request was answered and the answer read to its end */
  giveBack(connection: PooledConnection, isSound: boolean): void {
    if (isSound && connection.isOpen) this.#offer(connection);
    else void connection.destroy();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#pacer.close();
    this.#fail(this.#waiters.size, new Error(CLOSED));
    await Promise.all([...this.#all].map((connection) => connection.destroy()));
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
